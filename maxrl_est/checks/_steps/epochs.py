"""What further steps on the same batch do."""

from __future__ import annotations

from maxrl_est.checks._steps.subject import StepSubject
from maxrl_est.checks._subject import Skipped


def several_epochs(subject: StepSubject) -> str:
    """Further steps on a batch weigh its rollouts by ratios, since the policy has moved on."""
    raise Skipped("one step is taken on each batch; epochs= asks for more")
