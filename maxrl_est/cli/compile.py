"""``maxrl-est compile``: fill the cache of compiled kernels ahead of the first call that pays for them."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from maxrl_est._arguments.environment import setting
from maxrl_est.cli.console import Misuse, progress
from maxrl_est.cli.parsing import Commands, add_command

_DESCRIPTION = (
    "Compile every kernel for this machine's processor, once, into numba's cache, so that no later process waits for "
    "a compiler: in an image's recipe, or before a build's cache is saved."
)
_NOTES = (
    "Numba keeps the cache beside the package, or where that cannot be written in the user's cache folder; "
    "NUMBA_CACHE_DIR names another, for this command and for the processes that are to use it. A cache serves the "
    "processor that it was made on, and this version of the package, numba and Python. Without it NumPy answers until "
    "a process has had some seconds of work; MAXRL_EST_KERNELS=numba compiles at once, =numpy never does."
)


def add(commands: Commands) -> None:
    """Add the command to the parser."""
    parser = add_command(
        commands,
        "compile",
        help="compile the kernels ahead, into a cache",
        description=_DESCRIPTION,
        examples=("",),
        notes=_NOTES,
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run it; returns the exit status."""
    from maxrl_est.estimates._kernels._ahead import compile_all

    if setting() == "numpy":
        raise Misuse("MAXRL_EST_KERNELS must not be numpy to compile, which no process would use, got 'numpy'")
    found = compile_all(progress)
    progress(None)
    if found is None:
        raise Misuse("numba cannot be imported, or is switched off by NUMBA_DISABLE_JIT: there is nothing to compile")
    print(f"{found.compiled} kernels compiled, {found.loaded} were in the cache; {found.seconds:.1f} s")
    if found.folder is None:
        print("no folder can be written for a cache: set NUMBA_CACHE_DIR to one that can")
        return 1
    print(f"cache: {found.folder}")
    wanted = os.environ.get("NUMBA_CACHE_DIR")
    if wanted and not Path(found.folder).is_relative_to(Path(wanted).absolute()):
        print(f"numba could not write to NUMBA_CACHE_DIR, {wanted}")
        return 1
    return 0
