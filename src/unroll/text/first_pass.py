"""The first pass of stage clean: the clean documents in a draft file, and what is known of each."""

from array import array
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unroll.errors import UnrollError
from unroll.params.corpora import Corpus, NearDuplicates
from unroll.text import document_table, duplicates, records
from unroll.text.cleaner import Cleaner
from unroll.text.record import Record
from unroll.text.splits import SPLITS, borders, by_hash, by_position, key

UNCLEANED = ("label", "time", "value")
Codes = NDArray[np.int8]


class Draft:
    """18 bytes of memory a document; the text itself stays in the file `path`."""

    def __init__(self, params: Corpus, folder: Path, path: Path) -> None:
        self.params, self.folder, self.path = params, folder, path
        self.fields = records.fields(folder)
        self.cleaner = Cleaner(**Cleaner.params_of(params))
        self.dropped: Counter[str] = Counter()
        self.changed = self.cleaner.dropped
        self.identical = 0  # pairs whose target is their source; some are so rightly: "Stop!" in English and Dutch
        self.given = array("b")  # the split as the source says, or -1
        self.keys = array("Q")  # hash of the text, or of the source of a pair
        self.lengths = array("q")  # characters; of a series observations
        self.divisible = array("b")
        with document_table.Writer(path, self.fields) as file:
            for record in records.records(params, folder):
                self._add(record, file)

    def _add(self, record: Record, file: document_table.Writer) -> None:
        texts = [value if name in UNCLEANED else self.cleaner(value) for name, value in record.fields.items()]
        if self.params.errors == "replace":
            self.changed["replaced_bytes"] += sum(text.count("\ufffd") for text in texts)
        if record.continues:
            self.changed["pieces_cut_off"] += 1
        if not all(texts) and (self.params.empty == "drop" or len(texts) > 1):
            self.dropped["empty"] += 1
        elif len(texts) > 1 and max(map(len, texts)) > self.params.max_characters:
            self.dropped["too_long"] += 1
        else:
            file.write((record.name, None, *texts))
            self.given.append(SPLITS.index(record.split) if record.split else -1)
            # the pieces of one document stay together
            self.keys.append(self.keys[-1] if record.continues and self.keys else key(texts[self._text]))
            self.lengths.append(1 if self.is_series else sum(map(len, texts)))
            self.divisible.append(record.divisible)
            self.identical += self.is_pairs and texts[0] == texts[1]

    @property
    def is_series(self) -> bool:
        return "value" in self.fields

    @property
    def is_pairs(self) -> bool:
        return self.fields[0] == "source"

    @property
    def _text(self) -> int:
        """Which field says whether two records are the same."""
        return 0 if self.is_pairs else -1

    def splits(self) -> Codes:
        """The split of every document of the draft."""
        rule, where = self.params.splits, f"corpora.{self.folder.name}.splits"
        if rule.by == "hash":
            if self.is_series:
                raise UnrollError(f"{where}: a series is cut in time, not by hash; set by: position")
            return by_hash(np.asarray(self.keys, dtype=np.uint64), rule)
        if rule.by == "position":
            return by_position(np.asarray(self.lengths, dtype=np.int64), rule)
        given = np.asarray(self.given, dtype=np.int8)
        if (given < 0).any():
            raise UnrollError(f"{where}: the source gives none; set by: hash or by: position")
        return given

    def without_duplicates(self, codes: Codes) -> tuple[NDArray[np.bool_], dict[str, int]]:
        """Which documents to keep, and how many are also in a later split."""
        if self.is_series or not len(codes):
            return np.ones(len(codes), dtype=bool), {}
        rule = self.params.duplicates
        filled = np.asarray(self.lengths) > 0
        copies = {"exact": filled & duplicates.exact(np.asarray(self.keys, dtype=np.uint64), codes)}
        if isinstance(rule, NearDuplicates):
            index = duplicates.Index(self._texts(codes), rule.words)
            copies["near"] = ~copies["exact"] & duplicates.near(self._texts(codes), rule, index)
        found = {
            f"{kind}_in_{SPLITS[split]}": int((mask & (codes == split)).sum())
            for kind, mask in copies.items()
            for split in duplicates.LATER
        }
        drop = np.logical_or.reduce(list(copies.values())) & rule.drop
        if rule.drop:
            self.dropped.update({f"{kind}_duplicate": int(mask.sum()) for kind, mask in copies.items()})
        return ~drop, found

    def _texts(self, codes: Codes) -> Iterator[tuple[list[str], Codes]]:
        first = 0
        for table in document_table.tables(self.path):
            yield table[self.fields[self._text]].to_pylist(), codes[first : first + table.num_rows]
            first += table.num_rows

    def cuts(self, codes: Codes) -> dict[int, list[int]]:
        """By document: the characters before which the next split begins, where it may be cut."""
        found: dict[int, list[int]] = {}
        if self.params.splits.by == "position" and any(self.divisible):
            ends = np.cumsum(np.asarray(self.lengths, dtype=np.int64))
            for border in borders(int(ends[-1]), self.params.splits):
                row = int(np.searchsorted(ends, border, side="right"))
                inside = border - (int(ends[row - 1]) if row else 0) if row < len(ends) else 0
                if inside and self.divisible[row] and inside not in found.get(row, []):
                    found.setdefault(row, []).append(inside)
        return found
