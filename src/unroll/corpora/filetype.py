"""What a file is, by its first bytes: names and content types lie."""

import re
from pathlib import Path

MAGIC = {
    b"PK\x03\x04": "zip",
    b"PK\x05\x06": "zip",  # without members
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\xfd7zXZ\x00": "xz",
    b"7z\xbc\xaf\x27\x1c": "7z",
    b"Rar!": "rar",
    b"\x28\xb5\x2f\xfd": "zstd",
}
TAR = slice(257, 262)  # where "ustar" stands in a tar's first block


def archive(path: Path) -> str | None:
    """`zip`, `tar`, `gzip`, `bzip2`, `xz`, or one that is not unpacked here (`7z`, `rar`, `zstd`); None if neither."""
    with path.open("rb") as file:
        head = file.read(512)
    return (
        "tar"
        if head[TAR] == b"ustar"
        else next((kind for magic, kind in MAGIC.items() if head.startswith(magic)), None)
    )


def described(path: Path) -> str:
    """What a file that is not the expected one seems to be, for an error message."""
    with path.open("rb") as file:
        head = file.read(4096)
    if not head:
        return "an empty file"
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if start.startswith((b"<!doctype html", b"<html", b"<head", b"<script")) or b"<html" in start[:1000]:
        return "an HTML page (of a log-in, proxy or error?)"
    if code := re.search(rb"<Error>\s*<Code>(\w+)</Code>", head):
        return f"an S3 error in XML ({code[1].decode()})"
    if start.startswith(b"<?xml"):
        return "an XML document"
    return "another file"
