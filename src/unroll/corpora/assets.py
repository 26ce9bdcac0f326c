"""Files that are not corpora: word vectors and analogy questions, from the catalogue or from the user."""

from pathlib import Path

from unroll.corpora import catalogue
from unroll.corpora.cache import copy_verified, resolve
from unroll.corpora.user_file import REMEDY, check_exists
from unroll.errors import UnrollError
from unroll.params.base import suggest
from unroll.params.word_vectors import File, PathFile


def fetch(params: File, format: str, folder: Path) -> Path:
    """Copy or download a file into an empty folder and verify its SHA-256.

    Args:
        params: The name in the catalogue, or the path of the user's file.
        format: The required format, `vectors` or `analogies`.
        folder: The folder.

    Returns:
        The path of the file in the folder.

    Raises:
        UnrollError: There is no such file of this format, or its SHA-256 is wrong.
    """
    if isinstance(params, PathFile):
        source = resolve(params.path)
        check_exists(source, params.path)
        copy_verified(source, folder / source.name, params.sha256, REMEDY)
        return folder / source.name
    names = [name for name in catalogue.names() if catalogue.entry(name).data[0].format == format]
    if params.source not in names:
        raise UnrollError(f"source: the catalogue has no {format} {params.source}{suggest(params.source, names)}")
    catalogue.fetch(params.source, folder)
    return folder / catalogue.entry(params.source).data[0].file
