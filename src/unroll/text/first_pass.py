"""The first pass of stage clean: it cleans the shards into drafts and decides on splits and duplicates."""

from collections import Counter
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from functools import cached_property, partial
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from unroll.errors import UnrollError
from unroll.params.cleaning import NearDuplicates
from unroll.params.corpora import Corpus
from unroll.shards import map_shards
from unroll.text import document_table, draft, duplicates, raw_shards, records
from unroll.text.splits import TEST, TRAIN, VALID, assign_by_hash, assign_by_position, complete_splits, split_starts
from unroll.text.streams import SPLITS

SplitCodes = NDArray[np.int8]
"""(N,) the split of each document, as an index into `SPLITS`."""
Shard = tuple[draft.Draft, draft.Documents, SplitCodes]
"""The draft of a shard, what is known of its documents, and their splits."""


class FirstPass:
    """The drafts of a corpus, whose texts stay on disk."""

    def __init__(self, params: Corpus, folder: Path, drafts: Path) -> None:
        """Clean the records of a raw folder.

        Args:
            params: The entry of `corpora` in params.yaml.
            folder: The raw folder, which has the name of the corpus.
            drafts: The empty folder for the drafts.

        Raises:
            UnrollError: A raw file is unreadable or has the wrong format, or the corpus does not allow the rule that
                `splits.by` selects.
        """
        self.params, self.name = params, folder.name
        self.fields = records.field_names(params, folder)
        clean = partial(draft.clean_shard, params, folder.absolute(), drafts.absolute(), self.fields)
        with map_shards(clean, raw_shards.divide(params, folder)) as results:
            self.drafts = list(results)
        self.documents = sum(part.documents for part in self.drafts)
        """The number N of documents."""
        self.characters = sum(part.characters for part in self.drafts)
        """The number of characters of all documents; for a series, of observations."""
        self.identical_sides = sum(part.identical_sides for part in self.drafts)
        """The number of pairs whose source and target are equal."""
        self.dropped = sum((part.dropped for part in self.drafts), Counter[str]())
        """The number of dropped documents, by reason."""
        self.changed = sum((part.changed for part in self.drafts), Counter[str]())
        """The number of changed characters and divided documents, by reason."""
        self.duplicates: dict[str, int] = {}
        """The number of duplicates, by kind and split."""
        self._check_splits()

    @property
    def is_series(self) -> bool:
        """Whether the records are observations of a series."""
        return document_table.is_series(self.fields)

    @property
    def is_pairs(self) -> bool:
        """Whether the records are sentence pairs."""
        return self.fields[0] == "source"

    @cached_property
    def _has_valid(self) -> bool:
        """Whether the source defines a valid split."""
        return any((part.read_documents()["split"] == VALID).any() for part in self.drafts)

    def _check_splits(self) -> None:
        by, name = self.params.splits.by, f"corpora.{self.name}.splits"
        if by == "hash" and self.is_series:
            raise UnrollError(f"{name}: a series cannot be split by hash, only in time; set by: position")
        if by == "source" and any(part.without_split for part in self.drafts):
            raise UnrollError(f"{name}: the source does not define splits; set by: hash or by: position")

    def _shards(self) -> Iterator[Shard]:
        """Yield the draft of each shard, what is known of its documents, and their splits."""
        rule, start = self.params.splits, 0
        for part in self.drafts:
            documents = part.read_documents()
            if rule.by == "hash":
                codes = assign_by_hash(documents["hash"], rule)
            elif rule.by == "position":
                starts = start + np.cumsum(documents["length"]) - documents["length"]
                codes = assign_by_position(starts, self.characters, rule)
            else:
                codes = complete_splits(documents["split"], documents["hash"], rule, self._has_valid)
            start += part.characters
            yield part, documents, codes

    def read_row_groups(self) -> Iterator[pa.Table]:
        """Assign the documents to splits, and find those that also occur in a later split.

        Duplicates are counted, and also as dropped if they are dropped. The counts are complete after the last group.

        Yields:
            The documents in row groups. The columns are document, split, the fields, and whether to keep the document.
        """
        names = pa.array(SPLITS)

        def batches() -> Iterator[tuple[pa.Table, NDArray[np.int64]]]:
            with self._find_duplicates() as shards:
                for (part, documents, codes), keep in shards:
                    first = 0
                    for table in part.read_batches():
                        rows = slice(first, first := first + table.num_rows)
                        table = table.add_column(1, "split", names.take(pa.array(codes[rows])))
                        yield table.append_column("keep", pa.array(keep[rows])), documents["cells"][rows]

        yield from draft.regroup(batches())

    @contextmanager
    def _find_duplicates(self) -> Generator[Iterator[tuple[Shard, NDArray[np.bool_]]]]:
        """Yield an iterator over the shards, with whether to keep each document (N,)."""
        rule = self.params.duplicates
        if self.is_series:
            yield ((shard, np.ones(shard[0].documents, dtype=bool)) for shard in self._shards())
            return
        hashes = duplicates.HashIndex((documents["hash"], codes) for _, documents, codes in self._shards())
        if not isinstance(rule, NearDuplicates):
            yield ((shard, self._keep(shard, hashes, None)) for shard in self._shards())
            return
        sign = partial(_sign, self.fields[draft.hashed_field(self.fields)], rule.words)
        with map_shards(sign, ((part, codes != TRAIN) for part, _, codes in self._shards())) as signatures:
            later = (codes[codes != TRAIN] for _, _, codes in self._shards())
            index = duplicates.SignatureIndex(zip(signatures, later, strict=True))
        with map_shards(sign, ((part, codes != TEST) for part, _, codes in self._shards())) as signatures:
            yield (
                (shard, self._keep(shard, hashes, _near(index, batch, shard[2], rule.similarity)))
                for shard, batch in zip(self._shards(), signatures, strict=True)
            )

    def _keep(self, shard: Shard, hashes: duplicates.HashIndex, near: NDArray[np.bool_] | None) -> NDArray[np.bool_]:
        """Count the duplicates of a shard, and return whether to keep each document (N,)."""
        _, documents, codes = shard
        masks = {"exact": (documents["length"] > 0) & hashes.find(documents["hash"], codes)}
        if near is not None:
            masks["near"] = ~masks["exact"] & near
        for kind, mask in masks.items():
            for split in duplicates.LATER_SPLITS:
                key = f"{kind}_in_{SPLITS[split]}"
                self.duplicates[key] = self.duplicates.get(key, 0) + int((mask & (codes == split)).sum())
            self.dropped[f"{kind}_duplicate"] += int(mask.sum()) * self.params.duplicates.drop
        return ~(np.logical_or.reduce(list(masks.values())) & self.params.duplicates.drop)

    def find_split_starts(self) -> dict[int, list[int]]:
        """Find the divisible documents inside which a split begins.

        Returns:
            For each such document, by its number, the positions of the characters where splits begin.
        """
        starts: dict[int, list[int]] = {}
        if self.params.splits.by != "position" or not any(part.divisible for part in self.drafts):
            return starts
        first = before = 0  # the documents and the characters of the shards before
        for part in self.drafts:
            for start in split_starts(self.characters, self.params.splits):
                if before <= start < before + part.characters:
                    documents = part.read_documents()
                    ends = before + np.cumsum(documents["length"])
                    row = int(np.searchsorted(ends, start, side="right"))
                    inside = start - int(ends[row] - documents["length"][row])
                    if inside and documents["divisible"][row] and inside not in starts.get(first + row, []):
                        starts.setdefault(first + row, []).append(inside)
            first, before = first + part.documents, before + part.characters
        return starts


def _sign(column: str, words: int, shard: tuple[draft.Draft, NDArray[np.bool_]]) -> NDArray[np.uint32]:
    """Compute the signatures of the selected documents of a shard."""
    part, selected = shard
    signatures, first = [np.empty((0, duplicates.SIGNATURE), np.uint32)], 0
    for table in part.read_batches():
        rows = slice(first, first := first + table.num_rows)
        signatures.append(duplicates.minhash(table[column].filter(pa.array(selected[rows])).to_pylist(), words))
    return np.concatenate(signatures)


def _near(
    index: duplicates.SignatureIndex, signatures: NDArray[np.uint32], codes: SplitCodes, similarity: float
) -> NDArray[np.bool_]:
    """Return whether each document of a shard (N,) is similar to one of a later split.

    Args:
        index: The index of the later splits.
        signatures: The signatures of those documents of the shard that are not in test.
        codes: The split code of each document (N,).
        similarity: The minimum similarity.

    Returns:
        Whether each document is similar to another one (N,).
    """
    found = np.zeros(len(codes), dtype=bool)
    early = codes != TEST
    found[early] = index.find(signatures, codes[early], similarity)
    return found
