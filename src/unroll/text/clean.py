"""Stage clean: from raw files to one table of clean documents with their splits, in two passes.

The first pass (`unroll.text.first_pass`) cleans the shards of the raw files into drafts. The second pass adds the
splits and leaves out duplicates. Neither pass holds the text in memory.
"""

import logging
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from unroll.errors import UnrollError
from unroll.params.cleaning import GeneratedCorpus
from unroll.params.corpora import Corpus, SampledCorpus
from unroll.text import document_table
from unroll.text.cleaner import Cleaner, cleaner_settings
from unroll.text.draft import is_text
from unroll.text.first_pass import FirstPass
from unroll.text.manifest import read_manifest
from unroll.text.records import describe_series
from unroll.text.streams import SPLITS

log = logging.getLogger(__name__)


def clean(params: Corpus, raw_folder: Path, out: Path) -> dict[str, Any]:
    """Clean a corpus.

    Args:
        params: The entry of `corpora` in params.yaml.
        raw_folder: The folder that stage download wrote; it has the name of the corpus.
        out: The table of clean documents to write. A temporary folder of drafts is written beside it.

    Returns:
        The counts: {"splits": {split: {"documents" (for a series, observations), "characters", "bytes" (UTF-8)}},
        "dropped", "changed", "duplicates": {reason: count}}; for pairs also "identical_sides", and for a series that
        is not made by the project, "dialect": {file: how it was read}.

    Raises:
        UnrollError: A raw file is not valid text, a split is empty, all pairs have identical sides, or cleaning changes
            the word that stands for unknown words.
    """
    unknown_word = _read_unknown_word(params, raw_folder)
    with TemporaryDirectory(prefix=f"{out.name}.drafts-", dir=out.parent) as drafts:
        first_pass = FirstPass(params, raw_folder, Path(drafts))
        corpus = _describe(params, raw_folder.name) | {"unknown_word": unknown_word}
        sizes = _write_with_splits(first_pass, out, corpus)
    counts: dict[str, Any] = {
        "splits": sizes,
        "dropped": _sort_counts(first_pass.dropped),
        "changed": _sort_counts(first_pass.changed),
        "duplicates": first_pass.duplicates,
    }
    _check_splits(raw_folder.name, counts, first_pass.is_series)
    if first_pass.is_series and not isinstance(params, GeneratedCorpus):
        dialects = counts["dialect"] = describe_series(params, raw_folder)
        log.info("%s", _say(raw_folder.name, dialects))
    if missing := first_pass.changed["missing_values"]:
        log.info("corpora.%s: %d values are missing; they stay missing", raw_folder.name, missing)
    if first_pass.is_pairs:
        _check_sides(raw_folder.name, first_pass)
        counts["identical_sides"] = first_pass.identical_sides
    return counts


def _say(name: str, files: Mapping[str, Mapping[str, Any]]) -> str:
    """Return a sentence on how the files of a series are read."""
    parts = []
    for file, facts in files.items():
        said = ", ".join(f"{key} {_listed(value)}" for key, value in facts.items() if key != "ignored_columns")
        ignored = ", ".join(facts.get("ignored_columns", ()))
        parts.append(f"{file} is read with {said}" + (f", without the columns {ignored}" if ignored else ""))
    return f"corpora.{name}: " + "; ".join(parts)


def _listed(value: Any) -> str:
    """Return a value, or a list of names, for the log."""
    return " and ".join(value) if isinstance(value, list) else str(value)


def _describe(params: Corpus, name: str) -> dict[str, Any]:
    """Return the description of the corpus, which stage train saves with its models."""
    return {
        "name": name,
        "source": params.source,
        "sampled": isinstance(params, SampledCorpus),
        "cleaner": cleaner_settings(params),
    }


def _read_unknown_word(params: Corpus, raw_folder: Path) -> str | None:
    """Return the word that stands for unknown words in the corpus, if there is one. Cleaning must not change it."""
    word = read_manifest(raw_folder)[0].unknown_word
    if word is not None and (clean_word := Cleaner(**cleaner_settings(params))(word)) != word:
        raise UnrollError(
            f"corpora.{raw_folder.name}: {word!r} stands for unknown words in this corpus, but cleaning changes it to "
            f"{clean_word!r}; set cleaning to plain or layout, markup: keep, and lowercase: false if it has capitals"
        )
    return word


def _write_with_splits(first_pass: FirstPass, out: Path, corpus: Mapping[str, Any]) -> dict[str, dict[str, int]]:
    """Copy the kept documents of the drafts with their splits, and return the sizes of the splits."""
    starts = first_pass.find_split_starts()
    sizes = {split: {"documents": 0, "characters": 0, "bytes": 0} for split in SPLITS}
    first = 0
    with document_table.TableWriter(out, first_pass.fields, corpus) as writer:
        for group in first_pass.read_row_groups():
            keep, last = group["keep"].combine_chunks(), first + group.num_rows
            table = group.drop_columns("keep").filter(keep).combine_chunks()
            divided = [row for row in starts if first <= row < last and keep[row - first].as_py()]
            for row in sorted(divided, reverse=True):
                table = _divide_row(table, keep[: row - first].true_count, starts[row])
            first = last
            writer.write_row_group(table)
            _add_sizes(table, first_pass.fields, sizes)
    return sizes


def _divide_row(table: pa.Table, row: int, starts: list[int]) -> pa.Table:
    """Divide the text of a row at the positions `starts`. Each part belongs to the split after that of the part before.

    Args:
        table: The table with the columns document, split and text.
        row: The row to divide.
        starts: The first character of each part but the first.

    Returns:
        The table with one row per part in place of the row.
    """
    name, split, text = (column[row].as_py() for column in table.columns)
    parts = [text[a:b] for a, b in zip([0, *starts], [*starts, None], strict=True)]
    code = SPLITS.index(split)
    columns = [[name] * len(parts), list(SPLITS[code : code + len(parts)]), parts]
    divided = pa.table([pa.array(column) for column in columns], schema=table.schema)
    return pa.concat_tables([table.slice(0, row), divided, table.slice(row + 1)]).combine_chunks()


def _add_sizes(table: pa.Table, fields: tuple[str, ...], sizes: dict[str, dict[str, int]]) -> None:
    for split, size in sizes.items():
        rows = table.filter(pc.equal(table["split"], split))
        size["documents"] += rows.num_rows
        for name in filter(is_text, fields):
            size["characters"] += pc.sum(pc.utf8_length(rows[name])).as_py() or 0
            size["bytes"] += pc.sum(pc.binary_length(rows[name])).as_py() or 0


def _sort_counts(counts: Counter[str]) -> dict[str, int]:
    """Return the counts that are not 0 in alphabetical order."""
    return {reason: counts[reason] for reason in sorted(counts) if counts[reason]}


def _check_sides(name: str, first_pass: FirstPass) -> None:
    if first_pass.identical_sides == first_pass.documents:
        raise UnrollError(
            f"corpora.{name}: source and target are the same text in all {first_pass.identical_sides} pairs; write the "
            "translation behind the tab of each line"
        )


def _check_splits(name: str, counts: dict[str, Any], is_series: bool) -> None:
    sizes = {split: size["documents"] for split, size in counts["splits"].items()}
    total = sum(sizes.values())
    if not total or not (is_series or any(size["characters"] for size in counts["splits"].values())):
        raise UnrollError(
            f"corpora.{name}: nothing is left after cleaning (dropped: {counts['dropped'] or 'nothing'}); "
            "provide a text that contains words"
        )
    if empty := [split for split in SPLITS if not sizes[split]]:
        raise UnrollError(
            f"corpora.{name}: the {' and the '.join(empty)} split {'is' if len(empty) == 1 else 'are'} empty, since "
            f"there {'is only 1 document' if total == 1 else f'are only {total} documents'}; use smaller documents "
            "(documents: line or paragraph), larger shares (splits) or more text"
        )
