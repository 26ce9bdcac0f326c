"""The files that stage tokenize writes: token ids (Arrow IPC) and token frequencies (Parquet)."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from unroll.errors import UnrollError
from unroll.text.streams import SPLITS
from unroll.text.tokenizers.base import Tokenizer

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
        self._files = {split: pa.ipc.new_file(str(folder / f"{split}.arrow"), schema) for split in SPLITS}

    def write_batch(self, split: str, batch: pa.RecordBatch) -> None:
        """Append a batch of documents with the columns of the schema."""
        self._files[split].write_batch(batch)

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


def read_batches(path: Path, side: str) -> Iterator[Batch]:
    """Yield the batches of one column of token ids.

    Args:
        path: The file of a split.
        side: The name of the column.

    Yields:
        The documents of a batch. Only one batch is in memory.

    Raises:
        UnrollError: The file is missing or damaged.
    """
    try:
        with pa.OSFile(str(path)) as source:
            file = pa.ipc.open_file(source)
            for number in range(file.num_record_batches):
                column = file.get_batch(number).column(side)
                # DLPack does not import pandas; `to_numpy` does.
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


Frequencies = dict[str, NDArray[np.int64]]
"""The number of occurrences of each token (V,), by split. `<pad>`, `<bos>` and `<eos>` do not occur."""


def zero_frequencies(vocabulary_size: int) -> Frequencies:
    """Return frequencies of 0 for each split and token."""
    return {split: np.zeros(vocabulary_size, np.int64) for split in SPLITS}


def write_frequencies(path: Path, tokenizer: Tokenizer, frequencies: Frequencies) -> None:
    """Write a Parquet table with one row per token and the columns token (id), spelling, train, valid and test."""
    ids = np.arange(tokenizer.vocabulary_size, dtype=np.int32)
    spellings = string_array([tokenizer.id_to_token(int(token)) for token in ids])
    counts = {split: number_array(frequencies[split]) for split in SPLITS}
    columns = {"token": number_array(ids), "spelling": spellings} | counts
    pq.write_table(pa.table(columns), path, compression="zstd", write_page_checksum=True)


def read_rank_frequencies(path: Path) -> NDArray[np.int64]:
    """Read the frequencies (R,) of the R tokens that occur in the train split, in descending order."""
    counts = pq.read_table(path, columns=["train"])["train"].to_numpy()
    return np.sort(counts[counts > 0])[::-1]


def number_array(values: NDArray[Any]) -> pa.Array:
    """Return numbers (N,) as an Arrow array. A contiguous array is not copied."""
    values = np.ascontiguousarray(values)
    return pa.Array.from_buffers(pa.from_numpy_dtype(values.dtype), len(values), [None, pa.py_buffer(values)])


def string_array(values: Sequence[str]) -> pa.StringArray:
    """Return strings as an Arrow array. Their UTF-8 encoding must be shorter than 2 GiB in total."""
    encoded = [value.encode() for value in values]
    offsets = np.cumsum([0, *map(len, encoded)], dtype=np.int32)
    return pa.StringArray.from_buffers(len(values), pa.py_buffer(offsets), pa.py_buffer(b"".join(encoded)))
