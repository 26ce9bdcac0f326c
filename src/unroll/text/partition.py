"""Stage partition: from token ids to the streams of every split."""

import json
from pathlib import Path

import numpy as np

from unroll.params.tokenizers import TokenizerParams
from unroll.text.streams import LABELS, SPLITS, Data, Stream, lay_out, token_type, write_plan
from unroll.text.token_store import read_batches, read_labels


def partition(params: TokenizerParams, name: str, seed: int, tokens: Path, folder: Path) -> None:
    """Write the token ids of all splits as streams. Only one batch of documents is in memory at a time.

    Args:
        params: The entry of `tokenizers` in params.yaml.
        name: The key of this entry.
        seed: The global random seed, which is stored with the data.
        tokens: The folder that stage tokenize wrote.
        folder: The existing, empty folder to write to.

    Raises:
        UnrollError: A split is too small to be used.
    """
    counts = json.loads((tokens / "counts.json").read_text(encoding="utf-8"))
    sizes = {side: counts.get(f"{side}_vocabulary_size", counts["vocabulary_size"]) for side in counts["train"]}
    streams = {
        split: {side: _stream(folder, split, side, tokens / f"{split}.arrow", size) for side, size in sizes.items()}
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
    write_plan(folder, data, f"tokenizers.{name}")


def _labels(tokens: Path, folder: Path) -> dict[str, list[str]]:
    """Copy the labels of a labelled corpus into the folder, and return them by split."""
    labels = {split: read_labels(tokens / f"{split}.arrow") for split in SPLITS}
    if not any(labels.values()):
        return {}
    (folder / LABELS).write_text(json.dumps(labels, ensure_ascii=False) + "\n", encoding="utf-8")
    return labels


def _stream(folder: Path, split: str, side: str, source: Path, vocabulary_size: int) -> Stream:
    """Write one side of a split, the column `side` of the Arrow file `source`."""
    lengths = [np.diff(offsets) + 2 for _, offsets in read_batches(source, side)]
    offsets = np.concatenate([[0], *lengths]).cumsum()
    shape = (int(offsets[-1]),)
    tokens = np.lib.format.open_memmap(folder / f"{split}.{side}.npy", "w+", token_type(vocabulary_size), shape)
    first = 0
    for values, inside in read_batches(source, side):
        last = first + len(values) + 2 * (len(inside) - 1)
        lay_out(tokens[first:last], values, inside)
        first = last
    tokens.flush()
    np.save(folder / f"{split}.{side}.offsets.npy", offsets)
    return Stream(tokens, offsets)
