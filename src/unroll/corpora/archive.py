"""Unpack zip, tar, gzip, bzip2 and xz, trusting nothing in them.

Regular files only; every name is checked, wanted or not; members, bytes and ratio are capped as the bytes come, not
as the archive announces them; an archive inside is left packed. The kind is known by the content, not by the name.
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

from unroll.corpora import filetype
from unroll.errors import UnrollError

PIECE = 1 << 16  # bytes read at a time
MEMBERS = 10_000  # at most
BYTES = 8 << 30  # unpacked, at most
RATIO = 200  # unpacked to packed, at most, beyond the first HARMLESS bytes
HARMLESS = 1 << 24
HEADER = 1 << 16  # bytes of a tar's extended header, at most: it is read into memory
NAME, DEPTH = 255, 20  # bytes of a name, folders in a path, at most

STREAMS: dict[str, Callable[..., Any]] = {"tar": open, "gzip": gzip.open, "bzip2": bz2.open, "xz": lzma.open}
DAMAGED: tuple[type[Exception], ...] = (
    *(zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, struct.error, EOFError, NotImplementedError),
    *(ArithmeticError, LookupError, ValueError),  # which the standard library raises too, as fuzzing showed
)


def unpack(path: Path, folder: Path, wanted: Collection[str] | None = None) -> list[str]:
    """Unpack the archive `path` into `folder`; the names of the files, sorted.

    `wanted` are the members to take (None: all), and every one of them must be there. What one compressed file holds
    is named as the archive, less its suffix. UnrollError says what is wrong with the archive.
    """
    archive = _Archive(path, folder, wanted)
    kind = filetype.archive(path)
    try:
        if kind == "zip":
            archive.read_zip()
        elif kind in STREAMS:
            with STREAMS[kind](path, "rb") as stream:
                archive.read_stream(stream)
        else:
            archive.refuse(f"is {kind or 'no archive'}; only zip, tar, gzip, bzip2 and xz are unpacked")
    except DAMAGED as error:
        archive.refuse(f"is damaged or of another kind ({_plain(error)})")
    except OSError as error:
        if error.errno not in (None, errno.EINVAL):  # the disk's, not a compression's or of a place before the start
            raise
        archive.refuse(f"is damaged ({_plain(error)})")
    if missing := sorted(set(wanted or ()) - set(archive.taken)):
        archive.refuse(f"has no member {missing[0]!r}")
    return sorted(archive.taken)


class _Archive:
    """What is known of an archive while it is read."""

    def __init__(self, path: Path, folder: Path, wanted: Collection[str] | None):
        self.path, self.folder, self.wanted = path, folder, wanted
        self.taken: list[str] = []
        self.members, self.bytes = 0, 0
        self.cap = min(BYTES, HARMLESS + RATIO * path.stat().st_size)
        self.entries: dict[str, tuple[str, bool]] = {}  # (path, is it a folder) by path on a disk that ignores case

    def refuse(self, fault: str) -> NoReturn:
        raise UnrollError(f"{self.path}: the archive {fault}; nothing of it is used")

    def read_zip(self) -> None:
        with zipfile.ZipFile(self.path) as archive:
            for member in archive.infolist():
                type_ = stat.S_IFMT(member.external_attr >> 16)  # 0 if it was not packed on Unix
                name = self.checked(member.orig_filename, member.is_dir(), type_ in (0, stat.S_IFREG, stat.S_IFDIR))
                if member.flag_bits & 1:
                    self.refuse(f"has the encrypted member {name!r}")
                if not member.is_dir():
                    with archive.open(member) as data:
                        self.take(name, _Counted(data, self))

    def read_stream(self, stream: Any) -> None:
        """A tar, compressed or not, or the one file that was compressed."""
        counted = _Counted(stream, self)
        if counted.peek(512)[filetype.TAR] != b"ustar":
            self.take(self.checked(re.sub(r"\.(gz|bz2|xz)$", "", self.path.name), False, True), counted)
            return
        with tarfile.open(fileobj=counted, mode="r|", tarinfo=_Header) as archive:  # type: ignore[call-overload]
            for member in archive:
                plain = member.isdir() or (member.isreg() and not member.issparse())
                name = self.checked(member.name, member.isdir(), plain)
                if not member.isdir():
                    self.take(name, archive.extractfile(member))

    def checked(self, name: str, is_folder: bool, is_plain: bool) -> str:
        """The member's path; refused if it could leave the folder or land on another member's."""
        self.members += 1
        parts = [part for part in name.removesuffix("/").split("/") if part != "."]
        if self.members > MEMBERS:
            self.refuse(f"has more than {MEMBERS} members")
        if not is_plain:
            self.refuse(f"has the member {name!r}, a link or a device and no file")
        if name.startswith("/") or ".." in parts or "\\" in name or re.match("[A-Za-z]:", name):
            self.refuse(f"has the member {name!r}, which points outside of it")
        if not name.isprintable() or len(parts) > DEPTH or not all(0 < len(part.encode()) <= NAME for part in parts):
            self.refuse(f"has the member {name!r}, which is no name for a file")
        for depth in range(1, len(parts) + 1):
            entry = path, folder = "/".join(parts[:depth]), is_folder or depth < len(parts)
            other = self.entries.setdefault(unicodedata.normalize("NFC", path.casefold()), entry)
            if other is not entry and not (folder and other == entry):
                self.refuse(f"has the members {other[0]!r} and {name!r}, one and the same on some disks")
        return "/".join(parts)

    def take(self, name: str, data: Any) -> None:
        """Write a member if it is wanted; read it in any case."""
        if self.wanted is not None and name not in self.wanted:
            for _ in _pieces(data):
                pass
            return
        place = self.folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        with place.open("xb") as file:
            for piece in _pieces(data):
                file.write(piece)
        self.taken.append(name)


class _Counted:
    """A stream of unpacked bytes that ends in an UnrollError where the archive's cap is reached."""

    def __init__(self, stream: Any, archive: _Archive):
        self.stream, self.archive, self.ahead = stream, archive, b""

    def peek(self, size: int) -> bytes:
        while len(self.ahead) < size and (piece := self.stream.read(size - len(self.ahead))):
            self.ahead += piece
        return self.ahead

    def read(self, size: int) -> bytes:
        piece, self.ahead = self.ahead or self.stream.read(size), b""
        self.archive.bytes += len(piece)
        if self.archive.bytes > self.archive.cap:
            self.archive.refuse(f"unpacks to more than {self.archive.cap} bytes, as a bomb does")
        return piece


class _Header(tarfile.TarInfo):
    """A header whose extensions (long names, pax records) are not larger than is sensible."""

    @classmethod
    def frombuf(cls, buf: Any, encoding: str, errors: str) -> "_Header":
        header = super().frombuf(buf, encoding, errors)
        if not (header.isreg() or header.isdir()) and header.size > HEADER:
            raise tarfile.ReadError(f"a header of {header.size} bytes")
        return header


def _plain(error: Exception) -> str:
    return ascii(str(error))[1:-1]


def _pieces(data: Any) -> Iterator[bytes]:
    while piece := data.read(PIECE):
        yield piece
