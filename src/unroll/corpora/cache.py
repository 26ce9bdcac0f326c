"""Copies of files: the user's own paths, the mirror, and the cache of downloads.

`UNROLL_MIRROR` names a folder or an https address of catalogue files. It is searched before the internet. The cache
`data/downloads` keeps every download under its catalogue name, so another user can use that folder as a mirror.
"""

import hashlib
import logging
import os
from collections.abc import Sequence
from pathlib import Path

from filelock import FileLock, Timeout

from unroll.corpora import download
from unroll.corpora.archive import describe
from unroll.errors import UnrollError
from unroll.text.manifest import file_sha256

CHUNK_BYTES = 1 << 20
MIRROR = "UNROLL_MIRROR"
"""The environment variable with the folder or the address of the mirror."""

logger = logging.getLogger("unroll")


def find_in_mirror(name: str) -> Path | None:
    """Return the file of a mirror folder.

    Args:
        name: The catalogue name of the file, for example `timemachine/timemachine.txt`.

    Returns:
        The path of the file, or None if the mirror is not a folder of this machine or does not have the file.

    Raises:
        UnrollError: The mirror is a folder that does not exist.
    """
    mirror = _mirror()
    if not mirror or "://" in mirror:
        return None
    folder = resolve(mirror)
    if not folder.is_dir():
        raise UnrollError(f"{MIRROR}: {mirror} is not a folder; correct it or unset it")
    return path if (path := folder / name).is_file() else None


def mirror_urls(name: str) -> list[str]:
    """Return the address of a catalogue file in a mirror on the web; an empty list if the mirror is not an address."""
    mirror = _mirror()
    return [f"{mirror.rstrip('/')}/{name}"] if "://" in mirror else []


def obtain(name: str, urls: Sequence[str], sha256: str, max_bytes: int, remedy: str) -> Path:
    """Return a file from the cache, or download it from the first address that has it.

    Only one process at a time downloads a file. A download with another SHA-256 is kept with the suffix `.rejected`,
    and is accepted without a second download if the user then corrects the expected SHA-256.

    Args:
        name: The path of the file in the cache.
        urls: The addresses, in the order in which they are tried.
        sha256: The expected SHA-256 of the file.
        max_bytes: The maximum size of a download.
        remedy: The end of the error message; `{sha256}` in it becomes the SHA-256 of the rejected file.

    Returns:
        The path of the file in the cache.

    Raises:
        UnrollError: No address has the expected file; the message is about the last address.
    """
    target = repository_root() / "data" / "downloads" / name
    target.parent.mkdir(parents=True, exist_ok=True)
    rejected = target.with_name(target.name + ".rejected")
    lock = FileLock(target.with_name(target.name + ".lock"))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        logger.info("%s: waiting for another run that downloads it", name)
        lock.acquire()
    try:
        for path in (target, rejected):
            if path.is_file() and file_sha256(path) == sha256:
                return path.replace(target)
        for number, url in enumerate(urls, start=1):
            try:
                return _download(url, target, rejected, sha256, max_bytes, remedy)
            except UnrollError as error:
                if number == len(urls):
                    raise
                logger.warning("%s", error)
        raise UnrollError(f"{name}: no address is known for it; {remedy}")
    finally:
        lock.release()


def copy_verified(source: Path, target: Path, sha256: str, remedy: str) -> None:
    """Copy a file and verify the SHA-256 of the copied bytes in one pass.

    Args:
        source: The file.
        target: The path of the copy.
        sha256: The expected SHA-256.
        remedy: The end of the error message; `{sha256}` in it becomes the SHA-256 of the file.

    Raises:
        UnrollError: The SHA-256 is another one. The copy is removed.
    """
    digest = hashlib.sha256()
    with source.open("rb") as old, target.open("wb") as new:
        while chunk := old.read(CHUNK_BYTES):
            digest.update(chunk)
            new.write(chunk)
    if (actual := digest.hexdigest()) != sha256:
        target.unlink()
        raise UnrollError(f"{source}: is {describe(source)}, not the one expected; {remedy.format(sha256=actual)}")


def _mirror() -> str:
    return os.environ.get(MIRROR, "")


def _download(url: str, target: Path, rejected: Path, sha256: str, max_bytes: int, remedy: str) -> Path:
    """Download a file and check its SHA-256."""
    resumed = download.download(url, target, max_bytes)
    if resumed and file_sha256(target) != sha256:  # the first part may belong to another version of the file
        target.unlink()
        download.download(url, target, max_bytes)
    if (actual := file_sha256(target)) == sha256:
        return target
    target.replace(rejected)
    raise UnrollError(
        f"{download.redact(url)}: the server sent {describe(rejected)} with sha256 {actual}, not the expected file "
        f"(kept as {rejected}); {remedy.format(sha256=actual)}"
    )


def repository_root() -> Path:
    """Return the root of the user's repository.

    DVC runs a queued experiment in a copy of the repository and sets `DVC_ROOT` to the original.
    """
    return Path(os.environ.get("DVC_ROOT") or Path.cwd())


def resolve(path: str) -> Path:
    """Return the location of a path that the user gave.

    A path is relative to the current folder. In a queued experiment it is relative to the user's repository if it does
    not exist in the current folder, because the copy of the repository lacks the files that Git does not track.
    """
    here = Path(path).expanduser()
    return here if here.exists() or not os.environ.get("DVC_ROOT") else repository_root() / here
