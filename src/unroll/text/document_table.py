"""The table of clean documents that stage clean writes: Parquet with the columns document, split, then the fields.

The same documents give the same bytes: row groups have fixed sizes, and the file holds no metadata of pandas or of the
machine. Page checksums turn a flipped bit into an error.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from unroll.errors import UnrollError

MAX_ROWS, MAX_CHARACTERS = 8192, 2_000_000
"""A row group ends with the document that reaches either limit."""
CORPUS = "corpus"
"""The key of the metadata of a table."""
NUMBERS = {"value": pa.float64()}
"""The types of the fields that are not strings."""


class TableWriter:
    """Writes documents to a table, one row group at a time."""

    def __init__(self, path: Path, fields: Iterable[str], corpus: Mapping[str, Any] | None = None) -> None:
        """Create the file.

        Args:
            path: The file.
            fields: The names of the columns after document and split.
            corpus: The description of the corpus, JSON values that are stored with the table.
        """
        self.columns = ("document", "split", *fields)
        metadata = {CORPUS: json.dumps(corpus)} if corpus else None
        self._schema = pa.schema([(name, NUMBERS.get(name, pa.string())) for name in self.columns], metadata)
        self._file = pq.ParquetWriter(path, self._schema, compression="zstd", write_page_checksum=True)
        self._rows: list[tuple[str | None, ...]] = []
        self._characters = 0

    def write_row(self, row: tuple[str | None, ...]) -> None:
        """Append one document, with the cells in the order of `columns`."""
        self._rows.append(row)
        self._characters += sum(len(cell) for cell in row if cell)
        if len(self._rows) >= MAX_ROWS or self._characters >= MAX_CHARACTERS:
            self._flush()

    def write_row_group(self, table: pa.Table) -> None:
        """Append a table as one row group. An empty table writes nothing."""
        if table.num_rows:
            self._file.write_table(table, row_group_size=table.num_rows)

    def _flush(self) -> None:
        columns = zip(*self._rows, strict=True) if self._rows else ((),) * len(self.columns)
        texts = [pa.array(column, pa.string()) for column in columns]
        arrays = [text.cast(field.type) for text, field in zip(texts, self._schema, strict=True)]
        self.write_row_group(pa.table(arrays, self._schema))
        self._rows, self._characters = [], 0

    def __enter__(self) -> "TableWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._flush()
        self._file.close()


def read_row_groups(path: Path) -> Iterator[pa.Table]:
    """Yield the row groups of a table in order.

    Args:
        path: The table of clean documents.

    Yields:
        A row group.

    Raises:
        UnrollError: The file is missing or damaged.
    """
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            for group in range(file.num_row_groups):
                yield file.read_row_group(group, use_threads=False)  # one thread needs less memory
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
