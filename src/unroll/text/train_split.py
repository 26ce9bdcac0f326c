"""The texts of the train split, which a tokenizer is learned from, in the shards of the table of clean documents."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path

from unroll.shards import map_shards
from unroll.text import document_table
from unroll.text.tokenizers.base import Key


class TrainSplit:
    """The texts of the train split. Each iteration reads them from the table."""

    def __init__(self, clean: Path, sides: Sequence[str]) -> None:
        """Set the table of clean documents and the columns to read."""
        self.clean, self.sides = clean, sides

    def __iter__(self) -> Iterator[str]:
        for shard in document_table.divide(self.clean):
            yield from _train_texts(self.sides, shard)

    def count(self, function: Callable[[Iterable[str]], Counter[Key]]) -> Counter[Key]:
        """Count something in each shard, and return the sum of the counts."""
        total = Counter[Key]()
        with map_shards(partial(_count_shard, function, self.sides), document_table.divide(self.clean)) as counts:
            for count in counts:
                total.update(count)
        return total


def _train_texts(sides: Sequence[str], shard: document_table.TableShard) -> Iterator[str]:
    for _, rows in read_splits(shard, ["train"]):
        for side in sides:
            yield from rows[side]


def _count_shard(
    function: Callable[[Iterable[str]], Counter[Key]], sides: Sequence[str], shard: document_table.TableShard
) -> Counter[Key]:
    return function(_train_texts(sides, shard))


def read_splits(shard: document_table.TableShard, splits: Sequence[str]) -> Iterator[tuple[str, dict[str, list[str]]]]:
    """Yield batches of documents of one split.

    Args:
        shard: The shard of the table of clean documents.
        splits: The splits to read.

    Yields:
        A split, and the texts of the documents of a row group that belong to it, by column. Lists need less memory than
        the kernels of Arrow.
    """
    for table in document_table.read_shard(shard):
        row_splits = table["split"].to_pylist()
        columns = {name: table[name].to_pylist() for name in table.column_names[2:]}
        for split in splits:
            if split in row_splits:
                yield (
                    split,
                    {
                        name: [text for text, row_split in zip(texts, row_splits, strict=True) if row_split == split]
                        for name, texts in columns.items()
                    },
                )
