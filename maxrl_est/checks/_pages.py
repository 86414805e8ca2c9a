"""The pages of the checks: what each means, why it matters, an example, and how to mend what it finds."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from importlib.resources import files

GUIDES = ("verdict", "formats")  # pages that belong to no check


@dataclass(frozen=True, slots=True)
class Page:
    """One page in Markdown, and what is read off it."""

    id: str
    text: str

    @property
    def description(self) -> str:
        """The first sentence below the title."""
        paragraph = self.text.split("\n\n")[1]
        return re.split(r"(?<=\.)\s", " ".join(paragraph.split()))[0]

    @property
    def severity(self) -> str:
        """What it comes to where it does not pass: "failed", "warned", "failed or warned" or "never fails"."""
        return self._entry("Severity")

    @property
    def advice(self) -> str:
        """What to do where it does not pass, in a line."""
        return self._entry("Advice")

    def advice_on(self, severity: str) -> str:
        """The same, where a warning asks for something else than a failure."""
        return (severity == "warned" and self._entry("Advice on a warning")) or self.advice

    def _entry(self, name: str) -> str:
        found = re.search(rf"^{name}: (.+)$", self.text, re.M)
        return found[1] if found else ""


@functools.cache
def page(id: str) -> Page:
    """The page of the check with that id, or one of `GUIDES`."""
    return Page(id, (files("maxrl_est") / "checks" / "pages" / f"{id}.md").read_text("utf-8"))
