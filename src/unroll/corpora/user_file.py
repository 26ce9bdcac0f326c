"""Sources `path` and `url`: a text, or an archive of texts, of the user, identified by its SHA-256."""

import hashlib
import tempfile
from pathlib import Path
from urllib.parse import unquote, urlsplit

from unroll.corpora.archive import archive_type, unpack
from unroll.corpora.cache import copy_verified, obtain, resolve
from unroll.errors import UnrollError
from unroll.params.corpora import Format, PathCorpus, UrlCorpus
from unroll.text.manifest import MANIFEST, Documents, RawFile, write_manifest

MAX_DOWNLOAD_BYTES = 4 << 30
REMEDY = "if it is the right file, set sha256: {sha256}"


def fetch(params: PathCorpus | UrlCorpus, folder: Path) -> None:
    """Copy or download the file into the empty folder; unpack it if it is an archive.

    Raises:
        UnrollError: The file does not exist, or its SHA-256 is not the one in the parameters.
    """
    if isinstance(params, UrlCorpus):
        source = obtain(_cache_name(params.url), [params.url], params.sha256, MAX_DOWNLOAD_BYTES, REMEDY)
    else:
        source = resolve(params.path)
        if source.is_dir():
            raise UnrollError(
                f"path: {params.path} is a folder; put its files into one zip file, so that one sha256 covers them all"
            )
        check_exists(source, params.path)
    with tempfile.TemporaryDirectory(dir=folder) as temporary:
        packed = Path(temporary) / source.name
        copy_verified(source, packed, params.sha256, REMEDY)
        if archive_type(packed):
            names = _keep_texts(unpack(packed, folder), folder)
        else:
            names = [source.name if source.name != MANIFEST else "text.txt"]
            packed.rename(folder / names[0])
    if nested := [name for name in names if archive_type(folder / name)]:
        raise UnrollError(
            f"{source}: contains the archive {nested[0]!r}, and archives inside archives are not unpacked; "
            "unpack it yourself"
        )
    unit, unknown_word = _unit(params.format, names), None if params.unknown_word == "none" else params.unknown_word
    write_manifest(folder, [RawFile(name, params.format, None, unit, unknown_word) for name in names])


def check_exists(source: Path, path: str) -> None:
    """Raise an UnrollError if `source`, the location of the user's `path`, is not a file."""
    if not source.is_file():
        raise UnrollError(f"path: there is no file {path}; give one that exists")


def _unit(format: Format, names: list[str]) -> Documents | None:
    """Return what one document of the files is: a paragraph of a single text, otherwise a file."""
    if format != "text":
        return None
    return "paragraph" if len(names) == 1 else "file"


def _keep_texts(names: list[str], folder: Path) -> list[str]:
    """Keep the unpacked files *.txt, or all files if there are none, and remove the others.

    Returns:
        The names of the files that are kept.
    """
    if MANIFEST in names:
        raise UnrollError(f"{MANIFEST}: an archive may not have a member of this name; rename it")
    texts = [name for name in names if name.lower().endswith(".txt")] or names
    for name in set(names) - set(texts):
        (folder / name).unlink()
    if not texts:
        raise UnrollError("the archive is empty; give one that holds text files")
    return texts


def _cache_name(url: str) -> str:
    """Return the file's path in the cache: a hash of the address, and the safe characters of its last part."""
    last = unquote(urlsplit(url).path).rpartition("/")[2]
    safe = "".join(letter if letter.isascii() and (letter.isalnum() or letter in "._-") else "_" for letter in last)
    return f"url/{hashlib.sha256(url.encode()).hexdigest()[:16]}/{safe.lstrip('.-')[-100:] or 'text'}"
