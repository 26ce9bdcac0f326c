"""Stage clean: raw files to one Parquet file of clean documents with their splits, and what was dropped and why."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from unroll.errors import UnrollError
from unroll.params.corpora import Corpus
from unroll.text import document_table
from unroll.text.first_pass import UNCLEANED, Codes, Draft
from unroll.text.splits import SPLITS


def clean(params: Corpus, raw_folder: Path, out: Path) -> dict[str, Any]:
    """Write the clean documents of `raw_folder` to `out` and return the counts: {"splits": {split: {"documents" (of a
    series: observations), "characters", "bytes" (UTF-8)}}, "dropped", "changed", "duplicates": {reason: count}}; of
    pairs also "identical_sides".

    Two passes, neither with the text in memory: the first cleans into a draft beside `out` and keeps a hash and a
    length of every document (18 bytes), the second gives each its split. Raises UnrollError for what is no text, and
    if a split is left empty.
    """
    path = out.with_name(out.name + ".draft")
    try:
        draft = Draft(params, raw_folder, path)
        codes = draft.splits()
        kept, found = draft.without_duplicates(codes)
        sizes = _publish(draft, codes, kept, out)
    finally:
        path.unlink(missing_ok=True)
    counts = {
        "splits": sizes,
        "dropped": _sorted(draft.dropped),
        "changed": _sorted(draft.changed),
        "duplicates": found,
    }
    _refuse_empty_splits(raw_folder.name, counts, draft.is_series)
    if draft.is_pairs:
        _refuse_copies(raw_folder.name, draft)
        counts["identical_sides"] = draft.identical
    return counts


def _publish(draft: Draft, codes: Codes, kept: NDArray[np.bool_], out: Path) -> dict[str, dict[str, int]]:
    """The second pass: the draft's documents with their splits; returns the sizes."""
    names, cuts = pa.array(SPLITS), draft.cuts(codes)
    sizes = {split: {"documents": 0, "characters": 0, "bytes": 0} for split in SPLITS}
    first = 0
    with document_table.Writer(out, draft.fields) as file:
        for table in document_table.tables(draft.path):
            rows = slice(first, first + table.num_rows)
            table = table.set_column(1, table.schema.field(1), names.take(pa.array(codes[rows]))).filter(kept[rows])
            for row in sorted((row for row in cuts if rows.start <= row < rows.stop and kept[row]), reverse=True):
                table = _cut(table, int(kept[rows.start : row].sum()), cuts[row])
            first = rows.stop
            file.write_table(table)
            _measure(table, draft.fields, sizes)
    return sizes


def _cut(table: pa.Table, row: int, places: list[int]) -> pa.Table:
    """`table` with the text of `row` cut at `places`, every part in a later split than the one before."""
    name, split, text = (column[row].as_py() for column in table.columns)
    parts = [text[a:b] for a, b in zip([0, *places], [*places, None], strict=True)]
    begin = SPLITS.index(split)
    columns = [[name] * len(parts), list(SPLITS[begin : begin + len(parts)]), parts]
    pieces = pa.table([pa.array(column) for column in columns], schema=table.schema)
    return pa.concat_tables([table.slice(0, row), pieces, table.slice(row + 1)]).combine_chunks()


def _measure(table: pa.Table, fields: tuple[str, ...], sizes: dict[str, dict[str, int]]) -> None:
    for split, size in sizes.items():
        rows = table.filter(pc.equal(table["split"], split))
        size["documents"] += rows.num_rows
        for name in set(fields).difference(UNCLEANED):
            size["characters"] += pc.sum(pc.utf8_length(rows[name])).as_py() or 0
            size["bytes"] += pc.sum(pc.binary_length(rows[name])).as_py() or 0


def _sorted(counts: Counter[str]) -> dict[str, int]:
    return {reason: counts[reason] for reason in sorted(counts) if counts[reason]}


def _refuse_copies(name: str, draft: Draft) -> None:
    if draft.identical == len(draft.keys):
        raise UnrollError(
            f"corpora.{name}: source and target are the same text in all {draft.identical} pairs; write the "
            "translation behind the tab of each line"
        )


def _refuse_empty_splits(name: str, counts: dict[str, Any], is_series: bool) -> None:
    sizes = {split: size["documents"] for split, size in counts["splits"].items()}
    total = sum(sizes.values())
    if not total or not (is_series or any(size["characters"] for size in counts["splits"].values())):
        raise UnrollError(
            f"corpora.{name}: nothing is left after cleaning (dropped: {counts['dropped'] or 'nothing'}); "
            "bring a text with words in it"
        )
    if empty := [split for split in SPLITS if not sizes[split]]:
        raise UnrollError(
            f"corpora.{name}: the {' and the '.join(empty)} split {'is' if len(empty) == 1 else 'are'} empty, since "
            f"there {'is only 1 document' if total == 1 else f'are only {total} documents'}; cut smaller documents "
            "(documents: line or paragraph), give larger shares (splits) or bring more text"
        )
