"""Ten kills of each job; `python -m tests.kills 200` has more."""

import os

import pytest

from kills import JOBS, disturbed


@pytest.mark.skipif(os.name != "posix", reason="needs signals of POSIX")
@pytest.mark.parametrize("job", JOBS)
def test_killed_jobs_end_with_the_same_bits_and_leave_nothing(job):
    assert disturbed(job, 10, seed=1) > 0
