"""Stage download: the sources of text and the catalogue of public corpora.

A source is a module with `fetch(params, folder)`. It writes its data files and their manifest raw.json
(`unroll.text.manifest`) into an empty folder. The stages clean and partition read them; no source cleans or splits.
"""

from importlib import import_module
from pathlib import Path

from unroll.corpora import catalogue
from unroll.errors import UnrollError
from unroll.params.cleaning import PinnedCorpus
from unroll.params.corpora import Corpus
from unroll.text.manifest import file_sha256, read_manifest

MODULES = {
    "python-docs": "python_docs",
    "python-docs-labelled": "python_docs",
    "package-docs": "package_docs",
    "package-docs-labelled": "package_docs",
    "path": "user_file",
    "url": "user_file",
    "toy-dutch": "toy_dutch",
    "everyday-english": "everyday",
    "markov": "markov",
    "hmm": "hmm",
    "pcfg": "pcfg",
    "sine": "sine",
    "var-process": "var_process",
    "toy-tags": "toy_tags",
}
"""The module of this package that fetches a source. Every other source is a name of the catalogue."""


def fetch(params: Corpus, folder: Path) -> None:
    """Write the raw corpus into a folder. The same arguments give the same bytes.

    Args:
        params: The entry of `corpora` in params.yaml.
        folder: The raw folder, which must exist and be empty.

    Raises:
        UnrollError: The corpus is not available, or a file has a wrong SHA-256.
    """
    if params.source in MODULES:
        import_module(f"{__name__}.{MODULES[params.source]}").fetch(params, folder)
    else:
        catalogue.fetch(params.source, folder)
    if isinstance(params, PinnedCorpus) and params.sha256 is not None:
        _verify(params.sha256, folder)


def _verify(sha256: str, folder: Path) -> None:
    """Verify the data file of a corpus that was made without a download."""
    (data,) = read_manifest(folder)
    if (actual := file_sha256(folder / data.file)) != sha256:
        raise UnrollError(
            f"corpora.*.sha256: the corpus that was made ({data.file}) has the sha256 {actual} and not "
            f"{sha256 or 'an empty one'}; if you changed its settings, set sha256: {actual} (or null, which verifies "
            "nothing), otherwise install the packages of requirements.lock again"
        )
