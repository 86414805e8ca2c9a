"""What the tests ran on, at the head of every run."""

import os
import signal

import numba
import numpy as np
import pytest

import maxrl_est
from maxrl_est.estimates._kernels import _choice

os.environ.setdefault("MAXRL_EST_KERNELS", "numba")  # or which kernels a test tries would depend on those before it

if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:  # behind nohup; what tests start would not hear Ctrl-C either
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_report_header():
    return f"maxrl_est: {maxrl_est.__file__}, numpy {np.__version__}, numba {numba.__version__}"


@pytest.fixture(params=["numpy", "numba"])
def kernels(request):
    """Which kernels compute in this test; the environment is asked once a process."""
    token = _choice._settled.set(request.param == "numba")
    yield request.param
    _choice._settled.reset(token)
