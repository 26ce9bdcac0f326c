"""Bytes to lines of text. The encoding is what the params say; what it could be instead is said, never assumed."""

import codecs
import re
from collections.abc import Iterator
from pathlib import Path

from unroll.errors import UnrollError

SAMPLE = 1 << 16  # bytes at the start of a file by which binary data is recognised
CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x7f]")  # what text does not hold, but for a stray one
BINARY_SHARE = 0.05  # of such bytes in the sample: compressed data has twice as many
MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",  # before UTF-16, whose mark it begins with
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
    codecs.BOM_UTF8: "utf-8",
}


def lines(path: Path, encoding: str, errors: str, limit: int) -> Iterator[str]:
    """The lines of `path` with their "\\n" (CRLF and CR are "\\n" too, nothing else is); longer ones come in parts of
    `limit` characters. A byte order mark is no part of the text. UnrollError names file, line and byte of what is no
    text."""
    _check_start(path, encoding)
    with path.open(encoding="utf-8-sig" if encoding == "utf-8" else encoding, errors=errors) as file:
        try:
            while part := file.readline(limit):
                yield part
        except UnicodeDecodeError:
            raise _fault(path, encoding) from None


def _check_start(path: Path, encoding: str) -> None:
    try:
        with path.open("rb") as file:
            sample = file.read(SAMPLE)
    except OSError as error:
        raise UnrollError(f"{path}: cannot be read ({error.strerror}); check that it is there and readable") from None
    if not sample:
        raise UnrollError(f"{path}: the file is empty; bring a text")
    seems = _seems(sample)
    wide = encoding in ("utf-16", "utf-32")
    if seems and seems != encoding and (seems != "utf-8" or wide):
        raise UnrollError(
            f"{path}: looks like {seems.upper()}, not {encoding.upper()}; set encoding: {seems} or convert it"
        )
    strange = CONTROL.findall(sample)
    if not wide and len(strange) > BINARY_SHARE * len(sample):
        first = CONTROL.search(sample)
        raise UnrollError(
            f"{path}: binary data, not text (byte 0x{strange[0].hex()} at offset {first.start() if first else 0}, "
            f"{len(strange)} such bytes in the first {len(sample)}); bring a plain text file"
        )


def _seems(sample: bytes) -> str | None:
    """The Unicode encoding a file announces by its mark or, for UTF-16 without one, by its zero bytes."""
    for mark, name in MARKS.items():
        if sample.startswith(mark):
            return name
    pairs = len(sample) // 2
    for zeros, others in ((sample[0::2], sample[1::2]), (sample[1::2], sample[0::2])):
        if pairs >= 2 and zeros.count(0) > 0.4 * pairs and others.count(0) < 0.05 * pairs:
            return "utf-16"
    return None


def _fault(path: Path, encoding: str) -> UnrollError:
    """Where the first bytes are that are no text, found by reading again."""
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    line, offset = 1, 0
    with path.open("rb") as file:
        while True:
            block = file.read(1 << 20)
            pending = len(decoder.getstate()[0])
            try:
                line += decoder.decode(block, final=not block).count("\n")
            except UnicodeDecodeError as error:
                bad = error.object[error.start : error.end]
                line += bytes(error.object[: error.start]).decode(encoding, "replace").count("\n")
                at = offset - pending + error.start
                return UnrollError(
                    f"{path}: line {line}: byte {at} (0x{bad[:4].hex()}) is not {encoding.upper()}: {error.reason}; "
                    f"set encoding to what the file is{_guess(path, encoding)}, or errors: replace to lose such bytes"
                )
            offset += len(block)


def _guess(path: Path, encoding: str) -> str:
    from charset_normalizer import from_bytes

    with path.open("rb") as file:
        best = from_bytes(file.read(SAMPLE)).best()
    return f" (it looks like {best.encoding})" if best and best.encoding != encoding.replace("-", "_") else ""
