"""Public corpora by name. `catalogue.yaml` has their addresses, sizes, SHA-256, licences and formats."""

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import zip_longest
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field
from ruamel.yaml import YAML

from unroll.corpora.archive import archive_type, unpack
from unroll.corpora.cache import MIRROR, copy_verified, find_in_mirror, mirror_urls, obtain
from unroll.errors import UnrollError
from unroll.params.base import Params
from unroll.params.corpora import CATALOGUE
from unroll.text.manifest import Documents, Format, RawFile, Split, write_manifest

MIN_DOWNLOAD_LIMIT = 1 << 20
"""The smallest limit on a download, in bytes. A wrong file up to this size is kept, so that the error describes it."""


class RemoteFile(Params):
    """A file to download."""

    name: str
    """The path of the file in a mirror and in the cache of downloads."""
    urls: list[str]
    """The addresses in the order in which they are tried. If the list is empty, only mirrors have the file."""
    bytes: Annotated[int, Field(ge=1)]
    """The size of the file."""
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    """The SHA-256 of the file."""
    members: list[str] | None = None
    """The members to unpack from an archive; None for a file that is not an archive, or a single compressed file."""


class DataFile(Params):
    """A file of the raw folder."""

    file: str
    """The name of the file. Without `columns` and `labels` it is the name, without folders, of a download or member."""
    format: Format
    """The format of the file."""
    documents: Documents | None = None
    """What one document of the file is."""
    split: Split | None = None
    """The split to which the file belongs, if the corpus defines splits."""
    columns: list[str] | None = None
    """The parallel files that become the columns of this file."""
    labels: dict[str, str] | None = None
    """The files of a labelled corpus, by label. This file contains them one after the other."""


class Entry(Params):
    """A corpus of the catalogue."""

    title: str
    """A description with the source."""
    licence: str
    """The licence or the terms of use."""
    files: list[RemoteFile]
    """The files to download."""
    data: list[DataFile]
    """The files of the raw folder."""
    unknown_word: str | None = None
    """The word that stands for unknown words, if the corpus was prepared with a closed vocabulary."""


def names() -> tuple[str, ...]:
    """Return all names in the order of the catalogue."""
    return tuple(_catalogue())


def entry(name: str) -> Entry:
    """Return the entry with this name."""
    return Entry.model_validate(_catalogue()[name])


@cache
def _catalogue() -> dict[str, Any]:
    return YAML(typ="safe").load(CATALOGUE)


def fetch(name: str, folder: Path) -> None:
    """Write a raw corpus into the empty folder. A file comes from the mirror, the cache or the internet, in this order.

    Raises:
        UnrollError: A file is not available or has a wrong SHA-256.
    """
    corpus = entry(name)
    with tempfile.TemporaryDirectory(dir=folder) as temporary:
        parts = Path(temporary)
        for file in corpus.files:
            _fetch_file(file, parts)
        for data in corpus.data:
            if data.columns:
                write_columns([parts / part for part in data.columns], folder / data.file)
            elif data.labels:
                files = {label: parts / part for label, part in data.labels.items()}
                write_labelled(files, folder / data.file)
            else:
                (parts / data.file).rename(folder / data.file)
    word = corpus.unknown_word
    write_manifest(folder, [RawFile(data.file, data.format, data.split, data.documents, word) for data in corpus.data])


def _fetch_file(file: RemoteFile, parts: Path) -> None:
    """Copy a file, or the wanted members of an archive, into the flat folder `parts`."""
    packed = parts / Path(file.name).name
    remedy = f"replace it, or unset {MIRROR} to download it"
    copy_verified(find_in_mirror(file.name) or _download(file), packed, file.sha256, remedy)
    if archive_type(packed):
        with tempfile.TemporaryDirectory(dir=parts) as unpacked:
            for member in unpack(packed, Path(unpacked), file.members):
                shutil.move(Path(unpacked) / member, parts / Path(member).name)
        packed.unlink()


def _download(file: RemoteFile) -> Path:
    remedy = f"put the right {file.name} into a folder and set {MIRROR} to that folder"
    urls = [*mirror_urls(file.name), *file.urls]
    if not urls:
        raise UnrollError(f"{file.name}: only a mirror has it; {remedy}")
    return obtain(file.name, urls, file.sha256, max(file.bytes, MIN_DOWNLOAD_LIMIT), remedy)


def write_columns(files: Sequence[Path], table: Path) -> None:
    """Write a table with one tab-separated column for each file; row n contains line n of each file.

    Raises:
        UnrollError: The files have different numbers of lines.
    """
    with table.open("wb") as out:
        handles = [file.open("rb") for file in files]
        try:
            for number, lines in enumerate(zip_longest(*handles), start=1):
                if None in lines:
                    short = files[lines.index(None)].name
                    raise UnrollError(
                        f"{short}: has no line {number}, but its parallel file has one; take matching files"
                    )
                out.write(b"\t".join(_cell(line) for line in lines) + b"\n")
        finally:
            for handle in handles:
                handle.close()


def write_labelled(files: Mapping[str, Path], table: Path) -> None:
    """Write a table with the columns label and line, for the lines of every file by label."""
    with table.open("wb") as out:
        for label, file in files.items():
            with file.open("rb") as handle:
                for line in handle:
                    out.write(label.encode() + b"\t" + _cell(line) + b"\n")


def _cell(line: bytes) -> bytes:
    return line.rstrip(b"\r\n").replace(b"\t", b" ")
