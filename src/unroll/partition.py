"""Token streams and their subsequences (x, y): notes "Recurrent Neural Networks" (Qin), section 5.3.

A *stream* is all documents of a split end to end, each as `<bos> tokens <eos>`, in one flat array that is opened
memory-mapped. Networks train on subsequences of it; n-grams count over it; evaluation takes its documents.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unroll.errors import UnrollError
from unroll.params.tokens import TokenParams
from unroll.text.vocabulary import BOS, EOS

Ids = NDArray[np.integer]

SPLITS = ("train", "valid", "test")
LABELS = "labels.json"
PLANNED = ("name", "vocabulary_size", "source_vocabulary_size", "sequence_length", "seed", "counts")
"""The fields of Data that plan.json holds."""
REPORTED = (16, 64, 256)  # batch sizes whose padding the plan tells


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
        """Number of tokens to predict: all but `<bos>` (of a series: all values but the first)."""
        return len(self.tokens) - (len(self.offsets) - 1)

    @property
    def lengths(self) -> NDArray[np.int64]:
        """(documents,) tokens to predict in each."""
        return np.diff(self.offsets) - 1


@dataclass(frozen=True)
class Data:
    """A partition folder: for running text streams[split]["text"], for pairs ["source"] and ["target"]."""

    name: str
    vocabulary_size: int
    sequence_length: int
    seed: int
    streams: dict[str, dict[str, Stream]]
    counts: dict[str, dict[str, dict[str, int]]] = field(default_factory=dict)
    """By split and side: what stage tokenize counted (`unroll.text.tokenize`)."""
    source_vocabulary_size: int | None = None
    """Of the source side of pairs with separate vocabularies; None where both sides have one."""
    labels: dict[str, list[str]] = field(default_factory=dict)
    """By split, the label of every document; empty where the corpus is not labelled."""
    checkpoints: Path | None = None
    """The folder where a training keeps what it needs to go on after a kill; None: nowhere."""

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
    if length < 1:
        raise UnrollError(
            f"{len(stream.tokens)} tokens are too few for {batch_size} rows; set batch_size below "
            f"{len(stream.tokens) - n}, order: random, or bring more text"
        )
    x = stream.tokens[offset : offset + length * batch_size].reshape(batch_size, length)
    y = stream.tokens[offset + 1 : offset + 1 + length * batch_size].reshape(batch_size, length)
    for first in range(0, length, n):
        yield x[:, first : first + n], y[:, first : first + n]


def bucketed_batches(lengths: NDArray[np.int64], batch_size: int, seed: int, epoch: int) -> list[NDArray[np.int64]]:
    """The rows of each batch of documents or pairs, every row once, rows of like length together so that little is
    padding. `lengths` is (documents, sides); equal lengths are shuffled, and so is the order of the batches."""
    generator = _generator(seed, epoch)
    order = np.lexsort((generator.random(len(lengths)), *lengths.T[::-1]))
    batches = [order[first : first + batch_size] for first in range(0, len(order), batch_size)]
    return [batches[index] for index in generator.permutation(len(batches))]


def padding_share(lengths: NDArray[np.int64], batches: Sequence[NDArray[np.int64]]) -> float:
    """The share of padding in rectangles as wide as the longest row of each batch; `lengths` is (documents, sides)."""
    cells = sum(len(rows) * int(lengths[rows].max(axis=0).sum()) for rows in batches)
    return 1 - int(lengths.sum()) / cells if cells else 0.0


def _generator(seed: int, epoch: int) -> np.random.Generator:
    return np.random.default_rng([seed, epoch])


def stream_of(documents: Sequence[Ids], vocabulary_size: int) -> Stream:
    """Documents (without special tokens) end to end as `<bos> tokens <eos>`; uint16 if the vocabulary fits, else
    int32."""
    lengths = np.fromiter(map(len, documents), dtype=np.int64, count=len(documents))
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    tokens = np.empty(offsets[-1] + 2 * len(documents), dtype=_kind(vocabulary_size))
    values = np.concatenate([np.empty(0, tokens.dtype), *documents])
    _lay(tokens, values, offsets, 2)
    return Stream(tokens, offsets + 2 * np.arange(len(offsets)))


def write(folder: Path, data: Data, source: str) -> None:
    """Write a partition into the existing folder `folder`; refuses splits too small to be used. `source` names the data
    in messages."""
    for split in SPLITS:
        for side, stream in data.streams[split].items():
            np.save(folder / f"{split}.{side}.npy", stream.tokens)
            np.save(folder / f"{split}.{side}.offsets.npy", stream.offsets)
    _write_plan(folder, data, source)


def partition(params: TokenParams, name: str, seed: int, tokens: Path, folder: Path) -> None:
    """Stage partition: what stage tokenize wrote in `tokens` as streams in the existing `folder`. A batch is in memory
    at a time; for a series the streams are numbers, without special tokens."""
    counts = json.loads((tokens / "counts.json").read_text(encoding="utf-8"))
    sides = {side: counts.get(f"{side}_vocabulary_size", counts["vocabulary_size"]) for side in counts["train"]}
    streams = {
        split: {side: _stream(folder, split, side, tokens / f"{split}.arrow", size) for side, size in sides.items()}
        for split in SPLITS
    }
    data = Data(
        name,
        counts["vocabulary_size"],
        params.sequence_length,
        seed,
        streams,
        {split: counts[split] for split in SPLITS},
        counts.get("source_vocabulary_size"),
        _labels(tokens, folder),
    )
    _write_plan(folder, data, f"tokens.{name}")


def _labels(tokens: Path, folder: Path) -> dict[str, list[str]]:
    """The labels of a labelled corpus, copied into the folder."""
    from unroll.text.ids import labels

    found = {split: labels(tokens / f"{split}.arrow") for split in SPLITS}
    if not any(found.values()):
        return {}
    (folder / LABELS).write_text(json.dumps(found, ensure_ascii=False) + "\n", encoding="utf-8")
    return found


def _stream(folder: Path, split: str, side: str, source: Path, vocabulary_size: int) -> Stream:
    """The column `side` of the Arrow file `source` laid out in the folder's files."""
    from unroll.text.ids import read  # the one reader of Arrow; models need only what it leaves behind

    special = 2 if vocabulary_size else 0
    lengths = [np.diff(offsets) + special for _, offsets in read(source, side)]
    offsets = np.concatenate([[0], *lengths]).cumsum()
    kind = _kind(vocabulary_size)
    tokens = np.lib.format.open_memmap(folder / f"{split}.{side}.npy", "w+", kind, (int(offsets[-1]),))
    first = 0
    for values, inside in read(source, side):
        _lay(tokens[first : first + len(values) + special * (len(inside) - 1)], values, inside, special)
        first += len(values) + special * (len(inside) - 1)
    tokens.flush()
    np.save(folder / f"{split}.{side}.offsets.npy", offsets)
    return Stream(tokens, offsets)


def _lay(out: NDArray[Any], values: NDArray[Any], offsets: NDArray[np.int64], special: int) -> None:
    """Write documents, given end to end, into `out`, each between <bos> and <eos> if `special`."""
    if not special:
        out[:] = values
        return
    starts = offsets[:-1] + special * np.arange(len(offsets) - 1)
    ends = offsets[1:] + special * np.arange(1, len(offsets)) - 1
    inside = np.ones(len(out), dtype=bool)
    inside[starts] = inside[ends] = False
    out[starts], out[ends], out[inside] = BOS, EOS, values


def _kind(vocabulary_size: int) -> type[np.generic]:
    if not vocabulary_size:
        return np.float32
    return np.uint16 if vocabulary_size <= 2**16 else np.int32


def _write_plan(folder: Path, data: Data, source: str) -> None:
    for split in SPLITS:
        for side, stream in data.streams[split].items():
            _check(stream, split, side, data, source)
    first = epoch_plan(data.seed, 0, len(next(iter(data.streams["train"].values())).tokens), data.sequence_length)
    plan: dict[str, Any] = {name: getattr(data, name) for name in PLANNED} | {
        "first_epoch": {"dropped": first[0], "subsequences": first[1]},
        "sides": list(data.streams["train"]),
        "tokens": {split: {side: s.predicted for side, s in data.streams[split].items()} for split in SPLITS},
        "padding": _padding(data),
    }
    (folder / "plan.json").write_text(json.dumps(plan, indent=1) + "\n", encoding="utf-8")


def _padding(data: Data) -> dict[str, dict[str, float]]:
    """Of pairs: the share of padding by batch size, for rows of like length together and for rows in any order."""
    if "target" not in data.streams["train"]:
        return {}
    lengths = np.column_stack([stream.lengths for stream in data.streams["train"].values()])
    shuffled = _generator(data.seed, 0).permutation(len(lengths))
    return {
        str(size): {
            "bucketed": round(padding_share(lengths, bucketed_batches(lengths, size, data.seed, 0)), 4),
            "shuffled": round(padding_share(lengths, np.array_split(shuffled, range(size, len(lengths), size))), 4),
        }
        for size in REPORTED
    }


def _check(stream: Stream, split: str, side: str, data: Data, source: str) -> None:
    if len(stream.offsets) == 1:
        raise UnrollError(
            f"{source}: the {split} split is empty; give it a larger share (corpora.*.splits), "
            "cut smaller documents (corpora.*.documents: paragraph or line), or bring more text"
        )
    tokens = len(stream.tokens)
    # an epoch may drop n - 1 tokens, and n and a last target must be left
    if side in ("text", "value") and split == "train" and tokens < 2 * data.sequence_length:
        raise UnrollError(
            f"{source}: the train split has {tokens} tokens, too few for a subsequence and its targets in every epoch; "
            f"set tokens.{data.name}.sequence_length to {tokens // 2} or less (it is {data.sequence_length}), or bring "
            "more text"
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
    labels = json.loads(path.read_text(encoding="utf-8")) if (path := folder / LABELS).exists() else {}
    return Data(streams=streams, labels=labels, **{name: plan[name] for name in PLANNED})
