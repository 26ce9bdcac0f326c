"""The type of a file, determined from its first bytes. Names and content types are not reliable."""

import re
from pathlib import Path

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
