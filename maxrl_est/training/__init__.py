"""Policy-gradient loops with the exact objective along the way: what is trained on what, and the curves that come out.

`policies`, `optimisers` and `tasks` are the parts of a training; `train` puts them together.
"""

from maxrl_est.training import optimisers, policies, tasks
from maxrl_est.training._curves import Curve, Point, Training
from maxrl_est.training._engines import workers
from maxrl_est.training._loop import train
from maxrl_est.training._plots import learning_curves
from maxrl_est.training._run import Diverged

__all__ = [
    "Curve",
    "Diverged",
    "Point",
    "Training",
    "learning_curves",
    "optimisers",
    "policies",
    "tasks",
    "train",
    "workers",
]
