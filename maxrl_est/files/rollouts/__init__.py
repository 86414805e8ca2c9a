"""Files of rollouts in; the same files, with a weight and an advantage for every rollout, out.

A file holds one rollout a row, and the rows of a group follow one another. A row's bytes are kept as they are
and the two values are put at its end. Rows are streamed, so a file may be larger than memory.
"""

from maxrl_est.files.rollouts.groups import Weigh
from maxrl_est.files.rollouts.weighing import Summary, write_weights

__all__ = ["Summary", "Weigh", "write_weights"]
