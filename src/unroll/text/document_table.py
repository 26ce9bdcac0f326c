"""The table of clean documents that stage clean writes: Parquet with the columns document, split, then the fields.

The same documents give the same bytes: row groups have fixed sizes, and the file holds no metadata of pandas or of the
machine. Page checksums turn a flipped bit into an error.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from unroll.errors import UnrollError

MAX_ROWS, MAX_CHARACTERS = 8192, 2_000_000
"""A row group ends with the document that reaches either limit."""
SHARD_GROUPS = 8
"""The number of row groups that one worker reads at a time."""
CORPUS = "corpus"
"""The key of the metadata of a table."""
VALUE = "value"
"""The field of a series with one column of values. With several, each has a field such as `value:level`."""


def value_fields(columns: Sequence[str]) -> tuple[str, ...]:
    """Return the names of the fields of the columns of values of a series."""
    return (VALUE,) if len(columns) <= 1 else tuple(f"{VALUE}:{column}" for column in columns)


def is_value(field: str) -> bool:
    """Return whether a field is a number of a series, not a string."""
    return field == VALUE or field.startswith(f"{VALUE}:")


def column_of(field: str) -> str:
    """Return the name of the column that a field of values is from; `value` if there is one column only."""
    return field.removeprefix(f"{VALUE}:")


def is_series(fields: Iterable[str]) -> bool:
    """Return whether fields are those of the observations of a series."""
    return any(map(is_value, fields))


def schema(columns: Iterable[str], metadata: Mapping[str, str] | None = None) -> pa.Schema:
    """Return the schema of a table with these columns."""
    return pa.schema([(name, pa.float64() if is_value(name) else pa.string()) for name in columns], metadata)


def is_full(rows: Any, characters: Any) -> Any:
    """Return whether a row group of this size is complete; sizes may be numbers or arrays."""
    return (rows >= MAX_ROWS) | (characters >= MAX_CHARACTERS)


class TableWriter:
    """Writes documents to a table, one row group at a time."""

    def __init__(self, path: Path, fields: Iterable[str], corpus: Mapping[str, Any]) -> None:
        """Create the file.

        Args:
            path: The file.
            fields: The names of the columns after document and split.
            corpus: The description of the corpus, JSON values that are stored with the table.
        """
        columns = schema(("document", "split", *fields), {CORPUS: json.dumps(corpus)})
        self._file = pq.ParquetWriter(path, columns, compression="zstd", write_page_checksum=True)

    def write_row_group(self, table: pa.Table) -> None:
        """Append a table as one row group. An empty table writes nothing."""
        if table.num_rows:
            self._file.write_table(table, row_group_size=table.num_rows)

    def __enter__(self) -> "TableWriter":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


@dataclass(frozen=True)
class TableShard:
    """A range of row groups of a table of clean documents."""

    path: Path
    """The table."""
    first: int
    """The first row group."""
    last: int
    """The row group behind the last one."""


def divide(path: Path) -> list[TableShard]:
    """Divide a table into shards of `SHARD_GROUPS` row groups.

    Args:
        path: The table of clean documents.

    Returns:
        The shards in order.

    Raises:
        UnrollError: The file is missing or damaged.
    """
    with _open(path) as file:
        groups = file.num_row_groups
    firsts = range(0, groups, SHARD_GROUPS)
    return [TableShard(path.absolute(), first, min(first + SHARD_GROUPS, groups)) for first in firsts]


def read_row_groups(path: Path) -> Iterator[pa.Table]:
    """Yield the row groups of a table in order.

    Args:
        path: The table of clean documents.

    Yields:
        A row group.

    Raises:
        UnrollError: The file is missing or damaged.
    """
    for shard in divide(path):
        yield from read_shard(shard)


def read_shard(shard: TableShard) -> Iterator[pa.Table]:
    """Yield the row groups of a shard in order.

    Args:
        shard: The shard.

    Yields:
        A row group.

    Raises:
        UnrollError: The file is missing or damaged.
    """
    with _open(shard.path) as file:
        for group in range(shard.first, shard.last):
            yield file.read_row_group(group, use_threads=False)  # one thread needs less memory


@contextmanager
def _open(path: Path) -> Iterator[pq.ParquetFile]:
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            yield file
    except FileNotFoundError:
        raise UnrollError(f"{path}: the file does not exist; run `dvc repro` first") from None
    except (pa.ArrowInvalid, OSError) as error:
        raise UnrollError(f"{path}: damaged ({error}); run `dvc repro -f` for this corpus") from None


def field_names(path: Path) -> tuple[str, ...]:
    """Return the names of the columns after document and split."""
    with pq.ParquetFile(path) as file:
        return tuple(file.schema_arrow.names[2:])


def read_corpus(path: Path) -> dict[str, Any]:
    """Return the description of the corpus that is stored with a table."""
    with pq.ParquetFile(path) as file:
        return json.loads(file.schema_arrow.metadata[CORPUS.encode()])
