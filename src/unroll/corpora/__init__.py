"""Stage download: the sources of text and the catalogue of public corpora.

A source is a module with `fetch(params, seed, folder)`. It writes its data files and their manifest raw.json
(`unroll.text.manifest`) into an empty folder. The stages clean and partition read them; no source cleans or splits.
"""

from importlib import import_module
from pathlib import Path

from unroll.corpora import catalogue
from unroll.params.corpora import Corpus

MODULES = {
    "python-docs": "python_docs",
    "python-docs-labelled": "python_docs",
    "path": "user_file",
    "url": "user_file",
    "toy-dutch": "toy_dutch",
    "markov": "markov",
    "hmm": "hmm",
    "pcfg": "pcfg",
    "sine": "sine",
}
"""The module of this package that fetches a source. Every other source is a name of the catalogue."""


def fetch(params: Corpus, seed: int, folder: Path) -> None:
    """Write the raw corpus into a folder. The same arguments give the same bytes.

    Args:
        params: The entry of `corpora` in params.yaml.
        seed: The seed of a source that samples.
        folder: The raw folder, which must exist and be empty.

    Raises:
        UnrollError: The corpus is not available, or a file has a wrong SHA-256.
    """
    if params.source in MODULES:
        import_module(f"{__name__}.{MODULES[params.source]}").fetch(params, seed, folder)
    else:
        catalogue.fetch(params.source, folder)
