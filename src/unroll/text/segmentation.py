"""Segmentation of lines into documents: lines, paragraphs or whole files, none longer than a limit."""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Document:
    """A document, or one part of a document that is longer than the limit."""

    line: int
    """The number of the line where it begins, counted from 1."""
    text: str
    """The text."""
    continuation: int
    """0, or k for the k-th continuation of a document that is longer than the limit."""


def segment(lines: Iterator[str], unit: str, limit: int) -> Iterator[Document]:
    r"""Divide lines into documents.

    Args:
        lines: The lines with a final "\n", or parts of lines, as `unroll.text.encoding.read_lines` yields them.
        unit: `line`, `paragraph` (the lines between blank lines) or `file`.
        limit: The maximum number of characters of a document. A longer document is divided into parts, after white
            space if possible.

    Yields:
        The documents in order. The "\n" that ends a line or paragraph is not part of it.
    """
    parts: list[str] = []
    size, continuation, number, begin, at_line_start = 0, 0, 1, 1, True
    for part in lines:
        if unit == "paragraph" and at_line_start and part.isspace():
            if parts:
                yield Document(begin, "".join(parts).removesuffix("\n"), continuation)
            parts, size, continuation = [], 0, 0
            number += part.endswith("\n")
            continue
        if not parts:
            begin = number
        parts.append(part)
        size += len(part)
        at_line_start = part.endswith("\n")
        number += at_line_start
        while size > limit:
            text = "".join(parts)
            end = _cut_position(text, limit)
            yield Document(begin, text[:end], continuation)
            parts, size, continuation = [text[end:]], len(text) - end, continuation + 1
        if unit == "line" and at_line_start:
            yield Document(begin, "".join(parts).removesuffix("\n"), continuation)
            parts, size, continuation = [], 0, 0
    if parts:
        text = "".join(parts)
        yield Document(begin, text if unit == "file" else text.removesuffix("\n"), continuation)


def _cut_position(text: str, limit: int) -> int:
    """Return the position after the last white space in the second half of the first `limit` characters, or `limit`."""
    for end in range(limit, limit // 2, -1):
        if text[end - 1].isspace():
            return end
    return limit
