"""The store: what is configured and what was measured, in one SQLite file.

`store.Store` is the door. One writer thread owns the write connection; reading has connections of its own.
"""
