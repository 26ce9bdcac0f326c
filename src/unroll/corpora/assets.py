"""A file that is no corpus: vectors, or questions of analogy. Of the catalogue, or the user's own."""

from pathlib import Path

from unroll.corpora import catalogue
from unroll.corpora.path import copy
from unroll.corpora.paths import located
from unroll.errors import UnrollError
from unroll.params.base import nearest
from unroll.params.files import File, PathFile


def fetch(params: File, form: str, folder: Path) -> Path:
    """Bring the file, of the format `form` (vectors or analogies), into the empty `folder`, its hash checked."""
    if isinstance(params, PathFile):
        source = located(params.path)
        if not source.is_file():
            raise UnrollError(f"path: there is no file {params.path}; give one that exists")
        copy(source, folder / source.name, params.sha256, "if it is the right one, set sha256: {sha256}")
        return folder / source.name
    known = [name for name in catalogue.names() if catalogue.entry(name).data[0].format == form]
    if params.source not in known:
        raise UnrollError(f"source: the catalogue has no {form} {params.source}{nearest(params.source, known)}")
    catalogue.fetch(params.source, folder)
    return folder / catalogue.entry(params.source).data[0].file
