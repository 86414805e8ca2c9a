"""Is an update the gradient of anything? The objective rebuilt from an advantage, or the proof that there is none."""

from maxrl_est.ascent._objective_of import objective_of
from maxrl_est.ascent._over_prompts import OverPrompts, over_prompts
from maxrl_est.ascent._result import Ascent
from maxrl_est.ascent._triangles import Triangle

__all__ = ["Ascent", "OverPrompts", "Triangle", "objective_of", "over_prompts"]
