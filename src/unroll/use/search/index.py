"""A document collection on disk: who holds which term how often. Files are memory-mapped; a search reads the postings
of its own terms alone.

index.json      counts, and what the folder is
terms.json      the terms, sorted; term t has the postings [starts[t], starts[t + 1])
starts.npy      (T + 1,) int64      holders.npy (P,) int32 documents      counts.npy (P,) int32 times
lengths.npy     (D,) int32 terms of each document
ids.json        names of the documents
texts.bin       their texts, UTF-8; text_starts.npy (D + 1,) int64
"""

import json
import os
import re
import shutil
from array import array
from collections import Counter
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unroll.errors import UnrollError

TERM = re.compile(r"\w+")
MAIN, FORMAT = "index.json", 1
ARRAYS = ("starts", "holders", "counts", "lengths", "text_starts")


def terms(text: str) -> list[str]:
    """What a text is searched by: its words and numbers in lower case, in order."""
    return TERM.findall(text.lower())


def build(folder: Path, documents: Iterable[tuple[str, str]]) -> "Index":
    """Index (id, text) pairs with different ids. An index that is in `folder` already is replaced as a whole, once
    the new one is complete; anything else there is left alone: UnrollError."""
    if folder.exists() and not (folder / MAIN).is_file():
        raise UnrollError(f"{folder}: is there already and is no index; choose another folder")
    making = folder.with_name(f".{folder.name}.{os.getpid()}")
    making.mkdir(parents=True)
    try:
        _write(making, documents)
        if folder.exists():
            shutil.rmtree(folder)
        making.rename(folder)
    finally:
        shutil.rmtree(making, ignore_errors=True)
    return Index(folder)


def _write(folder: Path, documents: Iterable[tuple[str, str]]) -> None:
    numbers: dict[str, int] = {}
    ids: dict[str, None] = {}
    term_of, holders, counts, lengths, text_starts = (array(kind) for kind in "iiiiq")
    text_starts.append(0)
    with (folder / "texts.bin").open("wb") as texts:
        for name, text in documents:
            if name in ids or not name or len(name.split()) != 1:
                raise UnrollError(f"document {name!r}: its id is empty, holds white space or is another's; change it")
            found = Counter(terms(text))
            term_of.extend(numbers.setdefault(term, len(numbers)) for term in found)
            counts.extend(found.values())
            holders.extend([len(ids)] * len(found))
            lengths.append(found.total())
            text_starts.append(text_starts[-1] + texts.write(text.encode()))
            ids[name] = None
    names = sorted(numbers)
    rank = np.empty(len(numbers), dtype=np.int32)
    rank[[numbers[name] for name in names]] = np.arange(len(numbers))
    ranks = rank[np.asarray(term_of)] if len(term_of) else np.empty(0, np.int32)
    order = np.argsort(ranks, kind="stable")  # documents stay in their order within a term
    starts = np.concatenate([[0], np.cumsum(np.bincount(ranks, minlength=len(names)))]).astype(np.int64)
    arrays = (
        starts,
        np.asarray(holders)[order],
        np.asarray(counts)[order],
        np.asarray(lengths),
        np.asarray(text_starts),
    )
    for name, values in zip(ARRAYS, arrays, strict=True):
        np.save(folder / f"{name}.npy", values)
    _json(folder / "terms.json", names)
    _json(folder / "ids.json", list(ids))
    _json(folder / MAIN, {"format": FORMAT, "documents": len(ids), "terms": len(names), "postings": len(order)})


class Index:
    starts: NDArray[np.int64]
    holders: NDArray[np.int32]
    counts: NDArray[np.int32]
    lengths: NDArray[np.int32]
    text_starts: NDArray[np.int64]

    def __init__(self, folder: Path) -> None:
        """The index that `build` wrote into `folder`."""
        self.folder = folder
        if not (folder / MAIN).is_file():
            raise UnrollError(f"{folder}: no index here; make one with `unroll index {folder} documents.jsonl`")
        try:
            found = json.loads((folder / MAIN).read_text(encoding="utf-8"))
            if found["format"] != FORMAT:
                raise ValueError(f"format {found['format']}")
            for name in ARRAYS:
                setattr(self, name, np.load(folder / f"{name}.npy", mmap_mode="r"))
            if (len(self.lengths), len(self.starts) - 1) != (found["documents"], found["terms"]):
                raise ValueError("its parts do not belong together")
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UnrollError(f"{folder}: an unreadable index ({error}); make it again") from error

    def postings(self, term: str) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """(documents that hold the term, how often each does)."""
        if (number := self._numbers.get(term)) is None:
            return self.holders[:0], self.counts[:0]
        part = slice(int(self.starts[number]), int(self.starts[number + 1]))
        return self.holders[part], self.counts[part]

    @cached_property
    def tokens(self) -> int:
        """Of the whole collection."""
        return int(self.lengths.sum(dtype=np.int64))

    @cached_property
    def ids(self) -> list[str]:
        return self._read("ids.json")

    def text(self, document: int) -> str:
        texts = np.memmap(self.folder / "texts.bin", np.uint8, "r") if self.text_starts[-1] else np.empty(0, np.uint8)
        return bytes(texts[self.text_starts[document] : self.text_starts[document + 1]]).decode()

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {term: number for number, term in enumerate(self._read("terms.json"))}

    def _read(self, name: str) -> Any:
        return json.loads((self.folder / name).read_text(encoding="utf-8"))


def _json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")
