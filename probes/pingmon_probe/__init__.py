"""The Pingmon probe: a small HTTP service that measures targets from where it runs.

Pure Python for 3.9 and newer; nothing but the standard library and h11, which the built file carries.
"""

__version__ = "0.9.0"
