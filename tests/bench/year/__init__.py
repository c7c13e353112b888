"""A generated year: 100 domains seen from 5 regions, every result of the last week, roll-ups of the rest.

`python -m tests.bench.year FOLDER` makes a data folder for the window; `make.cached` keeps one under `build/` for
benchmarks. The same shape, seed and end give the same history, whatever the machine.
"""
