"""Measurements that are too slow for tests; their results are recorded in ``results/``."""
