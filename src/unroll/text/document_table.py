"""The file between clean and tokenize: Parquet with the columns document, split, then the fields.

Zstandard, page checksums (a flipped bit is an error, not other data), row groups of a fixed size, nothing of pandas or
of this machine: the same records give the same bytes.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType

import pyarrow as pa
import pyarrow.parquet as pq

from unroll.errors import UnrollError

ROWS, CHARACTERS = 8192, 2_000_000
"""A row group ends with the document that reaches either."""
NUMBERS = {"value": pa.float64()}
"""The fields that are no text."""


class Writer:
    """Documents into a cleaned file, a row group at a time."""

    def __init__(self, path: Path, fields: Iterable[str]) -> None:
        self.columns = ("document", "split", *fields)
        self._schema = pa.schema([(name, NUMBERS.get(name, pa.string())) for name in self.columns])
        self._file = pq.ParquetWriter(path, self._schema, compression="zstd", write_page_checksum=True)
        self._rows: list[tuple[str | None, ...]] = []
        self._characters = 0

    def write(self, row: tuple[str | None, ...]) -> None:
        """`row` as in `columns`."""
        self._rows.append(row)
        self._characters += sum(len(cell) for cell in row if cell)
        if len(self._rows) >= ROWS or self._characters >= CHARACTERS:
            self._flush()

    def write_table(self, table: pa.Table) -> None:
        """A row group of its own, unless it is empty."""
        if table.num_rows:
            self._file.write_table(table, row_group_size=table.num_rows)

    def _flush(self) -> None:
        columns = zip(*self._rows, strict=True) if self._rows else ((),) * len(self.columns)
        texts = [pa.array(column, pa.string()) for column in columns]
        self.write_table(
            pa.table([a.cast(field.type) for a, field in zip(texts, self._schema, strict=True)], self._schema)
        )
        self._rows, self._characters = [], 0

    def __enter__(self) -> "Writer":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._flush()
        self._file.close()


def tables(path: Path) -> Iterator[pa.Table]:
    """The file's row groups, in order; damage is an UnrollError."""
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            for group in range(file.num_row_groups):
                yield file.read_row_group(group, use_threads=False)  # a quarter of the memory
    except FileNotFoundError:
        raise UnrollError(f"{path}: not there; run `dvc repro` first") from None
    except (pa.ArrowInvalid, OSError) as error:
        raise UnrollError(f"{path}: damaged ({error}); run `dvc repro -f` for this corpus") from None


def fields(path: Path) -> tuple[str, ...]:
    """The columns after document and split."""
    with pq.ParquetFile(path) as file:
        return tuple(file.schema_arrow.names[2:])
