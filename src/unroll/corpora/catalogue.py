"""Real corpora by name: where to get them and what they must be (`catalogue.yaml`; how to read it stands here)."""

import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field
from ruamel.yaml import YAML

from unroll.corpora import filetype, mirror, parallel_files
from unroll.corpora.archive import unpack
from unroll.corpora.cache import obtain
from unroll.corpora.path import copy
from unroll.errors import UnrollError
from unroll.params.base import Params
from unroll.params.corpora import CATALOGUE
from unroll.text.manifest import Documents, Format, RawFile, Split, write_manifest

SMALL = 1 << 20  # bytes; what is larger than expected but not than this is downloaded, to say what it is


class File(Params):
    """Something to download."""

    name: str
    """Its path in a mirror and in the store of downloads."""
    urls: list[str]
    """Tried in this order; none: only mirrors have it."""
    bytes: Annotated[int, Field(ge=1)]
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    members: list[str] | None = None
    """What to take out of an archive; None: it is none, or a single compressed file."""


class Data(Params):
    """One file of the raw folder."""

    file: str
    """Its name; without `columns` and `labels` the name (less folders) of a download or member."""
    format: Format
    documents: Documents | None = None
    split: Split | None = None
    columns: list[str] | None = None
    """Parallel files to put side by side."""
    labels: dict[str, str] | None = None
    """Files by label, to put one after the other."""


class Entry(Params):
    """A corpus of the catalogue."""

    title: str
    licence: str
    files: list[File]
    data: list[Data]


def names() -> tuple[str, ...]:
    """Every name, in the order of the catalogue."""
    return tuple(_catalogue())


def entry(name: str) -> Entry:
    """What the catalogue says of a corpus."""
    return Entry.model_validate(_catalogue()[name])


@cache
def _catalogue() -> dict[str, Any]:
    return YAML(typ="safe").load(CATALOGUE)


def fetch(name: str, folder: Path) -> None:
    """Fill the empty `folder` with the raw corpus `name`: from the mirror, the store or the web, in this order."""
    corpus = entry(name)
    with tempfile.TemporaryDirectory(dir=folder) as temporary:
        parts = Path(temporary)
        for file in corpus.files:
            _take(file, parts)
        for data in corpus.data:
            if data.columns:
                parallel_files.columns([parts / part for part in data.columns], folder / data.file)
            elif data.labels:
                parallel_files.labelled(
                    {label: parts / part for label, part in data.labels.items()}, folder / data.file
                )
            else:
                (parts / data.file).rename(folder / data.file)
    write_manifest(folder, [RawFile(data.file, data.format, data.split, data.documents) for data in corpus.data])


def _take(file: File, parts: Path) -> None:
    """Put a download, or what is wanted of it, into the flat folder `parts`."""
    packed = parts / Path(file.name).name
    remedy = f"replace it, or unset {mirror.VARIABLE} to download it"
    copy(mirror.find(file.name) or _download(file), packed, file.sha256, remedy)
    if filetype.archive(packed):
        with tempfile.TemporaryDirectory(dir=parts) as unpacked:
            for member in unpack(packed, Path(unpacked), file.members):
                shutil.move(Path(unpacked) / member, parts / Path(member).name)
        packed.unlink()


def _download(file: File) -> Path:
    remedy = f"put the right {file.name} into a folder and name it by {mirror.VARIABLE}"
    urls = [*mirror.urls(file.name), *file.urls]
    if not urls:
        raise UnrollError(f"{file.name}: only a mirror has it; {remedy}")
    return obtain(file.name, urls, file.sha256, max(file.bytes, SMALL), remedy)
