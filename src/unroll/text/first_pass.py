"""The first pass of stage clean: it cleans all records into a draft table and collects what the second pass needs."""

from array import array
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unroll.errors import UnrollError
from unroll.params.cleaning import NearDuplicates
from unroll.params.corpora import Corpus
from unroll.text import document_table, duplicates, records
from unroll.text.cleaner import Cleaner, cleaner_settings, read_setting
from unroll.text.splits import assign_by_hash, assign_by_position, hash_text, split_starts
from unroll.text.streams import SPLITS

UNCLEANED = ("label", "time", "value")
SplitCodes = NDArray[np.int8]
"""(N,) the split of each document, as an index into `SPLITS`."""


class FirstPass:
    """The draft table of a corpus, with 18 bytes of memory for each of its N documents; their texts stay on disk."""

    def __init__(self, params: Corpus, folder: Path, draft: Path) -> None:
        """Clean the records of a raw folder.

        Args:
            params: The entry of `corpora` in params.yaml.
            folder: The raw folder, which has the name of the corpus.
            draft: The file to write: a table of documents without splits.

        Raises:
            UnrollError: A raw file is unreadable or has the wrong format.
        """
        self.params, self.folder, self.draft = params, folder, draft
        self.fields = records.field_names(folder)
        self.cleaner = Cleaner(**cleaner_settings(params))
        self.dropped: Counter[str] = Counter()
        """The number of dropped documents, by reason."""
        self.changed = self.cleaner.removed
        """The number of changed characters and divided documents, by reason."""
        self.identical_sides = 0
        """The number of pairs whose source and target are equal, such as "Stop!" in English and Dutch."""
        self.source_splits = array("b")
        """(N,) split codes; -1 if the source does not define splits."""
        self.hashes = array("Q")
        """(N,) hashes of the texts, or of the source sentences of pairs."""
        self.lengths = array("q")
        """(N,) numbers of characters; 1 for each observation of a series."""
        self.divisible = array("b")
        """(N,) whether a split may begin inside the document."""
        with document_table.TableWriter(draft, self.fields) as table:
            for record in records.read_records(params, folder):
                self._add(record, table)

    def _add(self, record: records.Record, table: document_table.TableWriter) -> None:
        texts = [text if name in UNCLEANED else self.cleaner(text) for name, text in record.fields.items()]
        if read_setting(self.params, "errors") == "replace":
            self.changed["replaced_bytes"] += sum(text.count("\ufffd") for text in texts)
        if record.continues:
            self.changed["cuts_in_long_documents"] += 1
        if not all(texts) and (self.params.empty == "drop" or len(texts) > 1):
            self.dropped["empty"] += 1
        elif len(texts) > 1 and max(map(len, texts)) > self.params.max_characters:
            self.dropped["too_long"] += 1
        else:
            table.write_row((record.name, None, *texts))
            self.source_splits.append(SPLITS.index(record.split) if record.split else -1)
            # All parts of a long document have one hash, so that they are assigned to the same split.
            continues = record.continues and self.hashes
            self.hashes.append(self.hashes[-1] if continues else hash_text(texts[self._hashed_field]))
            self.lengths.append(1 if self.is_series else sum(map(len, texts)))
            self.divisible.append(record.divisible)
            self.identical_sides += self.is_pairs and texts[0] == texts[1]

    @property
    def is_series(self) -> bool:
        """Whether the records are observations of a series."""
        return "value" in self.fields

    @property
    def is_pairs(self) -> bool:
        """Whether the records are sentence pairs."""
        return self.fields[0] == "source"

    @property
    def _hashed_field(self) -> int:
        """The index of the field by which documents are compared: the text, or the source sentence of a pair."""
        return 0 if self.is_pairs else -1

    def assign_splits(self) -> SplitCodes:
        """Assign each document to a split.

        Returns:
            The split code of each document (N,).

        Raises:
            UnrollError: The corpus does not allow the rule that `splits.by` selects.
        """
        rule, name = self.params.splits, f"corpora.{self.folder.name}.splits"
        if rule.by == "hash":
            if self.is_series:
                raise UnrollError(f"{name}: a series cannot be split by hash, only in time; set by: position")
            return assign_by_hash(np.asarray(self.hashes, dtype=np.uint64), rule)
        if rule.by == "position":
            return assign_by_position(np.asarray(self.lengths, dtype=np.int64), rule)
        codes = np.asarray(self.source_splits, dtype=np.int8)
        if (codes < 0).any():
            raise UnrollError(f"{name}: the source does not define splits; set by: hash or by: position")
        return codes

    def find_duplicates(self, codes: SplitCodes) -> tuple[NDArray[np.bool_], dict[str, int]]:
        """Find the documents that also occur in a later split, and count them as dropped if they are dropped.

        Args:
            codes: The split code of each document (N,).

        Returns:
            Whether to keep each document (N,), and the number of duplicates by kind and split.
        """
        if self.is_series or not len(codes):
            return np.ones(len(codes), dtype=bool), {}
        rule = self.params.duplicates
        nonempty = np.asarray(self.lengths) > 0
        hashes = np.asarray(self.hashes, dtype=np.uint64)
        masks = {"exact": nonempty & duplicates.find_exact(hashes, codes)}
        if isinstance(rule, NearDuplicates):
            index = duplicates.SignatureIndex(self._texts(codes), rule.words)
            masks["near"] = ~masks["exact"] & duplicates.find_near(self._texts(codes), rule, index)
        counts = {
            f"{kind}_in_{SPLITS[split]}": int((mask & (codes == split)).sum())
            for kind, mask in masks.items()
            for split in duplicates.LATER_SPLITS
        }
        drop = np.logical_or.reduce(list(masks.values())) & rule.drop
        if rule.drop:
            self.dropped.update({f"{kind}_duplicate": int(mask.sum()) for kind, mask in masks.items()})
        return ~drop, counts

    def _texts(self, codes: SplitCodes) -> Iterator[tuple[list[str], SplitCodes]]:
        first = 0
        for table in document_table.read_row_groups(self.draft):
            yield table[self.fields[self._hashed_field]].to_pylist(), codes[first : first + table.num_rows]
            first += table.num_rows

    def find_split_starts(self) -> dict[int, list[int]]:
        """Find the divisible documents inside which a split begins.

        Returns:
            For each such document, by its number, the positions of the characters where splits begin.
        """
        starts: dict[int, list[int]] = {}
        if self.params.splits.by == "position" and any(self.divisible):
            ends = np.cumsum(np.asarray(self.lengths, dtype=np.int64))
            for start in split_starts(int(ends[-1]), self.params.splits):
                row = int(np.searchsorted(ends, start, side="right"))
                inside = start - (int(ends[row - 1]) if row else 0) if row < len(ends) else 0
                if inside and self.divisible[row] and inside not in starts.get(row, []):
                    starts.setdefault(row, []).append(inside)
        return starts
