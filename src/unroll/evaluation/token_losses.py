"""The loss of every token of a test text: a table, its Parquet file, and the gain of one model over another.

Columns: `document` and `position` (of the token in its document), `token` (its id), `surface` (its spelling),
`train_count` (its count in the train split), `nll` (-log p of the model in nats), `cache_nll` (of the model mixed with
a cache) and `dynamic_nll` (by dynamic evaluation). There is a row for each predicted token, `<eos>` included, in the
order of the text. The file has Zstandard compression and page checksums, and its bytes depend only on the numbers.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from unroll.errors import UnrollError
from unroll.models.base.protocol import LogProbs
from unroll.text.streams import Ids
from unroll.text.token_store import number_array, string_array

FILE = "losses.parquet"
ROWS = 1 << 16
SURFACE = "surface"
Column = NDArray


def table(
    documents: Sequence[Ids],
    log_probs: Mapping[str, Sequence[LogProbs]],
    train_counts: Column,
    spell: Callable[[int], str],
) -> dict[str, Column]:
    """Make the table of losses.

    Args:
        documents: The test documents, with `<eos>`.
        log_probs: Log-probabilities of their tokens, by the name of the column.
        train_counts: The counts (V,) of the tokens in the train split.
        spell: A function that returns the spelling of a token id.

    Returns:
        The columns by name.
    """
    tokens = _concatenate(documents).astype(np.int32)
    columns: dict[str, Column] = {
        "document": np.repeat(np.arange(len(documents), dtype=np.int32), [len(d) for d in documents]),
        "position": _concatenate([np.arange(len(document), dtype=np.int32) for document in documents]).astype(np.int32),
        "token": tokens,
    }
    spellings = np.full(len(train_counts), "", dtype=object)
    for token in np.unique(tokens):
        spellings[token] = spell(int(token))
    columns[SURFACE] = spellings[tokens]
    columns["train_count"] = train_counts[tokens].astype(np.int32)
    return columns | {name: -_concatenate(values).astype(np.float64) for name, values in log_probs.items()}


def write(columns: Mapping[str, Column], path: Path) -> None:
    """Write a table to the file `path`."""
    arrays = {
        name: _encode_strings(values) if name == SURFACE else number_array(values) for name, values in columns.items()
    }
    pq.write_table(
        pa.table(arrays), path, compression="zstd", row_group_size=ROWS, write_page_checksum=True, store_schema=False
    )


def _encode_strings(values: Column) -> pa.ChunkedArray:
    """Return strings as an Arrow array with a dictionary. They are encoded in parts, which bounds memory."""
    parts = [string_array(values[first : first + ROWS].tolist()) for first in range(0, len(values), ROWS)]
    return pa.chunked_array(parts, pa.string()).dictionary_encode()


def read(path: Path) -> dict[str, Column]:
    """Read the table of the file `path`.

    Args:
        path: The file that `write` wrote.

    Returns:
        The columns by name.

    Raises:
        UnrollError: The file is missing or damaged.
    """
    try:
        content = pq.read_table(path, page_checksum_verification=True)
    except (OSError, pa.ArrowInvalid) as error:
        raise UnrollError(f"{path}: the losses are not readable ({error}); run `dvc repro` for this model") from None
    return {
        name: np.array(content[name].to_pylist(), dtype=object) if name == SURFACE else content[name].to_numpy()
        for name in content.column_names
    }


def _concatenate(arrays: Sequence[NDArray]) -> Column:
    return np.concatenate(arrays) if arrays else np.empty(0)


@dataclass(frozen=True)
class TokenGain:
    """The losses of two models on one token of the vocabulary, in nats."""

    surface: str
    count: int
    """The number of times that the token occurs in the test text."""
    gain: float
    """The total loss of the second model minus that of the first."""
    first_nll: float
    """The mean loss of the first model."""
    second_nll: float
    """The mean loss of the second model."""


def token_gains(first: Mapping[str, Column], second: Mapping[str, Column]) -> list[TokenGain]:
    """Compare two models token by token of the vocabulary.

    Args:
        first: The table of losses of the first model (`unroll.evaluation.token_losses`).
        second: The table of losses of the second model on the same text.

    Returns:
        A row for every token of the test text, the largest gain of the first model first. Test tokens with an infinite
        loss are left out.
    """
    finite = np.isfinite(first["nll"]) & np.isfinite(second["nll"])
    _, index, code, counts = np.unique(
        first["token"][finite], return_index=True, return_inverse=True, return_counts=True
    )
    totals = [np.bincount(code, table["nll"][finite]) for table in (first, second)]
    surfaces = first["surface"][finite][index]
    rows = [
        TokenGain(str(surface), int(n), float(b - a), float(a / n), float(b / n))
        for surface, n, a, b in zip(surfaces, counts, *totals, strict=True)
    ]
    return sorted(rows, key=lambda row: -row.gain)
