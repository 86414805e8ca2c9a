"""Advantage functions as people write them, wrong and right, each with what it is meant to ascend.

Written without sight of any checker: what holds of each is verified by enumeration in `test_semantic_tables.py`.
"""

import semantic_right
import semantic_right_weights
import semantic_wrong
import semantic_wrong_inputs
import semantic_wrong_state
import semantic_wrong_weights
from semantic_entries import Right, Wrong

__all__ = ["RIGHT", "WRONG", "Right", "Wrong"]

WRONG: dict[str, Wrong] = {
    **semantic_wrong.WRONG,
    **semantic_wrong_weights.WRONG,
    **semantic_wrong_inputs.WRONG,
    **semantic_wrong_state.WRONG,
}
RIGHT: dict[str, Right] = {**semantic_right.RIGHT, **semantic_right_weights.RIGHT}
