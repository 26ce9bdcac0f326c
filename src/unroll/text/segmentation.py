"""Lines to documents: by line, by paragraph or by file, none longer than a limit."""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Document:
    line: int
    """Of the file, from 1, where it begins."""
    text: str
    piece: int
    """0, or k for the k-th further piece of a document that is longer than the limit."""


def documents(lines: Iterator[str], unit: str, limit: int) -> Iterator[Document]:
    """`unit`: "line", "paragraph" (what stands between blank lines) or "file"; the "\n" that ends the first two is no
    part of them. Documents of more than `limit` characters
    come in pieces, cut after white space where there is any. `lines` may come in parts: see `encoding.lines`."""
    parts: list[str] = []
    size, piece, number, begin, fresh = 0, 0, 1, 1, True
    for part in lines:
        if unit == "paragraph" and fresh and part.isspace():
            if parts:
                yield Document(begin, "".join(parts).removesuffix("\n"), piece)
            parts, size, piece = [], 0, 0
            number += part.endswith("\n")
            continue
        if not parts:
            begin = number
        parts.append(part)
        size += len(part)
        fresh = part.endswith("\n")
        number += fresh
        while size > limit:
            text = "".join(parts)
            end = _last_space(text, limit)
            yield Document(begin, text[:end], piece)
            parts, size, piece = [text[end:]], len(text) - end, piece + 1
        if unit == "line" and fresh:
            yield Document(begin, "".join(parts).removesuffix("\n"), piece)
            parts, size, piece = [], 0, 0
    if parts:
        text = "".join(parts)
        yield Document(begin, text if unit == "file" else text.removesuffix("\n"), piece)


def _last_space(text: str, limit: int) -> int:
    """Where to cut: after the last white space of the first `limit` characters, or at `limit`."""
    for end in range(limit, limit // 2, -1):
        if text[end - 1].isspace():
            return end
    return limit
