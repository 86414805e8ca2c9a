"""``maxrl-est train``: learning curves of estimators beside exact gradients."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from concurrent.futures import BrokenExecutor
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from maxrl_est.cli.console import Misuse, check_target, named, progress, write_text
from maxrl_est.cli.loading import LoadedFunction
from maxrl_est.cli.parsing import Commands, add_command, add_json, completed_by, estimator_words
from maxrl_est.files.whole import FileError, replacing

if TYPE_CHECKING:
    from maxrl_est.training import Training
    from maxrl_est.training._presets import Preset
    from maxrl_est.training.policies import Policy

_BLAS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


def add(commands: Commands) -> None:
    """Add the command to the parser."""
    parser = add_command(
        commands,
        "train",
        help="train a policy with several estimators, beside the exact gradients of E p and E log p",
        description="Train a small policy with gradient estimates, and report exact p, log p and J_T along the way. "
        "The runs with the exact gradients of E p (exact_rl) and of E log p (exact_ml) always come along.",
        examples=(
            "--problem maze --steps 100 --figure curves.svg",
            "--estimators rloo mine.py:advantage --group-size 8 --seeds 1 --steps 100",
            "--steps 100 --checkpoint runs.json --csv points.csv",
        ),
    )
    problem = parser.add_argument(
        "--problem", metavar="NAME", default="bandit", help="bandit, maze, regression or digits"
    )
    parser.add_argument("--policy", metavar="NAME", help="tabular, linear or mlp; default: the first that fits")
    rows = parser.add_argument(
        "--estimators",
        metavar="NAME",
        nargs="+",
        default=["rloo", "maxrl_shipped", "ustat_mean_loo"],
        help="names, path/to/file.py:function or package.module:function (rloo maxrl_shipped ustat_mean_loo)",
    )
    parser.add_argument("--group-size", metavar="N", type=int, default=16, help="rollouts of a prompt in a step (16)")
    parser.add_argument("--order", metavar="T", type=int, help="of the ustat estimators and of J_T (the group size)")
    parser.add_argument("--batch", metavar="B", type=int, help="prompts in a step (all)")
    parser.add_argument("--steps", type=int, default=400, help="(400)")
    parser.add_argument("--evaluate-every", metavar="STEPS", type=int, help="(a twentieth of all)")
    parser.add_argument("--optimiser", choices=("adam", "sgd"), default="adam", help="(adam)")
    parser.add_argument("--learning-rate", metavar="RATE", type=float, default=0.03, help="(0.03)")
    parser.add_argument("--seeds", metavar="COUNT", type=int, default=3, help="(3)")
    parser.add_argument("--workers", metavar="COUNT", type=int, help="that runs are worked on by (one a core)")
    parser.add_argument(
        "--engine",
        choices=("processes", "threads", "dask", "ray"),
        default="processes",
        help="what workers are; dask and ray need the extra of their name (processes)",
    )
    parser.add_argument("--address", help="of a cluster of dask or ray whose workers are used; none: one starts here")
    parser.add_argument("--checkpoint", metavar="PATH", help="save the runs there, and resume them to the same bits")
    parser.add_argument("--csv", metavar="PATH", help="write all points as CSV; - for standard output")
    parser.add_argument("--figure", metavar="PATH", help="write learning curves as .svg, .png or .pdf")
    add_json(parser)
    completed_by(problem, lambda **_: _problem_names())
    completed_by(rows, estimator_words)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run it; returns the exit status."""
    for name in _BLAS:  # before NumPy is imported: workers side by side, and sums in one order
        os.environ.setdefault(name, "1")
    for name in ("checkpoint", "figure"):
        check_target(name, getattr(options, name))
    if options.figure and Path(options.figure).suffix not in (".svg", ".png", ".pdf"):
        raise Misuse(f"--figure must end in .svg, .png or .pdf, got {options.figure}")
    if options.workers is not None and options.workers < 1:
        raise Misuse(f"--workers must be an int of at least 1, got {options.workers}")
    try:
        result = _trained(options)
    finally:
        progress(None)
    result = replace(result, meta={"preset": options.problem, **result.meta})
    if not (write_text(options.csv, result.to_csv()) | write_text(options.json, result.to_json())):
        print(result)
    if options.figure:
        _draw(result, Path(options.figure))
    return 0


def _trained(options: argparse.Namespace) -> Training:
    from maxrl_est.training import Diverged, train, workers
    from maxrl_est.training.optimisers import SGD, Adam

    preset, begun = _preset(options.problem), []
    alone = options.engine == "processes" and options.address is None and (options.workers or os.cpu_count()) == 1

    def told(text: str) -> None:
        begun.append(text)
        progress(text)

    try:
        with nullcontext() if alone else workers(options.workers, options.engine, options.address) as executor:
            return train(
                preset.task,
                _policy(preset, options),
                _estimators(options.estimators),
                n=options.group_size,
                order=options.order,
                steps=options.steps,
                optimiser=(Adam if options.optimiser == "adam" else SGD)(options.learning_rate),
                batch=options.batch,
                seeds=options.seeds,
                evaluate_every=options.evaluate_every,
                test=preset.test,
                executor=executor,
                checkpoint=options.checkpoint,
                progress=told,
            )
    except FileError:
        raise
    except Diverged as error:
        raise Misuse(f"diverged: {error}") from None
    except (ValueError, TypeError) as error:
        if begun:  # no argument: a fault of this package
            raise
        raise Misuse(str(error)) from None
    except ModuleNotFoundError as error:
        raise Misuse(str(error)) from None
    except BrokenExecutor:
        kept = f"; what was done is in {options.checkpoint}" if options.checkpoint else ""
        raise Misuse(f"two workers were killed at the same piece, perhaps for want of memory{kept}") from None


def _policy(preset: Preset, options: argparse.Namespace) -> Policy:
    return preset.policies[named("--policy", options.policy or next(iter(preset.policies)), list(preset.policies))]


def _estimators(texts: Sequence[str]) -> list[Any]:
    """What they name, and the exact gradients after them."""
    from maxrl_est.training._settings import EXACT

    return [LoadedFunction(text) if ":" in text else text for text in dict.fromkeys([*texts, *EXACT])]


def _problem_names() -> list[str]:
    from maxrl_est.training._presets import PRESETS

    return list(PRESETS)


def _preset(name: str) -> Preset:
    from maxrl_est.training._presets import PRESETS

    named("--problem", name, _problem_names())
    try:
        return PRESETS[name]()
    except ImportError as error:
        raise Misuse(str(error)) from None


def _draw(result: Training, path: Path) -> None:
    from maxrl_est.training._plots import learning_curves

    with replacing(path) as stream:
        learning_curves(result).savefig(stream, format=path.suffix[1:])
