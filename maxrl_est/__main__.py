# PYTHON_ARGCOMPLETE_OK
"""``python -m maxrl_est`` is the command ``maxrl-est``."""

import sys

if __name__ == "__main__":
    if not sys.flags.safe_path:
        sys.path.append(sys.path.pop(0))  # the current folder, in which a numpy.py is not NumPy
    from maxrl_est.cli import main

    sys.exit(main())
