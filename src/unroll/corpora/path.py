"""`path`: a file of the user's own, pinned by its sha256: plain text, or an archive of texts."""

import hashlib
import tempfile
from pathlib import Path

from unroll.corpora import filetype
from unroll.corpora.archive import unpack
from unroll.corpora.paths import located
from unroll.errors import UnrollError
from unroll.params.corpora import Format, PathCorpus
from unroll.text.manifest import MANIFEST, Documents, RawFile, write_manifest

PIECE = 1 << 20  # bytes read at a time


def fetch(params: PathCorpus, seed: int, folder: Path) -> None:
    """Fill the empty `folder` with the file, or what it holds; UnrollError if it is not the one `sha256` names."""
    source = located(params.path)
    if source.is_dir():
        raise UnrollError(
            f"path: {params.path} is a folder; put its files into one zip, so that one sha256 pins them all"
        )
    if not source.is_file():
        raise UnrollError(f"path: there is no file {params.path}; give one that exists")
    place(source, params.sha256, params.format, folder)


def place(source: Path, sha256: str, form: Format, folder: Path) -> None:
    """Copy a text, or unpack an archive of texts, into the empty `folder`, with its raw.json."""
    with tempfile.TemporaryDirectory(dir=folder) as temporary:
        packed = Path(temporary) / source.name
        copy(source, packed, sha256, "if it is the right one, set sha256: {sha256}")
        if filetype.archive(packed):
            names = _texts(unpack(packed, folder), folder)
        else:
            names = [source.name if source.name != MANIFEST else "text.txt"]
            packed.rename(folder / names[0])
    if nested := [name for name in names if filetype.archive(folder / name)]:
        raise UnrollError(
            f"{source}: holds the archive {nested[0]!r}, and archives in archives are not unpacked; unpack it yourself"
        )
    given: Documents | None = ("paragraph" if len(names) == 1 else "file") if form == "text" else None
    write_manifest(folder, [RawFile(name, form, documents=given) for name in names])


def copy(source: Path, target: Path, sha256: str, remedy: str) -> None:
    """Copy a file and check what was copied, in one reading; `remedy` ends the UnrollError, with its {sha256}."""
    digest = hashlib.sha256()
    with source.open("rb") as old, target.open("wb") as new:
        while piece := old.read(PIECE):
            digest.update(piece)
            new.write(piece)
    if (found := digest.hexdigest()) != sha256:
        target.unlink()
        seems = filetype.described(source)
        raise UnrollError(f"{source}: is {seems}, not the one expected; {remedy.format(sha256=found)}")


def _texts(names: list[str], folder: Path) -> list[str]:
    """Of what was unpacked, the files named *.txt or, if there are none, all; the rest is removed."""
    if MANIFEST in names:
        raise UnrollError(f"{MANIFEST}: an archive may not have a member of this name; rename it")
    texts = [name for name in names if name.lower().endswith(".txt")] or names
    for name in set(names) - set(texts):
        (folder / name).unlink()
    if not texts:
        raise UnrollError("the archive is empty; give one that holds text files")
    return texts
