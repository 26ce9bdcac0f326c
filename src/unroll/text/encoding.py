"""Decoding of files into lines of text. The encoding is a setting; it is never guessed.

An error names the file, the line and the byte, and suggests the encoding that the file appears to have.
"""

import codecs
import re
from collections.abc import Iterator
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import BinaryIO

from unroll.errors import UnrollError

SAMPLE = 1 << 16  # the bytes at the start of a file that are tested for binary data
CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x7f]")  # bytes that are rare in text
BINARY_SHARE = 0.05  # the share of such bytes in the sample above which it is binary; in compressed data it is 0.1
BYTE_ORDER_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",  # before UTF-16, whose mark is a prefix of it
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
    codecs.BOM_UTF8: "utf-8",
}


LEGACY = ("cp1252", "gb18030", "shift_jis", "euc_kr", "koi8-r")
"""The encodings without a mark that messages suggest, the most frequent first; params.yaml accepts them."""


class EncodingError(UnrollError):
    """A file has another encoding than that it is read with. The message advises on the settings of a corpus.

    Attributes:
        problem: What is wrong, without the advice.
        likely: The encoding that the file appears to have, or None.
    """

    def __init__(self, problem: str, likely: str | None, advice: str) -> None:
        """Set the parts of the message."""
        super().__init__(f"{problem}; {advice}")
        self.problem, self.likely = problem, likely


def read_lines(
    path: Path, encoding: str, errors: str, limit: int, start: int = 0, stop: int | None = None
) -> Iterator[str]:
    r"""Yield the lines of a text file, or of a part of it. Lines end with LF, CRLF or CR and with no other character.

    Args:
        path: The file.
        encoding: Its encoding.
        errors: `strict`, or `replace` to replace undecodable bytes by U+FFFD.
        limit: The maximum number of characters of a line; a longer line is yielded in parts. -1 sets no limit.
        start: The byte where the part begins, behind the end of a line.
        stop: The byte where the part ends, behind the end of a line, or None for the end of the file.

    Yields:
        A line with a final "\n", or a part of a line. A byte order mark is not part of the text.

    Raises:
        UnrollError: The file is missing, empty, binary or not in this encoding.
    """
    if start == 0:
        _check_start(path, encoding)
    with path.open("rb") as binary:
        binary.seek(start)
        source = binary if stop is None else BytesIO(binary.read(stop - start))
        codec = "utf-8-sig" if encoding == "utf-8" and start == 0 else encoding
        with TextIOWrapper(source, encoding=codec, errors=errors) as file:
            try:
                while part := file.readline(limit):
                    yield part
            except UnicodeDecodeError:
                raise _decoding_error(path, encoding) from None
            except UnicodeError:
                raise UnrollError(
                    f"{path}: does not begin with a byte order mark, which {encoding.upper()} needs; set encoding to "
                    "that of the file, or convert it to UTF-8"
                ) from None


def _check_start(path: Path, encoding: str) -> None:
    try:
        with path.open("rb") as file:
            sample = file.read(SAMPLE)
    except OSError as error:
        raise UnrollError(f"{path}: cannot be read ({error.strerror}); check its path and permissions") from None
    if not sample:
        raise UnrollError(f"{path}: the file is empty; provide a text file with content")
    if encoding == "utf-8" and codecs.BOM_UTF8.startswith(sample) and sample != codecs.BOM_UTF8:
        raise _decoding_error(path, encoding)  # the codec utf-8-sig loses half a mark
    detected = _detect_unicode(sample)
    wide = encoding in ("utf-16", "utf-32")
    if detected and detected != encoding and (detected != "utf-8" or wide):
        raise EncodingError(
            f"{path}: looks like {detected.upper()}, not {encoding.upper()}",
            detected,
            f"set encoding: {detected} or convert it",
        )
    control = CONTROL.findall(sample)
    if not wide and len(control) > BINARY_SHARE * len(sample):
        first = CONTROL.search(sample)
        raise UnrollError(
            f"{path}: binary data, not text (byte 0x{control[0].hex()} at offset {first.start() if first else 0}, "
            f"{len(control)} such bytes in the first {len(sample)}); provide a plain text file"
        )


def _detect_unicode(sample: bytes) -> str | None:
    """Detect a Unicode encoding by its byte order mark or, for UTF-16 without a mark, by its zero bytes."""
    for mark, name in BYTE_ORDER_MARKS.items():
        if sample.startswith(mark):
            return name
    pairs = len(sample) // 2
    for zeros, others in ((sample[0::2], sample[1::2]), (sample[1::2], sample[0::2])):
        if pairs >= 2 and zeros.count(0) > 0.4 * pairs and others.count(0) < 0.05 * pairs:
            return "utf-16"
    return None


def _decoding_error(path: Path, encoding: str) -> UnrollError:
    """Read the file again to locate its first undecodable bytes, and return the error that names them."""
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    line, offset = 1, 0
    with path.open("rb") as file:
        while True:
            block = file.read(1 << 20)
            pending = len(decoder.getstate()[0])
            try:
                line += decoder.decode(block, final=not block).count("\n")
            except UnicodeDecodeError as error:
                undecodable = error.object[error.start : error.end]
                line += bytes(error.object[: error.start]).decode(encoding, "replace").count("\n")
                position = offset - pending + error.start
                likely = _likely_encoding(path, encoding)
                return EncodingError(
                    f"{path}: line {line}: byte {position} (0x{undecodable[:4].hex()}) is not {encoding.upper()}: "
                    f"{error.reason}",
                    likely,
                    f"set encoding to that of the file{f' (it looks like {likely})' if likely else ''}, or set errors: "
                    "replace to lose such bytes",
                )
            offset += len(block)


def _likely_encoding(path: Path, encoding: str) -> str | None:
    """Return the encoding of LEGACY that the file appears to have, or None.

    Of encodings in which the sample is the same text, the most frequent one is returned.
    """
    from charset_normalizer import from_bytes

    with path.open("rb") as file:
        best = from_bytes(file.read(SAMPLE), cp_isolation=list(LEGACY)).best()
    if best is None:
        return None
    same = {name.replace("_", "-") for name in best.could_be_from_charset}
    return next((name for name in LEGACY if name.replace("_", "-") in same and name != encoding), None)


def decode_lines(stream: BinaryIO, name: str, limit: int = -1) -> Iterator[str]:
    r"""Yield the lines of a stream of UTF-8, with the same ends of lines as `read_lines`.

    A stream is read once and without a look at its other lines, so that a pipe and a terminal work as a file does.

    Args:
        stream: The bytes. It stays open.
        name: The name of the input in messages.
        limit: The maximum number of characters of a line; a longer line is yielded in parts. -1 sets no limit.

    Yields:
        A line with a final "\n", or a part of a line. A byte order mark is not part of the text.

    Raises:
        UnrollError: A line is not UTF-8.
    """
    file = TextIOWrapper(stream, encoding="utf-8", errors="surrogateescape")  # so that the line with the error is known
    number, start = 1, True
    try:
        while line := file.readline(limit):
            line, start = line.removeprefix("\ufeff") if start else line, False
            try:
                line.encode()
            except UnicodeEncodeError as error:
                byte = ord(line[error.start]) & 0xFF
                raise UnrollError(
                    f"{name}: line {number}: byte 0x{byte:02x} at column {error.start + 1} is not UTF-8; convert the "
                    "file to UTF-8"
                ) from None
            number += line.endswith("\n")
            if line:
                yield line
    finally:
        if not stream.closed:
            file.detach()
