"""`data/downloads`: everything ever downloaded, once, by catalogue name (so it can serve others as their mirror)."""

from collections.abc import Sequence
from pathlib import Path

from filelock import FileLock, Timeout

from unroll.corpora import download
from unroll.corpora.filetype import described
from unroll.corpora.paths import root
from unroll.corpora.progress import logger
from unroll.errors import UnrollError
from unroll.text.manifest import file_sha256


def obtain(name: str, urls: Sequence[str], sha256: str, largest: int, remedy: str) -> Path:
    """The file of that `name` and `sha256`, out of the store or from the first of `urls` that has it.

    At most `largest` bytes are read. What has another hash is kept aside as `.rejected`; the UnrollError of the last
    address says what it is, and `remedy`, in which {sha256} becomes the hash it has.
    """
    target = root() / "data" / "downloads" / name
    target.parent.mkdir(parents=True, exist_ok=True)
    rejected = target.with_name(target.name + ".rejected")
    lock = FileLock(target.with_name(target.name + ".lock"))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        logger.info("%s: waiting for another run that downloads it", name)
        lock.acquire()
    try:
        for path in (target, rejected):  # a rejected file may have become the right one, by a corrected sha256
            if path.is_file() and file_sha256(path) == sha256:
                return path.replace(target)
        for number, url in enumerate(urls, start=1):
            try:
                return _fresh(url, target, rejected, sha256, largest, remedy)
            except UnrollError as error:
                if number == len(urls):
                    raise
                logger.warning("%s", error)
        raise UnrollError(f"{name}: no address is known for it; {remedy}")
    finally:
        lock.release()


def _fresh(url: str, target: Path, rejected: Path, sha256: str, largest: int, remedy: str) -> Path:
    resumed = download.download(url, target, largest)
    if resumed and file_sha256(target) != sha256:  # perhaps the first half is of another version: once more, whole
        target.unlink()
        download.download(url, target, largest)
    if (found := file_sha256(target)) == sha256:
        return target
    target.replace(rejected)
    raise UnrollError(
        f"{download.shown(url)}: what came is {described(rejected)} with sha256 {found}, not the expected file "
        f"(kept as {rejected}); {remedy.format(sha256=found)}"
    )
