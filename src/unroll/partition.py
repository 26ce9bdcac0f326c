"""Token streams and their subsequences (x, y): notes "Recurrent Neural Networks" (Qin), section 5.3.

A *stream* is all documents of a split end to end, each as `<bos> tokens <eos>`, in one flat array that is opened
memory-mapped. Networks train on subsequences of it; n-grams count over it; evaluation takes its documents.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unroll.errors import UnrollError
from unroll.text.vocabulary import BOS, EOS

Ids = NDArray[np.integer]

SPLITS = ("train", "valid", "test")


@dataclass(frozen=True)
class Stream:
    """One split (of one side, for pairs): `tokens` (T,) and document i = tokens[offsets[i]:offsets[i+1]]."""

    tokens: Ids
    offsets: NDArray[np.int64]

    @property
    def documents(self) -> Sequence[Ids]:
        """Each document's tokens to predict: without `<bos>`, with `<eos>`. Views, nothing is copied."""
        return [self.tokens[a + 1 : b] for a, b in zip(self.offsets[:-1], self.offsets[1:], strict=True)]

    @property
    def predicted(self) -> int:
        """Number of tokens to predict: all but `<bos>`."""
        return len(self.tokens) - (len(self.offsets) - 1)


@dataclass(frozen=True)
class Data:
    """A partition folder: for running text streams[split]["text"], for pairs ["source"] and ["target"]."""

    name: str
    vocabulary_size: int
    sequence_length: int
    seed: int
    streams: dict[str, dict[str, Stream]]

    @property
    def train(self) -> Stream:
        return self.streams["train"]["text"]

    @property
    def valid(self) -> Stream:
        return self.streams["valid"]["text"]

    @property
    def test(self) -> Stream:
        return self.streams["test"]["text"]


def epoch_plan(seed: int, epoch: int, tokens: int, sequence_length: int) -> tuple[int, int]:
    """(d, m) of an epoch: the first d in [0, n) tokens are dropped, the rest gives m = floor((T - d - 1) / n)
    subsequences of length n. A pure function of (seed, epoch)."""
    offset = int(_generator(seed, epoch).integers(sequence_length))
    return offset, max(0, (tokens - offset - 1) // sequence_length)


def subsequences(tokens: Ids, offset: int, sequence_length: int) -> tuple[Ids, Ids]:
    """All (x, y) of a stream from `offset` on, both of shape (m, n); y is x shifted by one. Views of `tokens`."""
    count = (len(tokens) - offset - 1) // sequence_length
    end = offset + count * sequence_length
    return (
        tokens[offset:end].reshape(count, sequence_length),
        tokens[offset + 1 : end + 1].reshape(count, sequence_length),
    )


def random_batches(stream: Stream, n: int, batch_size: int, seed: int, epoch: int) -> Iterator[tuple[Ids, Ids]]:
    """Shuffled subsequences, (B, n) each; the last batch may be smaller. To be read from a zero state."""
    generator = _generator(seed, epoch)
    offset = int(generator.integers(n))
    x, y = subsequences(stream.tokens, offset, n)
    order = generator.permutation(len(x))
    for first in range(0, len(x), batch_size):
        rows = np.sort(order[first : first + batch_size])
        yield x[rows], y[rows]


def sequential_batches(stream: Stream, n: int, batch_size: int, seed: int, epoch: int) -> Iterator[tuple[Ids, Ids]]:
    """Row b of each batch (B, n) continues row b of the one before, so a state can be carried: truncated
    backpropagation through time. The stream is cut into B contiguous rows; the last columns may be shorter than n."""
    offset, _ = epoch_plan(seed, epoch, len(stream.tokens), n)
    length = (len(stream.tokens) - offset - 1) // batch_size
    x = stream.tokens[offset : offset + length * batch_size].reshape(batch_size, length)
    y = stream.tokens[offset + 1 : offset + 1 + length * batch_size].reshape(batch_size, length)
    for first in range(0, length, n):
        yield x[:, first : first + n], y[:, first : first + n]


def _generator(seed: int, epoch: int) -> np.random.Generator:
    return np.random.default_rng([seed, epoch])


def stream_of(documents: Sequence[Ids], vocabulary_size: int) -> Stream:
    """Documents (without special tokens) end to end as `<bos> tokens <eos>`; uint16 if the vocabulary fits, else int32."""
    kind = np.uint16 if vocabulary_size <= 2**16 else np.int32
    lengths = np.fromiter((len(document) + 2 for document in documents), dtype=np.int64, count=len(documents))
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    tokens = np.empty(offsets[-1], dtype=kind)
    for start, end, document in zip(offsets[:-1], offsets[1:], documents, strict=True):
        tokens[start], tokens[start + 1 : end - 1], tokens[end - 1] = BOS, document, EOS
    return Stream(tokens, offsets)


def write(folder: Path, data: Data, source: str) -> None:
    """Write a partition into the existing folder `folder`; refuses splits too small to be used."""
    for split in SPLITS:
        for side, stream in data.streams[split].items():
            _check(stream, split, side, data, source)
            np.save(folder / f"{split}.{side}.npy", stream.tokens)
            np.save(folder / f"{split}.{side}.offsets.npy", stream.offsets)
    first = epoch_plan(data.seed, 0, len(next(iter(data.streams["train"].values())).tokens), data.sequence_length)
    plan: dict[str, Any] = {
        "name": data.name,
        "vocabulary_size": data.vocabulary_size,
        "sequence_length": data.sequence_length,
        "seed": data.seed,
        "first_epoch": {"dropped": first[0], "subsequences": first[1]},
        "sides": list(data.streams["train"]),
        "tokens": {split: {side: s.predicted for side, s in data.streams[split].items()} for split in SPLITS},
    }
    (folder / "plan.json").write_text(json.dumps(plan, indent=1) + "\n", encoding="utf-8")


def _check(stream: Stream, split: str, side: str, data: Data, source: str) -> None:
    if len(stream.offsets) == 1:
        raise UnrollError(
            f"{source}: the {split} split is empty; give it a larger share (corpora.*.splits), "
            "cut smaller documents (corpora.*.documents: paragraph or line), or bring more text"
        )
    if side == "text" and split == "train" and len(stream.tokens) < data.sequence_length + 2:
        raise UnrollError(
            f"{source}: the train split has {len(stream.tokens)} tokens, fewer than one subsequence and its target; "
            f"set tokens.{data.name}.sequence_length below {len(stream.tokens) - 1} (it is {data.sequence_length})"
        )


def load(folder: Path) -> Data:
    """Open a partition folder; the streams are read-only memory maps."""
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
    return Data(plan["name"], plan["vocabulary_size"], plan["sequence_length"], plan["seed"], streams)
