"""``maxrl-est check --log``: which function made the advantages that a trainer logged."""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from maxrl_est._arguments import closest, printable, short
from maxrl_est.cli.console import Misuse, as_misuse

if TYPE_CHECKING:
    from maxrl_est.files.rollouts.columns import Columns

_GROUP = ("group", "group_id", "uid", "uids", "index", "prompt_id", "prompt", "input")
_STEP = ("step", "global_step")
_REWARD = ("reward", "rewards", "total_reward", "score", "scores")
_ADVANTAGE = ("advantage", "advantages", "adv")
_NO_REWARD = ("prompt", "completion", "input", "output", "gts", *_STEP, *_ADVANTAGE)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add ``--log`` and what goes with it."""
    parser.add_argument(
        "--log",
        metavar="FILE",
        type=Path,
        help="in place of TARGET: rewards and advantages that a trainer logged, as .csv, .jsonl or .parquet, or a "
        "folder of these; says which function made them, and checks that",
    )
    parser.add_argument(
        "--group",
        metavar="COLUMN",
        nargs="+",
        help="of the log: rows with the same values are a group (a group, uid or index, or the prompt, and the step)",
    )
    parser.add_argument(
        "--reward", metavar="COLUMN", nargs="+", help="of the log: they are summed (reward or score, or all numbers)"
    )
    parser.add_argument("--advantage", metavar="COLUMN", help="of the log (advantage)")


class Log(NamedTuple):
    """What a log says: in words, and as the functions to be judged, at most one."""

    text: str
    functions: list[tuple[str, Any]]
    sizes: list[int] | None  # of groups, None where none can be judged
    binary: bool  # whether all rewards are 0 and 1


def read(options: argparse.Namespace) -> Log:
    """Read the log and find what made its advantages."""
    from maxrl_est.checks import recover
    from maxrl_est.checks._asked import MAX_SIZE
    from maxrl_est.files.rollouts.columns import read_columns

    columns = read_columns(options.log)
    advantage = _advantage(options, columns)
    names = _rewards(options, columns)
    keys = _groups(options, columns)
    rewards = _summed(options.log, names, columns)
    step = next((name for name in _STEP if name in columns), None)
    with as_misuse():
        recovered = recover(
            rewards,
            _numbers(options.log, advantage, columns[advantage]),
            list(zip(*(map(repr, columns[key]) for key in keys), strict=True)),
            batches=None if step is None else list(map(repr, columns[step])),
        )
    read_as = f"rewards {' + '.join(names)}, advantages {advantage}, groups by {' and '.join(keys)}"
    text = f"{printable(f'{options.log}: {read_as}')}\n{recovered}"
    functions = [(str(match), match.estimator) for match in recovered.found[:1] if match.estimator]
    if recovered.found and not functions:
        text += "\nwhich depends on the other groups of the batch, so that no prompt's gradient is estimated by itself"
    sizes = [n for n in recovered.sizes if n <= MAX_SIZE]
    return Log(text, functions, sizes if max(sizes, default=1) > 1 else None, {*rewards} <= {0.0, 1.0})


def _there(source: Path, option: str, name: str, columns: Columns) -> str:
    if name not in columns:
        hint = closest(name, columns) or f"it has {', '.join(columns)}"
        raise Misuse(f"{source}: {option} must be a column, got {name!r}; {hint}")
    return name


def _advantage(options: argparse.Namespace, columns: Columns) -> str:
    if options.advantage is not None:
        return _there(options.log, "--advantage", options.advantage, columns)
    for name in _ADVANTAGE:
        if name in columns:
            return name
    raise Misuse(
        f"{options.log}: columns must have an advantage, got {', '.join(columns)}: the log of rollouts of verl, "
        "say, has none, so add it there, or name its column by --advantage"
    )


def _groups(options: argparse.Namespace, columns: Columns) -> list[str]:
    """The columns that tell groups: a prompt comes again at another step."""
    if options.group is not None:
        return [_there(options.log, "--group", name, columns) for name in options.group]
    for name in _GROUP:
        if name in columns:
            return [name, *(step for step in _STEP if step in columns)]
    raise Misuse(
        f"{options.log}: columns must have a group, uid, index or prompt, got {', '.join(columns)}; name what tells "
        "groups by --group"
    )


def _rewards(options: argparse.Namespace, columns: Columns) -> list[str]:
    """The columns whose sum is the reward: TRL's have the names of reward functions."""
    if options.reward is not None:
        return [_there(options.log, "--reward", name, columns) for name in options.reward]
    for name in _REWARD:
        if name in columns:
            return [name]
    others = [name for name in columns if name not in (*_NO_REWARD, *_GROUP, options.advantage, *(options.group or ()))]
    found = [name for name in others if all(_number(value) is not None for value in columns[name])]
    if not found:
        raise Misuse(f"{options.log}: columns must have a reward, got {', '.join(columns)}; name it by --reward")
    return found


def _summed(source: Path, names: list[str], columns: Columns) -> list[float]:
    """Rewards; where there are several, one that is missing counts for nothing, as in TRL."""
    parts = [_numbers(source, name, columns[name]) for name in names]
    if len(parts) == 1:
        return parts[0]
    return [
        math.fsum(value for value in row if not math.isnan(value)) if not all(map(math.isnan, row)) else math.nan
        for row in zip(*parts, strict=True)
    ]


def _numbers(source: Path, name: str, values: list[Any]) -> list[float]:
    found = []
    for row, value in enumerate(values):
        number = _number(value)
        if number is None:
            raise Misuse(f"{source}: {name} must be a number in every row, got {short(repr(value))} in row {row}")
        found.append(number)
    return found


def _number(value: Any) -> float | None:
    """The number that a cell is; NaN for one left empty, None for what is no number."""
    if value is None or value == "":
        return math.nan
    if isinstance(value, str) and value.strip().lower() in ("true", "false"):
        return float(value.strip().lower() == "true")
    try:
        return float(value) if isinstance(value, str | int | float) else None
    except (ValueError, OverflowError):  # an int of JSON may have thousands of digits
        return None
