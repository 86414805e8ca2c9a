"""Reports for machines: one document of several reports, in the formats that CI systems read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from maxrl_est.checks._formats import github, json, junit, sarif

if TYPE_CHECKING:
    from maxrl_est.checks._report import CheckReport

FORMATS: Mapping[str, Callable[[Sequence[CheckReport]], str]] = {
    "json": json.document,
    "github": github.document,
    "junit": junit.document,
    "sarif": sarif.document,
}
