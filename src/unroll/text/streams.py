"""Token streams: the data that models are trained on and evaluated with.

A *stream* holds all documents of a split in one flat array, each as `<bos> tokens <eos>`. The array is memory-mapped.
Networks train on subsequences of a stream (Zhang et al. 2023, Dive into Deep Learning, section 9.3), n-gram models
count over it, and evaluation uses its documents.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unroll.errors import UnrollError
from unroll.text.tokenizers.vocabulary import BOS, EOS

SPLITS = ("train", "valid", "test")
"""The splits of a corpus."""
Ids = NDArray[np.integer]
"""Token ids."""

LABELS, CORPUS = "labels.json", "corpus.json"
TAG_NAMES, SHAPES = "tags", "shapes"
"""Further fields of Data, which plan.json holds for tagged text."""
PLANNED = ("name", "vocabulary_size", "source_vocabulary_size", "sequence_length", "seed", "counts")
"""The fields of Data that plan.json holds."""


@dataclass(frozen=True)
class Stream:
    """The documents of one split end to end, for pairs those of one side."""

    tokens: Ids
    """The token ids (T,), with `<bos>` before and `<eos>` after each document."""
    offsets: NDArray[np.int64]
    """The offsets (documents + 1,): document i is tokens[offsets[i]:offsets[i + 1]]."""

    @property
    def documents(self) -> Sequence[Ids]:
        """The tokens to predict of each document, without `<bos>` and with `<eos>`, as views of `tokens`."""
        return [self.tokens[a + 1 : b] for a, b in zip(self.offsets[:-1], self.offsets[1:], strict=True)]

    @property
    def predicted(self) -> int:
        """The number of tokens to predict in all documents. `<bos>` is not predicted."""
        return len(self.tokens) - (len(self.offsets) - 1)

    @property
    def lengths(self) -> NDArray[np.int64]:
        """The number of tokens to predict in each document (documents,)."""
        return np.diff(self.offsets) - 1


@dataclass(frozen=True)
class Data:
    """The streams of a corpus with one tokenizer, which stage partition writes."""

    name: str
    """The key of the tokenizer in params.yaml."""
    vocabulary_size: int
    """The number V of tokens, for pairs with two vocabularies that of the target side."""
    sequence_length: int
    """The length n of a training subsequence."""
    seed: int
    """The global random seed."""
    streams: dict[str, dict[str, Stream]]
    """The streams by split and side. The side of running text is `text`; those of pairs are `source` and `target`;
    those of tagged text are `text`, `shapes` and `tags`, whose tokens correspond to each other."""
    counts: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    """The counts of stage tokenize (`unroll.text.tokenize`), by split and side."""
    source_vocabulary_size: int | None = None
    """The size of the source vocabulary of pairs with two vocabularies; None if both sides share one."""
    labels: dict[str, list[str]] = field(default_factory=dict)
    """The label of every document, by split; empty if the corpus has no labels."""
    tags: list[str] = field(default_factory=list)
    """The tags of tagged text in the order of their ids, without special tokens; empty for other text."""
    shapes: int = 0
    """The number of shapes of words of tagged text, special tokens included; 0 for other text."""

    @property
    def train(self) -> Stream:
        """The train split of running text."""
        return self.streams["train"]["text"]

    @property
    def valid(self) -> Stream:
        """The valid split of running text."""
        return self.streams["valid"]["text"]

    @property
    def test(self) -> Stream:
        """The test split of running text."""
        return self.streams["test"]["text"]


def stream_of(documents: Sequence[Ids], vocabulary_size: int) -> Stream:
    """Join documents into a stream.

    Args:
        documents: Arrays of token ids without special tokens.
        vocabulary_size: The size of the vocabulary. Tokens are stored as uint16 if it fits, otherwise as int32.

    Returns:
        The stream with `<bos>` before and `<eos>` after each document.
    """
    lengths = np.fromiter(map(len, documents), dtype=np.int64, count=len(documents))
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    tokens = np.empty(offsets[-1] + 2 * len(documents), dtype=token_type(vocabulary_size))
    values = np.concatenate([np.empty(0, tokens.dtype), *documents])
    lay_out(tokens, values, offsets)
    return Stream(tokens, offsets + 2 * np.arange(len(offsets)))


def lay_out(out: NDArray[Any], values: NDArray[Any], offsets: NDArray[np.int64]) -> None:
    """Write documents into `out`, with `<bos>` before and `<eos>` after each of them.

    Args:
        out: The array to fill. It has the length of `values` and 2 more elements for each document.
        values: The token ids of all documents end to end.
        offsets: Document i is values[offsets[i]:offsets[i + 1]].
    """
    starts = offsets[:-1] + 2 * np.arange(len(offsets) - 1)
    ends = offsets[1:] + 2 * np.arange(1, len(offsets)) - 1
    inside = np.ones(len(out), dtype=bool)
    inside[starts] = inside[ends] = False
    out[starts], out[ends], out[inside] = BOS, EOS, values


def token_type(vocabulary_size: int) -> type[np.generic]:
    """Return the smallest integer type that holds the token ids of a vocabulary of this size."""
    return np.uint16 if vocabulary_size <= 2**16 else np.int32


def write_plan(folder: Path, data: Data, entry: str) -> None:
    """Check that the splits of a partition are large enough, and write its sizes to plan.json.

    Args:
        folder: The folder of the partition.
        data: The partition.
        entry: The entry of params.yaml that error messages name, such as `tokenizers.words`.

    Raises:
        UnrollError: A split is too small to be used.
    """
    for split in SPLITS:
        for side, stream in data.streams[split].items():
            _check(stream, split, side, data, entry)
    plan: dict[str, Any] = {name: getattr(data, name) for name in PLANNED} | {
        "sides": list(data.streams["train"]),
        "tokens": {split: {side: s.predicted for side, s in data.streams[split].items()} for split in SPLITS},
    }
    if data.tags:
        plan |= {TAG_NAMES: data.tags, SHAPES: data.shapes}
    (folder / "plan.json").write_text(json.dumps(plan, indent=1) + "\n", encoding="utf-8")


def _check(stream: Stream, split: str, side: str, data: Data, entry: str) -> None:
    if len(stream.offsets) == 1:
        raise UnrollError(
            f"{entry}: the {split} split is empty; give it a larger share (corpora.*.splits), "
            "use smaller documents (corpora.*.documents: paragraph or line), or provide more text"
        )
    tokens = len(stream.tokens)
    # An epoch may drop n - 1 tokens; n tokens and a last target must be left.
    if side == "text" and split == "train" and tokens < 2 * data.sequence_length:
        raise UnrollError(
            f"{entry}: the train split has {tokens} tokens, too few for a subsequence and its targets in every epoch; "
            f"set tokenizers.{data.name}.sequence_length to {tokens // 2} or less (it is {data.sequence_length}), or "
            "provide more text"
        )


def load(folder: Path) -> Data:
    """Open a partition.

    Args:
        folder: The folder that stage partition wrote.

    Returns:
        The partition. Its streams are read-only memory maps.

    Raises:
        UnrollError: A file is missing or damaged.
    """
    try:
        return _load(folder)
    except (OSError, ValueError, EOFError, KeyError) as error:
        raise UnrollError(f"{folder}: unreadable ({error}); run `dvc repro -f` for this partition") from error


def _load(folder: Path) -> Data:
    plan = json.loads((folder / "plan.json").read_text(encoding="utf-8"))
    streams = {
        split: {
            side: Stream(
                np.load(folder / f"{split}.{side}.npy", mmap_mode="r"), np.load(folder / f"{split}.{side}.offsets.npy")
            )
            for side in plan["sides"]
        }
        for split in SPLITS
    }
    labels = json.loads(path.read_text(encoding="utf-8")) if (path := folder / LABELS).exists() else {}
    tagged = {name: plan[name] for name in (TAG_NAMES, SHAPES) if name in plan}
    return Data(streams=streams, labels=labels, **{name: plan[name] for name in PLANNED}, **tagged)
