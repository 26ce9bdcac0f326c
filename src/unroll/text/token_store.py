"""The token ids that stage tokenize writes: one Arrow file (IPC, uncompressed) per split, read by memory map."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from unroll.errors import UnrollError
from unroll.text.arrow import number_array
from unroll.text.streams import SPLITS

LABEL = "label"
TOKEN_IDS = pa.list_(pa.int32())
"""The type of a column of token ids: one list per document."""
Batch = tuple[NDArray[Any], NDArray[np.int64]]
"""Documents end to end, and offsets: document i is values[offsets[i]:offsets[i + 1]]."""


class TokenWriter:
    """Writes one file per split. All files are open at the same time, since documents of all splits are interleaved."""

    def __init__(self, folder: Path, schema: pa.Schema) -> None:
        """Create the files.

        Args:
            folder: The existing folder.
            schema: The columns: one of type `TOKEN_IDS` per side, and `label` if the corpus has labels.
        """
        self._schema = schema
        self._files = {split: pa.ipc.new_file(str(folder / f"{split}.arrow"), schema) for split in SPLITS}

    def write_batch(self, split: str, columns: list[pa.Array]) -> None:
        """Append a batch of documents, with the columns in the order of the schema."""
        self._files[split].write_batch(pa.record_batch(columns, schema=self._schema))

    def __enter__(self) -> "TokenWriter":
        return self

    def __exit__(self, *_: object) -> None:
        for file in self._files.values():
            file.close()


def list_array(values: NDArray[Any], lengths: list[int]) -> pa.ListArray:
    """Return documents as an Arrow column.

    Args:
        values: The token ids of all documents end to end.
        lengths: The number of token ids of each document.

    Returns:
        One list per document.
    """
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    return pa.ListArray.from_arrays(number_array(offsets), number_array(values))


def side_names(path: Path) -> list[str]:
    """Return the names of the columns of token ids."""
    with pa.memory_map(str(path)) as source:
        return [name for name in pa.ipc.open_file(source).schema.names if name != LABEL]


def read_batches(path: Path, side: str) -> Iterator[Batch]:
    """Yield the batches of one column of token ids.

    Args:
        path: The file of a split.
        side: The name of the column.

    Yields:
        The documents of a batch, without a copy of the values.

    Raises:
        UnrollError: The file is missing or damaged.
    """
    try:
        with pa.memory_map(str(path)) as source:
            file = pa.ipc.open_file(source)
            for number in range(file.num_record_batches):
                column = file.get_batch(number).column(side)
                # DLPack does not import pandas; `to_numpy` does: see unroll.text.arrow.
                offsets = np.from_dlpack(column.offsets).astype(np.int64)
                yield np.from_dlpack(column.values)[offsets[0] : offsets[-1]], offsets - offsets[0]
    except (OSError, pa.ArrowInvalid, pa.ArrowTypeError) as error:  # DLPack refuses nulls with an ArrowTypeError
        raise UnrollError(f"{path}: unreadable ({error}); run `dvc repro -f` for this tokenizer") from None


def read_labels(path: Path) -> list[str]:
    """Read the label of every document.

    Args:
        path: The file of a split.

    Returns:
        The labels; an empty list if the corpus has no labels.

    Raises:
        UnrollError: The file is missing or damaged.
    """
    try:
        with pa.memory_map(str(path)) as source:
            table = pa.ipc.open_file(source).read_all()
            return list(table[LABEL].to_pylist()) if LABEL in table.column_names else []
    except (OSError, pa.ArrowInvalid) as error:
        raise UnrollError(f"{path}: unreadable ({error}); run `dvc repro -f` for this tokenizer") from None
