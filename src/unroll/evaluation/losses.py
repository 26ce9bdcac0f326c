"""The loss of every token of a test text: a table, and the Parquet file it is kept in.

Columns: `document` and `position` (of the token in its document), `token` (its id), `text` (its spelling), `seen` (how
often the train split has it), `nats` (-log p of the model), where there is a cache `cache_nats` (-log p of the model
mixed with it), and where the model learned as it went `dynamic_nats`. A row per predicted token, `<eos>` included, in
the order of the text. Zstandard, page checksums, nothing of this machine: the same numbers give the same bytes.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from unroll.errors import UnrollError
from unroll.models.protocol import LogProbs
from unroll.partition import Ids
from unroll.text.arrow import numbers, strings

FILE = "losses.parquet"
ROWS = 1 << 16
Column = NDArray


def table(
    documents: Sequence[Ids], scores: Mapping[str, Sequence[LogProbs]], seen: Column, spell: Callable[[int], str]
) -> dict[str, Column]:
    """The columns: `scores` holds log-probabilities by the name of the column that they become; `seen` (V,) counts the
    tokens of the train split; `spell` gives a token's text."""
    tokens = _joined(documents).astype(np.int32)
    columns: dict[str, Column] = {
        "document": np.repeat(np.arange(len(documents), dtype=np.int32), [len(d) for d in documents]),
        "position": _joined([np.arange(len(document)) for document in documents]).astype(np.int32),
        "token": tokens,
    }
    spelled, code = np.unique(tokens, return_inverse=True)
    columns["text"] = np.array([spell(int(token)) for token in spelled], dtype=object)[code]
    columns["seen"] = seen[tokens].astype(np.int32)
    return columns | {name: -_joined(values).astype(np.float64) for name, values in scores.items()}


def _joined(arrays: Sequence[NDArray]) -> Column:
    return np.concatenate(arrays) if arrays else np.empty(0)


def write(columns: Mapping[str, Column], path: Path) -> str:
    """Write a table; the sha256 of the file."""
    arrays = {
        name: strings(values.tolist()).dictionary_encode() if name == "text" else numbers(values)
        for name, values in columns.items()
    }
    pq.write_table(
        pa.table(arrays), path, compression="zstd", row_group_size=ROWS, write_page_checksum=True, store_schema=False
    )
    return hashlib.sha256(path.read_bytes()).hexdigest()


def read(path: Path) -> dict[str, Column]:
    """The table written at `path`."""
    try:
        found = pq.read_table(path, page_checksum_verification=True)
    except (OSError, pa.ArrowInvalid) as error:
        raise UnrollError(f"{path}: no readable losses ({error}); run `dvc repro` for this model") from None
    return {
        name: np.array(found[name].to_pylist(), dtype=object) if name == "text" else found[name].to_numpy()
        for name in found.column_names
    }
