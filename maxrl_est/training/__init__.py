"""Policy-gradient loops with the exact objective along the way."""

from maxrl_est.training.curves import Curve, Point, Training
from maxrl_est.training.loop import train
from maxrl_est.training.plots import learning_curves
from maxrl_est.training.processes import workers
from maxrl_est.training.run import Diverged

__all__ = ["Curve", "Diverged", "Point", "Training", "learning_curves", "train", "workers"]
