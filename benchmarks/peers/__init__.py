"""Beside other libraries that generate tables of many series: ``python -m benchmarks.peers``."""
