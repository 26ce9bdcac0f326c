"""The inverted index of a document collection on disk. Arrays are memory-mapped; a search reads only its own postings.

Files, for T terms, P postings and D documents:

    index.json        the format of the index and its sizes
    terms.json        the terms, sorted; term t has the postings [starts[t], starts[t + 1])
    starts.npy        (T + 1,) int64
    documents.npy     (P,) int32, the document of each posting
    counts.npy        (P,) int32, the frequency of the term in that document
    lengths.npy       (D,) int32, the number of terms of each document
    ids.json          the names of the documents
    texts.bin         their texts in UTF-8
    text_starts.npy   (D + 1,) int64
"""

import json
import os
import shutil
from array import array
from collections import Counter
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Any
from unicodedata import normalize

import numpy as np
import regex
from numpy.typing import NDArray

from unroll.errors import UnrollError

TERM = regex.compile(r"\w+")  # with the marks and joiners of scripts
MAIN, FORMAT = "index.json", 3
ARRAYS = ("starts", "documents", "counts", "lengths", "text_starts")


def extract_terms(text: str) -> list[str]:
    """Return the words and numbers of a text in lower case and Unicode NFC, in order."""
    return TERM.findall(normalize("NFC", text.lower()))


def build_index(folder: Path, documents: Iterable[tuple[str, str]]) -> "Index":
    """Index documents.

    An existing index in `folder` is replaced as a whole when the new one is complete.

    Args:
        folder: The folder to write. It must not exist, unless it holds an index.
        documents: (id, text) pairs with different ids.

    Returns:
        The index.

    Raises:
        UnrollError: The folder exists and is not an index, or an id is empty, has white space or is not unique.
    """
    if folder.exists() and not (folder / MAIN).is_file():
        raise UnrollError(f"{folder}: exists and is not an index; choose another folder")
    temporary = folder.with_name(f".{folder.name}.{os.getpid()}")
    temporary.mkdir(parents=True)
    try:
        _write(temporary, documents)
        if folder.exists():
            shutil.rmtree(folder)
        temporary.rename(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return Index(folder)


def _write(folder: Path, documents: Iterable[tuple[str, str]]) -> None:
    numbers: dict[str, int] = {}  # terms by first occurrence
    ids: dict[str, None] = {}
    posting_terms, posting_documents, counts, lengths, text_starts = (array(kind) for kind in "iiiiq")
    text_starts.append(0)
    with (folder / "texts.bin").open("wb") as texts:
        for name, text in documents:
            if name in ids or not name or len(name.split()) != 1:
                raise UnrollError(f"document {name!r}: its id is empty, has white space or is not unique; change it")
            frequencies = Counter(extract_terms(text))
            posting_terms.extend(numbers.setdefault(term, len(numbers)) for term in frequencies)
            counts.extend(frequencies.values())
            posting_documents.extend([len(ids)] * len(frequencies))
            lengths.append(frequencies.total())
            text_starts.append(text_starts[-1] + texts.write(text.encode()))
            ids[name] = None
    terms = sorted(numbers)
    rank = np.empty(len(numbers), dtype=np.int32)
    rank[[numbers[term] for term in terms]] = np.arange(len(numbers))
    ranks = rank[np.asarray(posting_terms)] if len(posting_terms) else np.empty(0, np.int32)
    order = np.argsort(ranks, kind="stable")  # the documents of a term stay in their order
    starts = np.concatenate([[0], np.cumsum(np.bincount(ranks, minlength=len(terms)))]).astype(np.int64)
    arrays = (
        starts,
        np.asarray(posting_documents)[order],
        np.asarray(counts)[order],
        np.asarray(lengths),
        np.asarray(text_starts),
    )
    for name, values in zip(ARRAYS, arrays, strict=True):
        np.save(folder / f"{name}.npy", values)
    _write_json(folder / "terms.json", terms)
    _write_json(folder / "ids.json", list(ids))
    sizes = {"documents": len(ids), "terms": len(terms), "postings": len(order)}
    _write_json(folder / MAIN, {"format": FORMAT, **sizes})


class Index:
    """An index that `build_index` wrote."""

    starts: NDArray[np.int64]
    """(T + 1,), the first posting of each term."""
    documents: NDArray[np.int32]
    """(P,), the document of each posting."""
    counts: NDArray[np.int32]
    """(P,), the frequency of the term in that document."""
    lengths: NDArray[np.int32]
    """(D,), the number of terms of each document."""
    text_starts: NDArray[np.int64]
    """(D + 1,), the first byte of each text."""

    def __init__(self, folder: Path) -> None:
        """Open the index of a folder.

        Args:
            folder: The folder.

        Raises:
            UnrollError: There is no index, or it is damaged.
        """
        self.folder = folder
        if not (folder / MAIN).is_file():
            raise UnrollError(f"{folder}: no index here; make one with `unroll index {folder} documents.jsonl`")
        try:
            sizes = json.loads((folder / MAIN).read_text(encoding="utf-8"))
            if sizes["format"] != FORMAT:
                raise ValueError(f"it has format {sizes['format']}, not {FORMAT}")
            for name in ARRAYS:
                array = np.load(folder / f"{name}.npy", mmap_mode="r")
                setattr(self, name, np.asarray(array))  # slices of a plain array are made faster
            if (len(self.lengths), len(self.starts) - 1) != (sizes["documents"], sizes["terms"]):
                raise ValueError("its files do not belong together")
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UnrollError(f"{folder}: the index is unreadable ({error}); make it again") from error

    def postings(self, term: str) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Return the documents that contain a term, and its frequency in each of them."""
        if (number := self._term_numbers.get(term)) is None:
            return self.documents[:0], self.counts[:0]
        part = slice(int(self.starts[number]), int(self.starts[number + 1]))
        return self.documents[part], self.counts[part]

    @cached_property
    def tokens(self) -> int:
        """The number of terms of the whole collection, with repetitions."""
        return int(self.lengths.sum(dtype=np.int64))

    @cached_property
    def ids(self) -> list[str]:
        """The names of the documents."""
        return self._read_json("ids.json")

    def text(self, document: int) -> str:
        """Return the text of a document by its number."""
        texts = np.memmap(self.folder / "texts.bin", np.uint8, "r") if self.text_starts[-1] else np.empty(0, np.uint8)
        return bytes(texts[self.text_starts[document] : self.text_starts[document + 1]]).decode()

    @cached_property
    def _term_numbers(self) -> dict[str, int]:
        return {term: number for number, term in enumerate(self._read_json("terms.json"))}

    def _read_json(self, name: str) -> Any:
        return json.loads((self.folder / name).read_text(encoding="utf-8"))


def _write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")
