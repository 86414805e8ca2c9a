"""``python -m maxrl_est`` is the command ``maxrl-est``."""

import sys

from maxrl_est.cli import main

if __name__ == "__main__":
    sys.exit(main())
