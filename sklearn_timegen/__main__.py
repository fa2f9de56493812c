"""Run ``python -m sklearn_timegen``."""

import sys

from sklearn_timegen._cli import main

if __name__ == "__main__":
    sys.exit(main())
