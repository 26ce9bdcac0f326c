"""Stage partition: from token ids to the streams of every split.

This stage copies files and is as fast as the disk. Its shards are the batches of stage tokenize, and one process copies
them in order: other processes would only pass the token ids on.
"""

import json
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from unroll.params.tokenizers import TokenizerParams
from unroll.text.streams import LABELS, SPLITS, Data, Stream, lay_out, token_type, write_plan
from unroll.text.token_store import read_batches, read_labels
from unroll.text.tokenizers.base import SHAPES, TAGS
from unroll.text.tokenizers.loading import load_tokenizer
from unroll.text.tokenizers.vocabulary import SPECIAL


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
        _tags(tokens) if TAGS in sizes else [],
        sizes.get(SHAPES, 0),
    )
    write_plan(folder, data, f"tokenizers.{name}")


def _labels(tokens: Path, folder: Path) -> dict[str, list[str]]:
    """Copy the labels of a labelled corpus into the folder, and return them by split."""
    labels = {split: read_labels(tokens / f"{split}.arrow") for split in SPLITS}
    if not any(labels.values()):
        return {}
    (folder / LABELS).write_text(json.dumps(labels, ensure_ascii=False) + "\n", encoding="utf-8")
    return labels


def _tags(tokens: Path) -> list[str]:
    """Return the tags of a tagged corpus in the order of their ids."""
    tokenizer = load_tokenizer(tokens / "tokenizer.json", side=TAGS)
    return [tokenizer.id_to_token(token) for token in range(len(SPECIAL), tokenizer.vocabulary_size)]


def _stream(folder: Path, split: str, side: str, source: Path, vocabulary_size: int) -> Stream:
    """Write one side of a split, the column `side` of the Arrow file `source`."""
    lengths = [(len(values), len(offsets) - 1) for values, offsets in read_batches(source, side)]
    tokens, documents = np.sum(lengths, axis=0) if lengths else (0, 0)
    type_ = np.dtype(token_type(vocabulary_size))
    paths = folder / f"{split}.{side}.npy", folder / f"{split}.{side}.offsets.npy"
    with paths[0].open("wb") as stream, paths[1].open("wb") as borders:
        _write_header(stream, type_, int(tokens + 2 * documents))
        _write_header(borders, np.dtype(np.int64), int(documents + 1))
        borders.write(np.zeros(1, np.int64).tobytes())
        first = 0
        for values, inside in read_batches(source, side):
            out = np.empty(len(values) + 2 * (len(inside) - 1), type_)
            lay_out(out, values, inside)
            stream.write(out.tobytes())
            borders.write((first + np.cumsum(np.diff(inside) + 2)).tobytes())
            first += len(out)
    return Stream(*(np.load(path, mmap_mode="r") for path in paths))


def _write_header(file: BinaryIO, type_: np.dtype[Any], length: int) -> None:
    """Write the header of an array (length,), whose elements follow. `np.save` would need all of them in memory."""
    header = {"descr": np.lib.format.dtype_to_descr(type_), "fortran_order": False, "shape": (length,)}
    np.lib.format.write_array_header_1_0(file, header)
