"""The sentences of tagged text as taggers read them: token ids, shape ids, and the numbers of tags."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unroll.errors import UnrollError
from unroll.text.streams import Data, Ids
from unroll.text.tokenizers.base import SHAPES, TAGS
from unroll.text.tokenizers.vocabulary import PAD, SPECIAL, UNK

WORD, SHAPE = 0, 1
"""The columns of a sentence: the id of the token of each word, and that of its shape."""
UNKNOWN_TAG = -1
"""The number of a tag that the train split lacks."""


def sentences(data: Data, split: str) -> list[Ids]:
    """Return the sentences of a split.

    Args:
        data: The partition of a tagged corpus.
        split: The split.

    Returns:
        An array (T, 2) for each sentence, without special tokens around it.

    Raises:
        UnrollError: The corpus has no tags.
    """
    require_tags(data)
    sides = (data.streams[split][side].documents for side in ("text", SHAPES))
    return [np.stack([words, shapes], axis=1)[:-1].astype(np.int64) for words, shapes in zip(*sides, strict=True)]


def tags(data: Data, split: str) -> list[Ids]:
    """Return the numbers of the tags (T,) of each sentence of a split; see `sentences`."""
    require_tags(data)
    numbers = [document[:-1].astype(np.int64) - len(SPECIAL) for document in data.streams[split][TAGS].documents]
    return [np.where(number < 0, UNKNOWN_TAG, number) for number in numbers]


def require_tags(data: Data) -> None:
    """Raise an UnrollError if the corpus of a partition has no tags."""
    if not data.tags:
        raise UnrollError(f"tokenizers.{data.name}: its corpus has no tags to learn; choose a tokenizer of tagged text")


def is_unknown(sentence: Ids) -> NDArray[np.bool_]:
    """Return whether each word of a sentence (T, 2) is unknown to the vocabulary, (T,)."""
    return sentence[:, WORD] == UNK


def padded_batches(documents: Sequence[Ids], rows: int) -> Iterator[tuple[NDArray[np.int64], Ids, Ids]]:
    """Yield sentences of similar length side by side.

    Args:
        documents: Arrays (T, 2).
        rows: The maximum number B of sentences of a batch.

    Yields:
        The indices (B,) of the sentences, the longest first; the sentences (B, T, 2) with padding behind their ends;
        and their lengths (B,). Empty sentences are left out.
    """
    lengths = np.asarray([len(document) for document in documents], dtype=np.int64)
    order = np.argsort(-lengths, kind="stable")
    order = order[lengths[order] > 0]
    for first in range(0, len(order), rows):
        part = order[first : first + rows]
        batch = np.full((len(part), int(lengths[part[0]]), 2), PAD, dtype=np.int64)
        for row, index in enumerate(part):
            batch[row, : lengths[index]] = documents[index]
        yield part, batch, lengths[part]


def empty_results(documents: Sequence[Ids], *shape: int, dtype: Any) -> list[NDArray[Any]]:
    """Return an array (T, *shape) of zeros for each of the documents."""
    return [np.zeros((len(document), *shape), dtype=dtype) for document in documents]
