"""What a result of the bench depends on."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from pathlib import Path

from maxrl_est._arguments import versions


def meta() -> dict[str, str]:
    """Return what a result depends on: date, versions, processor."""
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "python": platform.python_version(),
        **versions("numpy", "numba", "llvmlite", "python-flint", "torch", "trl", "verl", "polars", "maxrl-est"),
        "processor": _processor(),
        "system": platform.system(),
    }


def _processor() -> str:
    """Name of the processor; /proc tells it more often than `platform` does."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return f"{line.partition(':')[2].strip()}, {os.cpu_count()} cores"
    except OSError:
        pass
    return f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores"
