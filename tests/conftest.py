"""What the tests ran on, at the head of every run."""

import numba
import numpy as np

import maxrl_est


def pytest_report_header():
    return f"maxrl_est: {maxrl_est.__file__}, numpy {np.__version__}, numba {numba.__version__}"
