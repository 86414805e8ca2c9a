"""Lines of Python that a reader copies, broken only where Python lets them be."""

from __future__ import annotations

from collections.abc import Iterator


def wrapped(code: str, width: int, first: str, rest: str) -> list[str]:
    r"""The expression in lines of at most ``width`` columns where spaces in brackets allow it.

    ``first`` stands before the first line, ``rest`` before the others. What is pasted without ``first`` is the same
    expression.

    >>> print("\n".join(wrapped("f(numpy.array([0.25, 0.5, 0.75]))[0] - 1", 24, "run: ", "  ")))
    run: f(numpy.array([0.25,
      0.5, 0.75]))[0] - 1
    """
    lines, line = [], first
    for piece in _pieces(code):
        if len(line) + len(piece.rstrip()) > width and line not in (first, rest):
            lines.append(line.rstrip())
            line = rest
        line += piece
    return [*lines, line.rstrip()]


def _pieces(code: str) -> Iterator[str]:
    """The code, cut after the spaces that are in brackets and not in a string."""
    start, depth, quote, escaped = 0, 0, "", False
    for place, character in enumerate(code):
        if quote:
            quote = "" if character == quote and not escaped else quote
            escaped = character == "\\" and not escaped
        elif character in "'\"":
            quote = character
        elif character in "([{":
            depth += 1
        elif character in ")]}":
            depth -= 1
        elif character == " " and depth:
            yield code[start : place + 1]
            start = place + 1
    yield code[start:]
