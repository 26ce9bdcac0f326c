"""Sources `path` and `url`: a text, or an archive of texts, of the user, identified by its SHA-256."""

import hashlib
import logging
import tempfile
from pathlib import Path
from urllib.parse import unquote, urlsplit

from unroll.corpora.archive import archive_type, unpack
from unroll.corpora.cache import copy_verified, obtain, resolve
from unroll.errors import UnrollError
from unroll.params.corpora import PathCorpus, UrlCorpus, corpus_format
from unroll.params.formats import ConlluFormat
from unroll.text.manifest import MANIFEST, Documents, RawFile, write_manifest
from unroll.text.manifest import Format as RawFormat

MAX_DOWNLOAD_BYTES = 4 << 30
MAX_FIRST_LINE = 1 << 20
"""The number of bytes in which the first line is looked for."""
TABLES = (".txt", ".tsv", ".csv", ".tab")
SUFFIXES: dict[str, tuple[str, ...]] = {
    "text": (".txt",),
    **dict.fromkeys(("pairs", "labelled", "series"), TABLES),
    **dict.fromkeys(("tagged", "conllu"), (*TABLES, ".conll", ".conllu", ".iob")),
}
"""The names of the files of an archive that are read, by format. If there are none, all files are."""
SHOWN = 5
"""The number of names in a message."""
log = logging.getLogger(__name__)
REMEDY = "if it is the right file, set sha256: {sha256}"


def fetch(params: PathCorpus | UrlCorpus, folder: Path) -> None:
    """Copy or download the file into the empty folder; unpack it if it is an archive.

    Raises:
        UnrollError: The file does not exist, or its SHA-256 is not the one in the parameters.
    """
    format: RawFormat = "conllu" if isinstance(params.format, ConlluFormat) else corpus_format(params)
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
            names = _keep_texts(unpack(packed, folder), folder, SUFFIXES[format])
        else:
            names = [source.name if source.name != MANIFEST else "text.txt"]
            packed.rename(folder / names[0])
    if nested := [name for name in names if archive_type(folder / name)]:
        raise UnrollError(
            f"{source}: contains the archive {nested[0]!r}, and archives inside archives are not unpacked; "
            "unpack it yourself"
        )
    unknown_word = None if params.unknown_word == "none" else params.unknown_word
    format, unit = _arrangement(format, names, folder)
    labels = _suffix_labels(names) if format == "labelled-lines" else {}
    write_manifest(folder, [RawFile(name, format, None, unit, unknown_word, labels.get(name)) for name in names])


def check_exists(source: Path, path: str) -> None:
    """Raise an UnrollError if `source`, the location of the user's `path`, is not a file."""
    if not source.is_file():
        raise UnrollError(f"path: there is no file {path}; give one that exists")


def _arrangement(format: RawFormat, names: list[str], folder: Path) -> tuple[RawFormat, Documents | None]:
    """Return the format of the files, and what one document of them is.

    A text of its own is divided into paragraphs, and texts of an archive are documents. Labelled texts of an archive
    are lines with a label and a tab, or files in a folder for each label, or lines of a file for each label.
    """
    if format == "text":
        return format, "paragraph" if len(names) == 1 else "file"
    if format != "labelled" or len(names) == 1 or all(_begins_with_label(folder / name) for name in names):
        return format, None
    if len({Path(name).parent.name for name in names}) == 1:
        return "labelled-lines", None
    if outside := [name for name in names if "/" not in name]:
        raise UnrollError(
            f"the archive has texts in folders with the names of their labels, but {outside[0]} is in no folder; move "
            "it to one, or remove it"
        )
    first = names[0]
    if others := [name for name in names if name.count("/") != first.count("/")]:
        raise UnrollError(
            f"the archive has texts in folders with the names of their labels, but {first} and {others[0]} are in "
            "folders of different depths; move all folders of labels to one folder, or remove what is no text"
        )
    return format, "file"


def _suffix_labels(names: list[str]) -> dict[str, str]:
    """Return the labels of files of labelled lines that differ only in their suffixes: reviews.neg and reviews.pos.

    Without them, the label of all of these files would be `reviews`. Other files need no label: their names are it.

    Args:
        names: The names of the files.

    Returns:
        The suffix without its full stop, by the name of the file; empty if the names differ without their suffixes.
    """
    paths = [Path(name) for name in names]
    if len({path.stem for path in paths}) > 1 or not all(path.suffix.strip(".") for path in paths):
        return {}
    return {name: path.suffix.removeprefix(".") for name, path in zip(names, paths, strict=True)}


def _begins_with_label(path: Path) -> bool:
    """Return whether the first line of a file that is not blank has a tab."""
    with path.open("rb") as file:
        lines = file.read(MAX_FIRST_LINE).splitlines()
    return b"\t" in next((line for line in lines if line.strip(b"\0 \t")), b"")


def _keep_texts(names: list[str], folder: Path, suffixes: tuple[str, ...]) -> list[str]:
    """Keep the unpacked files with one of the suffixes, or all files if there are none, and remove the others.

    Files that a system adds to an archive, in `__MACOSX` or with a name that begins with a full stop, are removed.

    Returns:
        The names of the files that are kept.
    """
    if MANIFEST in names:
        raise UnrollError(f"{MANIFEST}: an archive may not have a member of this name; rename it")
    visible = [name for name in names if not any(part.startswith((".", "__MACOSX")) for part in name.split("/"))]
    texts = [name for name in visible if name.lower().endswith(suffixes)] or visible
    left_out = sorted(set(names) - set(texts))
    for name in left_out:
        (folder / name).unlink()
    if not texts:
        raise UnrollError("the archive is empty; give one that holds text files")
    if left_out:
        shown = ", ".join(left_out[:SHOWN]) + (", ..." if len(left_out) > SHOWN else "")
        log.info("%d of %d files of the archive are left out: %s", len(left_out), len(names), shown)
    return texts


def _cache_name(url: str) -> str:
    """Return the file's path in the cache: a hash of the address, and the safe characters of its last part."""
    last = unquote(urlsplit(url).path).rpartition("/")[2]
    safe = "".join(letter if letter.isascii() and (letter.isalnum() or letter in "._-") else "_" for letter in last)
    return f"url/{hashlib.sha256(url.encode()).hexdigest()[:16]}/{safe.lstrip('.-')[-100:] or 'text'}"
