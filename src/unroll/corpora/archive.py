"""Unpack zip, tar, gzip, bzip2 and xz files from untrusted sources.

Only regular files are unpacked. The names of all members are checked, including those that are not wanted. The limits
on members, bytes and compression ratio apply to the bytes that are read, not to those that the archive announces. An
archive inside an archive stays packed. The type of an archive is determined from its content, not from its name.
"""

import bz2
import errno
import gzip
import lzma
import re
import stat
import struct
import tarfile
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any, NoReturn

from unroll.errors import UnrollError

CHUNK_BYTES = 1 << 16
MAX_MEMBERS = 10_000
MAX_BYTES = 8 << 30
"""The maximum size of all unpacked files together."""
MAX_RATIO = 200
"""The maximum ratio of unpacked to packed bytes, not counting the first `RATIO_FREE_BYTES`."""
RATIO_FREE_BYTES = 1 << 24
MAX_HEADER_BYTES = 1 << 16
"""The maximum size of an extended header of a tar file, which is read into memory."""
MAX_NAME_BYTES, MAX_DEPTH = 255, 20
"""The maximum size of a file name, and the maximum number of its folders."""

STREAMS: dict[str, Callable[..., Any]] = {"tar": open, "gzip": gzip.open, "bzip2": bz2.open, "xz": lzma.open}
DAMAGED: tuple[type[Exception], ...] = (
    *(zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, struct.error, EOFError, NotImplementedError),
    *(ArithmeticError, LookupError, ValueError),  # the standard library raises these, too, as fuzzing showed
)


def unpack(path: Path, folder: Path, wanted: Collection[str] | None = None) -> list[str]:
    """Unpack an archive.

    Args:
        path: The archive.
        folder: The folder for the members.
        wanted: The members to unpack, all of which must exist; None unpacks all members. The member of a single
            compressed file has the name of the file without its suffix.

    Returns:
        The names of the unpacked files, sorted.

    Raises:
        UnrollError: The archive is damaged, unsafe, too large, encrypted or of an unsupported type.
    """
    archive = _Archive(path, folder, wanted)
    kind = archive_type(path)
    try:
        if kind == "zip":
            archive.read_zip()
        elif kind in STREAMS:
            with STREAMS[kind](path, "rb") as stream:
                archive.read_stream(stream)
        else:
            archive.refuse(f"is {kind or 'not an archive'}; only zip, tar, gzip, bzip2 and xz files are unpacked")
    except DAMAGED as error:
        archive.refuse(f"is damaged or of another type ({_escape(error)})")
    except OSError as error:
        if error.errno not in (None, errno.EINVAL):  # an error of the disk, not of decompression or a negative offset
            raise
        archive.refuse(f"is damaged ({_escape(error)})")
    if missing := sorted(set(wanted or ()) - set(archive.unpacked)):
        archive.refuse(f"has no member {missing[0]!r}")
    return sorted(archive.unpacked)


class _Archive:
    """The state of unpacking: the members and bytes so far, and the limit on bytes."""

    def __init__(self, path: Path, folder: Path, wanted: Collection[str] | None):
        self.path, self.folder, self.wanted = path, folder, wanted
        self.unpacked: list[str] = []
        self.members, self.bytes = 0, 0
        self.max_bytes = min(MAX_BYTES, RATIO_FREE_BYTES + MAX_RATIO * path.stat().st_size)
        self.entries: dict[str, tuple[str, bool]] = {}  # case-folded path -> (path, whether it is a folder)

    def refuse(self, fault: str) -> NoReturn:
        raise UnrollError(f"{self.path}: the archive {fault}; no file of it is used")

    def read_zip(self) -> None:
        with zipfile.ZipFile(self.path) as archive:
            for member in archive.infolist():
                mode = stat.S_IFMT(member.external_attr >> 16)  # 0 if the archive was not made on Unix
                name = self.check(member.orig_filename, member.is_dir(), mode in (0, stat.S_IFREG, stat.S_IFDIR))
                if member.flag_bits & 1:
                    self.refuse(f"has the encrypted member {name!r}")
                if not member.is_dir():
                    with archive.open(member) as data:
                        self.write(name, _LimitedStream(data, self))

    def read_stream(self, stream: Any) -> None:
        """Read a tar file, compressed or not, or a single compressed file."""
        limited = _LimitedStream(stream, self)
        if limited.peek(512)[TAR_SIGNATURE] != b"ustar":
            self.write(self.check(re.sub(r"\.(gz|bz2|xz)$", "", self.path.name), False, True), limited)
            return
        with tarfile.open(fileobj=limited, mode="r|", tarinfo=_Header) as archive:  # type: ignore[call-overload]
            for member in archive:
                regular = member.isdir() or (member.isreg() and not member.issparse())
                name = self.check(member.name, member.isdir(), regular)
                if not member.isdir():
                    self.write(name, archive.extractfile(member))

    def check(self, name: str, is_folder: bool, is_regular: bool) -> str:
        """Return the normalized path of a member; refuse a path outside the folder or equal to another member's."""
        self.members += 1
        parts = [part for part in name.removesuffix("/").split("/") if part != "."]
        if self.members > MAX_MEMBERS:
            self.refuse(f"has more than {MAX_MEMBERS} members")
        if not is_regular:
            self.refuse(f"has the member {name!r}, which is a link or a device and not a file")
        if name.startswith("/") or ".." in parts or "\\" in name or re.match("[A-Za-z]:", name):
            self.refuse(f"has the member {name!r}, which points outside the archive")
        valid = all(0 < len(part.encode()) <= MAX_NAME_BYTES for part in parts)
        if not name.isprintable() or len(parts) > MAX_DEPTH or not valid:
            self.refuse(f"has the member {name!r}, which is not a valid file name")
        for depth in range(1, len(parts) + 1):
            entry = path, folder = "/".join(parts[:depth]), is_folder or depth < len(parts)
            other = self.entries.setdefault(unicodedata.normalize("NFC", path.casefold()), entry)
            if other is not entry and not (folder and other == entry):
                self.refuse(f"has the members {other[0]!r} and {name!r}, which are the same file on some disks")
        return "/".join(parts)

    def write(self, name: str, data: Any) -> None:
        """Write a member if it is wanted. An unwanted member is read, too, so that its bytes count."""
        if self.wanted is not None and name not in self.wanted:
            for _ in _chunks(data):
                pass
            return
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as file:
            for chunk in _chunks(data):
                file.write(chunk)
        self.unpacked.append(name)


class _LimitedStream:
    """A stream of unpacked bytes that raises an UnrollError at the archive's limit."""

    def __init__(self, stream: Any, archive: _Archive):
        self.stream, self.archive, self.peeked = stream, archive, b""

    def peek(self, size: int) -> bytes:
        while len(self.peeked) < size and (chunk := self.stream.read(size - len(self.peeked))):
            self.peeked += chunk
        return self.peeked

    def read(self, size: int) -> bytes:
        chunk, self.peeked = self.peeked or self.stream.read(size), b""
        self.archive.bytes += len(chunk)
        if self.archive.bytes > self.archive.max_bytes:
            self.archive.refuse(f"unpacks to more than {self.archive.max_bytes} bytes and may be a zip bomb")
        return chunk


class _Header(tarfile.TarInfo):
    """A tar header with a limit on the size of its extensions (long names and pax records)."""

    @classmethod
    def frombuf(cls, buf: Any, encoding: str, errors: str) -> "_Header":
        header = super().frombuf(buf, encoding, errors)
        if not (header.isreg() or header.isdir()) and header.size > MAX_HEADER_BYTES:
            raise tarfile.ReadError(f"a header of {header.size} bytes")
        return header


def _escape(error: Exception) -> str:
    return ascii(str(error))[1:-1]


def _chunks(data: Any) -> Iterator[bytes]:
    while chunk := data.read(CHUNK_BYTES):
        yield chunk


SIGNATURES = {
    b"PK\x03\x04": "zip",
    b"PK\x05\x06": "zip",  # an archive without members
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\xfd7zXZ\x00": "xz",
    b"7z\xbc\xaf\x27\x1c": "7z",
    b"Rar!": "rar",
    b"\x28\xb5\x2f\xfd": "zstd",
}
TAR_SIGNATURE = slice(257, 262)
"""The position of "ustar" in the first block of a tar file."""


def archive_type(path: Path) -> str | None:
    """Return `zip`, `tar`, `gzip`, `bzip2`, `xz`, `7z`, `rar` or `zstd`; None if the file is not an archive."""
    with path.open("rb") as file:
        head = file.read(512)
    if head[TAR_SIGNATURE] == b"ustar":
        return "tar"
    return next((kind for signature, kind in SIGNATURES.items() if head.startswith(signature)), None)


def describe(path: Path) -> str:
    """Describe a file that is not the expected one, for an error message."""
    with path.open("rb") as file:
        head = file.read(4096)
    if not head:
        return "an empty file"
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if start.startswith((b"<!doctype html", b"<html", b"<head", b"<script")) or b"<html" in start[:1000]:
        return "an HTML page (a login page, a proxy page or an error page?)"
    if code := re.search(rb"<Error>\s*<Code>(\w+)</Code>", head):
        return f"an S3 error in XML ({code[1].decode()})"
    if start.startswith(b"<?xml"):
        return "an XML document"
    return "another file"
