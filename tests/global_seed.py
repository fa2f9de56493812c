"""The seed that data and fits of a test hang on, whose verdict must not hang on it.

As scikit-learn's: run the suite with others to find tests that pass by luck.
"""

import os

__all__ = ["GLOBAL_RANDOM_SEED", "VARIABLE"]

VARIABLE = "SKLEARN_TIMEGEN_TESTS_GLOBAL_RANDOM_SEED"


def read() -> int:
    given = os.environ.get(VARIABLE, "0")
    if not given.isdigit():
        raise ValueError(f"{VARIABLE}={given!r}: expected an integer of at least 0")
    return int(given)


GLOBAL_RANDOM_SEED = read()
