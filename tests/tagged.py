"""A small tagged corpus of source toy-tags, through the stages of the data."""

from pathlib import Path
from typing import Any

from unroll.corpora import fetch
from unroll.params.corpora import ToyTagsCorpus
from unroll.params.tokenizers import TaggedTokenizerParams
from unroll.text import streams
from unroll.text.clean import clean
from unroll.text.partition import partition
from unroll.text.streams import Data
from unroll.text.tokenize import tokenize

CORPUS: dict[str, Any] = {
    "source": "toy-tags",
    "sha256": None,
    "seed": 1,
    "sentences": 400,
    "tags": "pos",
    "cleaning": "plain",
    "invisible": "drop",
    "lowercase": False,
    "empty": "drop",
    "max_characters": 1000,
    "duplicates": {"kind": "exact", "drop": False},
    "splits": {"by": "hash", "valid": 0.1, "test": 0.2},
}
TOKENIZER: dict[str, Any] = {
    "corpus": "phrases",
    "type": "tagged",
    "min_count": 1,
    "vocabulary_size": "all",
    "suffix_length": 3,
    "suffix_min_count": 3,
    "shared_vocabulary": False,
    "sequence_length": 5,
}


def words(**values: Any) -> TaggedTokenizerParams:
    """The settings of a tokenizer of tagged text."""
    return TaggedTokenizerParams.model_validate(TOKENIZER | values)


def prepare(root: Path, **values: Any) -> Path:
    """Run the stages download, clean, tokenize and partition in a folder, and return it."""
    corpus, tokenizer = ToyTagsCorpus.model_validate(CORPUS | values), words()
    raw, tokens, partitions = (root / "data" / name for name in ("raw/phrases", "tokens/tagged", "partitions/tagged"))
    for folder in (raw, root / "data/clean", tokens, partitions):
        folder.mkdir(parents=True)
    fetch(corpus, raw)
    clean(corpus, raw, root / "data/clean/phrases.parquet")
    tokenize(tokenizer, root / "data/clean/phrases.parquet", tokens)
    partition(tokenizer, "tagged", 1, tokens, partitions)
    return root


def load(root: Path) -> Data:
    """Return the partition that `prepare` made."""
    return streams.load(root / "data/partitions/tagged")
