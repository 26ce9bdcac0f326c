"""The draft of a corpus: the cleaned documents of each shard in files of its own, before splits are known.

A shard has a table of the texts (Arrow IPC) and an array of what splits and duplicates are decided by. Both are read as
streams, so no part of the corpus stays in memory.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from unroll.params.corpora import Corpus
from unroll.text import document_table, records
from unroll.text.cleaner import Cleaner, cleaner_settings, read_setting
from unroll.text.raw_shards import RawShard
from unroll.text.splits import hash_text
from unroll.text.streams import SPLITS
from unroll.text.tagged.cleaning import clean_tokens

DOCUMENT = np.dtype([("hash", "u8"), ("length", "i8"), ("cells", "i8"), ("split", "i1"), ("divisible", "?")])
"""What the draft knows of a document: the hash of its text, or of the source sentence of a pair; the number of
characters, 1 for an observation of a series; that with its name; the split code, -1 if the source does not define
splits; and whether a split may begin inside it."""
Documents = NDArray[np.void]
"""(N,) documents of type `DOCUMENT`."""
CELLS = 2
"""The position of `cells` in `DOCUMENT`."""
Fact = tuple[int, int, int, int, bool]
"""One document of type `DOCUMENT`."""
Row = tuple[str, ...]
"""The cells of a document: its name and its fields."""
OPTIONS = pa.ipc.IpcWriteOptions(compression="lz4")


@dataclass
class Draft:
    """The files of a shard, and its counts."""

    path: Path
    """The files without their suffixes."""
    documents: int = 0
    """The number of documents."""
    characters: int = 0
    """The sum of their lengths."""
    divisible: bool = False
    """Whether a split may begin inside one of them."""
    without_split: bool = False
    """Whether the source does not define the split of one of them."""
    dropped: Counter[str] = field(default_factory=Counter)
    """The number of dropped documents, by reason."""
    changed: Counter[str] = field(default_factory=Counter)
    """The number of changed characters and divided documents, by reason."""
    identical_sides: int = 0
    """The number of pairs whose source and target are equal, such as "Stop!" in English and Dutch."""

    def read_documents(self) -> Documents:
        """Return what is known of the documents (N,)."""
        return np.fromfile(self.path.with_suffix(".documents"), DOCUMENT)

    def read_batches(self) -> Iterator[pa.Table]:
        """Yield the tables of the texts in order. The columns are the name and the fields."""
        with pa.OSFile(str(self.path.with_suffix(".arrow"))) as source, pa.ipc.open_file(source) as file:
            for number in range(file.num_record_batches):
                yield pa.Table.from_batches([file.get_batch(number)])


def is_text(field: str) -> bool:
    """Return whether a field is text, which is cleaned and counted."""
    return field not in ("label", "tags", "time") and not document_table.is_value(field)


def hashed_field(fields: tuple[str, ...]) -> int:
    """Return the index of the field by which documents are compared: the text, or the source sentence of a pair."""
    return 0 if fields[0] == "source" else -1


def clean_shard(params: Corpus, folder: Path, drafts: Path, fields: tuple[str, ...], shard: RawShard) -> Draft:
    """Clean the records of a shard, and write its draft.

    Args:
        params: The entry of `corpora` in params.yaml.
        folder: The raw folder, which has the name of the corpus.
        drafts: The folder to write to. Each call writes files of its own, also for a shard that is processed twice.
        fields: The names of the fields of a record.
        shard: The shard.

    Returns:
        The draft.

    Raises:
        UnrollError: A raw file is unreadable or has the wrong format.
    """
    cleaner = Cleaner(**cleaner_settings(params))
    draft = Draft(drafts / uuid4().hex, changed=cleaner.removed)
    schema = document_table.schema(("document", *fields))
    with (
        pa.ipc.new_file(str(draft.path.with_suffix(".arrow")), schema, options=OPTIONS) as table,
        draft.path.with_suffix(".documents").open("wb") as file,
    ):
        for facts, rows in _batches(_clean_records(params, folder, fields, shard, cleaner, draft)):
            table.write_batch(_record_batch(rows, schema))
            documents = np.array(facts, DOCUMENT)
            documents.tofile(file)
            draft.documents += len(documents)
            draft.characters += int(documents["length"].sum())
            draft.divisible |= bool(documents["divisible"].any())
            draft.without_split |= bool((documents["split"] < 0).any())
    return draft


def _clean_records(
    params: Corpus, folder: Path, fields: tuple[str, ...], shard: RawShard, cleaner: Cleaner, draft: Draft
) -> Iterator[tuple[Fact, Row]]:
    """Yield what is known of each document that is kept, and its row. What happens to records is counted."""
    home, series, cleaned = None, document_table.is_series(fields), frozenset(filter(is_text, fields))
    for record in records.read_records(params, folder, shard):
        if "tags" in fields:
            words, labels = (record.fields[name].split("\t") for name in ("text", "tags"))
            tokens, tags = clean_tokens(cleaner, words, labels, draft.changed)
            texts = [" ".join(tags), " ".join(tokens)]
        else:
            texts = [cleaner(text) if name in cleaned else text for name, text in record.fields.items()]
        if not record.continues:
            home = None
        if not _keep(params, record, texts, draft):
            continue
        # All parts of a long document have the hash of the first one, so that they are assigned to the same split.
        home = hash_text(texts[hashed_field(fields)]) if home is None else home
        characters = sum(map(len, texts))
        length = 1 if series else characters
        split = SPLITS.index(record.split) if record.split else -1
        draft.identical_sides += fields[0] == "source" and texts[0] == texts[1]
        draft.changed["missing_values"] += texts.count(records.MISSING) if series else 0
        yield (home, length, len(record.name) + characters, split, record.divisible), (record.name, *texts)


def _batches(documents: Iterable[tuple[Fact, Row]]) -> Iterator[tuple[list[Fact], list[Row]]]:
    facts: list[Fact] = []
    rows: list[Row] = []
    size = 0
    for fact, row in documents:
        facts.append(fact)
        rows.append(row)
        size += fact[CELLS]
        if document_table.is_full(len(rows), size):
            yield facts, rows
            facts, rows, size = [], [], 0
    if rows:
        yield facts, rows


def _keep(params: Corpus, record: records.Record, texts: list[str], draft: Draft) -> bool:
    """Count what was changed in a record, and return whether it is kept. Otherwise it is counted as dropped."""
    if read_setting(params, "errors") == "replace":
        draft.changed["replaced_bytes"] += sum(text.count("\ufffd") for text in texts)
    for reason, count in record.changed.items():
        draft.changed[reason] += count
    if record.continues:
        draft.changed["cuts_in_long_documents"] += 1
    if not all(texts) and (params.empty == "drop" or len(texts) > 1):
        draft.dropped["empty"] += 1
    elif len(texts) > 1 and max(map(len, texts)) > params.max_characters:
        draft.dropped["too_long"] += 1
    else:
        return True
    return False


def _record_batch(rows: list[Row], schema: pa.Schema) -> pa.RecordBatch:
    columns = zip(*rows, strict=True)
    return pa.record_batch(
        [pa.array(column, pa.string()).cast(field.type) for column, field in zip(columns, schema, strict=True)],
        schema=schema,
    )


def regroup(batches: Iterable[tuple[pa.Table, NDArray[np.int64]]]) -> Iterator[pa.Table]:
    """Divide documents into row groups, which end where `document_table.is_full` says, wherever a shard ends.

    Args:
        batches: The documents in batches, each with the number of characters (N,) of every row.

    Yields:
        A row group.
    """
    parts: list[pa.Table] = []
    rows = size = 0
    for table, cells in batches:
        first = 0
        while first < len(cells):
            total = size + np.cumsum(cells[first:])
            full = document_table.is_full(rows + 1 + np.arange(len(total)), total)
            count = int(full.argmax()) + 1 if full.any() else len(total)
            parts.append(table.slice(first, count))
            rows, size, first = rows + count, int(total[count - 1]), first + count
            if full.any():
                yield pa.concat_tables(parts).combine_chunks()
                parts, rows, size = [], 0, 0
    if parts:
        yield pa.concat_tables(parts).combine_chunks()
