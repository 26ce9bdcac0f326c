"""The files between tokenize and partition: per split one Arrow file (IPC, uncompressed, opened by memory map)."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from unroll.errors import UnrollError
from unroll.text.arrow import numbers
from unroll.text.splits import SPLITS

LABEL = "label"
IDS, VALUES = pa.list_(pa.int32()), pa.list_(pa.float32())
Column = tuple[NDArray[Any], NDArray[np.int64]]
"""Documents end to end, and offsets: document i is values[offsets[i]:offsets[i + 1]]."""


class Writer:
    """One file per split, open at the same time, since the splits of a corpus are interleaved."""

    def __init__(self, folder: Path, schema: pa.Schema) -> None:
        self._schema = schema
        self._files = {split: pa.ipc.new_file(str(folder / f"{split}.arrow"), schema) for split in SPLITS}

    def write(self, split: str, columns: list[pa.Array]) -> None:
        """A batch of documents, a column per field of the schema."""
        self._files[split].write_batch(pa.record_batch(columns, schema=self._schema))

    def __enter__(self) -> "Writer":
        return self

    def __exit__(self, *_: object) -> None:
        for file in self._files.values():
            file.close()


def array(values: NDArray[Any], lengths: list[int]) -> pa.ListArray:
    """Documents end to end as an Arrow column."""
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    return pa.ListArray.from_arrays(numbers(offsets), numbers(values))


def sides(path: Path) -> list[str]:
    """The columns of ids or values of a file."""
    with pa.memory_map(str(path)) as source:
        return [name for name in pa.ipc.open_file(source).schema.names if name != LABEL]


def read(path: Path, side: str) -> Iterator[Column]:
    """One column, a batch at a time; nothing is copied."""
    try:
        with pa.memory_map(str(path)) as source:
            file = pa.ipc.open_file(source)
            for number in range(file.num_record_batches):
                column = file.get_batch(number).column(side)
                # Not by `to_numpy`, which imports pandas: see unroll.text.arrow.
                offsets = np.from_dlpack(column.offsets).astype(np.int64)
                yield np.from_dlpack(column.values)[offsets[0] : offsets[-1]], offsets - offsets[0]
    except (OSError, pa.ArrowInvalid, pa.ArrowTypeError) as error:  # DLPack's refusal of nulls is the last
        raise UnrollError(f"{path}: unreadable ({error}); run `dvc repro -f` for these tokens") from None


def labels(path: Path) -> list[str]:
    """The label of every document; none where the corpus is not labelled."""
    try:
        with pa.memory_map(str(path)) as source:
            table = pa.ipc.open_file(source).read_all()
            return list(table[LABEL].to_pylist()) if LABEL in table.column_names else []
    except (OSError, pa.ArrowInvalid) as error:
        raise UnrollError(f"{path}: unreadable ({error}); run `dvc repro -f` for these tokens") from None
