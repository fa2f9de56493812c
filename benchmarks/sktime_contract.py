"""sktime's own checks over every set of ``get_test_params``.

``python -m benchmarks.sktime_contract``: some two thousand checks, most of which fit something,
in a quarter of an hour; the test suite runs them over small estimators instead. Names of classes
as arguments select some.
"""

from __future__ import annotations

import sys
import time
import warnings

from sktime.utils.estimator_checks import check_estimator

import sklearn_timegen.forecasting as forecasting

CLASSES = ("GeneratorBootstrap", "TSTRForecaster", "AugmentedForecaster")


def main(names: tuple[str, ...]) -> int:
    """Check and print; return the number of failures."""
    warnings.simplefilter("ignore")
    n_failed = 0
    for name in names:
        began = time.perf_counter()
        found = check_estimator(getattr(forecasting, name), raise_exceptions=False, verbose=False)
        failed = {check: result for check, result in found.items() if result != "PASSED"}
        n_failed += len(failed)
        seconds = time.perf_counter() - began
        print(f"{name}: {len(found)} checks, {len(failed)} failed, {seconds:.0f} s", flush=True)
        for check, result in failed.items():
            print(f"  {check}: {result!r}"[:300], flush=True)
    return n_failed


if __name__ == "__main__":
    sys.exit(main(tuple(sys.argv[1:]) or CLASSES) > 0)
