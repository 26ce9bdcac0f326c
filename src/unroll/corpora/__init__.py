"""Where text comes from: one file per kind of source, and one catalogue of corpora by name.

A source writes its data files and `raw.json` (see `unroll.text.manifest`) into an empty folder. Nothing of it is
cleaned or split here: the bytes are the source's own, and their sha256 is known or printed.
"""

from importlib import import_module
from pathlib import Path

from unroll.corpora import catalogue
from unroll.params.corpora import Corpus


def fetch(params: Corpus, seed: int, folder: Path) -> None:
    """Fill the existing, empty `folder` with the raw corpus of `params`; the same arguments give the same bytes.

    A source that is no name of the catalogue is a module of this package: `toy-dutch` is the package `toy_dutch`.
    """
    if params.source in catalogue.names():
        catalogue.fetch(params.source, folder)
    else:
        import_module(f"{__name__}.{params.source.replace('-', '_')}").fetch(params, seed, folder)
