"""Settings of corpora and tokenizers, and a small corpus whose raw files a test chooses."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from unroll.params.corpora import TextCorpus
from unroll.params.tokenizers import BpeTokenizerParams, CharTokenizerParams, WordTokenizerParams
from unroll.text.clean import clean

CORPUS = {
    "source": "python-docs",
    "documents": "source",
    "encoding": "utf-8",
    "errors": "strict",
    "markup": "keep",
    "cleaning": "plain",
    "invisible": "keep",
    "lowercase": False,
    "empty": "drop",
    "max_characters": 1000,
    "duplicates": {"kind": "exact", "drop": False},
    "splits": {"by": "position", "valid": 0.2, "test": 0.2},
}
TOKENIZER = {"corpus": "tiny", "shared_vocabulary": True, "sequence_length": 5}


def corpus(**values: Any) -> TextCorpus:
    return TextCorpus.model_validate(CORPUS | values)


def words(**values: Any) -> WordTokenizerParams:
    default = {"type": "word", "pretokenizer": "whitespace", "min_count": 1, "vocabulary_size": "all"}
    return WordTokenizerParams.model_validate(TOKENIZER | default | values)


def chars(**values: Any) -> CharTokenizerParams:
    return CharTokenizerParams.model_validate(TOKENIZER | {"type": "char", "min_count": 1} | values)


def bpe(**values: Any) -> BpeTokenizerParams:
    default = {"type": "bpe", "base_alphabet": "bytes", "vocabulary_size": 400, "max_training_characters": 10**6}
    return BpeTokenizerParams.model_validate(TOKENIZER | default | values)


class Workshop:
    """A corpus in a temporary folder: `add` writes its raw files, and `clean` runs stage clean on them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.raw = folder / "tiny"
        self.raw.mkdir()
        self.files: list[dict[str, Any]] = []
        self.out = folder / "tiny.parquet"
        self.counts: dict[str, Any] = {}

    def add(self, content: bytes | str, name: str = "a.txt", **entry: Any) -> "Workshop":
        path = self.raw / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        self.files.append(
            {"file": name, "sha256": "", "format": "text", "split": None, "documents": "line", "unknown_word": None}
            | entry
        )
        (self.raw / "raw.json").write_text(json.dumps(self.files))
        return self

    def clean(self, **values: Any) -> list[dict[str, Any]]:
        self.counts = clean(corpus(**values), self.raw, self.out)
        return pq.read_table(self.out).to_pylist()

    def texts(self, **values: Any) -> list[str]:
        return [row["text"] for row in self.clean(**values)]


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path)


@pytest.fixture
def folder(tmp_path: Path) -> Callable[[str], Path]:
    def make(name: str) -> Path:
        (tmp_path / name).mkdir()
        return tmp_path / name

    return make


@pytest.fixture
def mirror() -> Path:
    """The folder of the real corpora. A test that uses it has the mark `mirror` and is skipped without the folder."""
    place = Path(os.environ.get("UNROLL_MIRROR") or Path(__file__).parents[3] / "shared" / "corpora")
    if not place.is_dir():
        pytest.skip("no mirror of the real corpora: set UNROLL_MIRROR to its folder")
    return place
