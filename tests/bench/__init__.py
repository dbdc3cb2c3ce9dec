"""Benchmarks: ratios to a reference measured in the same run; start with `python -m tests.bench`."""
