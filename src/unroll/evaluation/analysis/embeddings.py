"""What vectors of tokens are like: how many there are, which are neighbours, and a map of them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from unroll.evaluation.evaluation import Evaluation
from unroll.evaluation.subject import Subject
from unroll.models.base.protocol import EmbeddingModel, WordVectors
from unroll.text.streams import Data, Ids
from unroll.text.tokenizers.base import Tokenizer
from unroll.text.tokenizers.vocabulary import SPECIAL, UNK

SHOWN, NEIGHBOURS = 120, 6
"""Tokens of the table and the map, the first of the vocabulary with letters only; neighbours of each."""


def evaluate(model: WordVectors, data: Data, tokenizer: Tokenizer) -> tuple[dict[str, Any], str]:
    """(numbers, table). The table has a line per token: the token, its place on the map, its neighbours, tab-separated.

    `coverage` is the share of the vocabulary's tokens that have a vector, special ones aside, `test_coverage` that of
    the running test text, `<unk>` aside from what has one."""
    test = np.concatenate([document[:-1] for document in data.test.documents])
    text = np.arange(len(model.vectors)) >= len(SPECIAL)
    covered = model.known & (np.arange(len(model.vectors)) != UNK)
    metrics: dict[str, Any] = {
        "vocabulary_size": len(model.vectors),
        "dimensions": model.vectors.shape[1],
        "coverage": float(model.known[text].mean()),
        "test_coverage": float(covered[test].mean()),
    }
    chosen = np.flatnonzero(model.known & text)
    unit = normalised(model.vectors)
    shown = [token for token in chosen if tokenizer.token(int(token)).strip().isalpha()][:SHOWN]
    return metrics, _table(unit, np.asarray(shown, dtype=np.int64), chosen, tokenizer)


def normalised(vectors: NDArray[np.floating]) -> NDArray[np.float32]:
    """Rows of length one; nought stays nought."""
    lengths = np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True)
    return (vectors / np.where(lengths > 0, lengths, 1)).astype(np.float32)


def neighbours(unit: NDArray[np.floating], tokens: Ids, chosen: Ids, count: int) -> Ids:
    """(R, count): of the tokens `chosen` the nearest to each of `tokens` by cosine, itself left out; fewer if there are
    no more."""
    cosines = unit[tokens] @ unit[chosen].T
    cosines[tokens[:, None] == chosen] = -np.inf
    return chosen[np.argsort(-cosines, axis=1, kind="stable")[:, : min(count, len(chosen) - 1)]]


def places(unit: NDArray[np.floating], tokens: Ids) -> NDArray[np.floating]:
    """(R, 2): the first two principal components of the tokens' vectors, each with its largest weight positive."""
    vectors = unit[tokens].astype(np.float64)
    centred = vectors - vectors.mean(0)
    axes = np.linalg.svd(centred, full_matrices=False)[2][:2]  # (2, D)
    largest = np.take_along_axis(axes, np.abs(axes).argmax(1)[:, None], axis=1)
    return centred @ (axes * np.sign(largest)).T


def embedding_map(vectors: NDArray[np.floating], tokenizer: Tokenizer) -> list[tuple[str, float, float]]:
    """(token, x, y) of the first tokens of the vocabulary with letters only; nothing where there is no plane."""
    words = [tokenizer.token(token) for token in range(len(vectors))]
    shown = [token for token in range(len(SPECIAL), len(words)) if words[token].strip().isalpha()][:SHOWN]
    if len(shown) < 2 or vectors.shape[1] < 2:
        return []
    found = np.round(places(normalised(vectors), np.asarray(shown)), 4)
    return [(words[token], float(x), float(y)) for token, (x, y) in zip(shown, found, strict=True)]


def _table(unit: NDArray[np.floating], shown: Ids, chosen: Ids, tokenizer: Tokenizer) -> str:
    head = "token\tx\ty\tneighbours\n"
    if len(shown) < 2 or unit.shape[1] < 2:
        return head
    lines = zip(shown, places(unit, shown), neighbours(unit, shown, chosen, NEIGHBOURS), strict=True)
    return head + "".join(
        f"{tokenizer.token(int(token))}\t{x:.4f}\t{y:.4f}\t{' '.join(tokenizer.token(int(n)) for n in near)}\n"
        for token, (x, y), near in lines
    )


def measure(subject: Subject) -> Evaluation | None:
    """Measure the coverage of word vectors, and tabulate the neighbours of frequent words."""
    if not isinstance(subject.model, WordVectors):
        return None
    return Evaluation(*evaluate(subject.model, subject.data, subject.tokenizer))


def measure_map(subject: Subject) -> Evaluation | None:
    """Map the embeddings of a language model to the plane."""
    if not isinstance(subject.model, EmbeddingModel):
        return None
    return Evaluation(diagnostics={"map": embedding_map(subject.model.embedding, subject.tokenizer)})
