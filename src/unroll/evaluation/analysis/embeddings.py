"""Properties of the vectors of tokens: coverage, nearest neighbours, and a map in two dimensions."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from unroll.evaluation.result import Evaluation
from unroll.evaluation.subject import Subject
from unroll.models.base.protocol import EmbeddingModel, WordVectors
from unroll.text.streams import Data, Ids
from unroll.text.tokenizers.base import Tokenizer
from unroll.text.tokenizers.vocabulary import SPECIAL, UNK

SHOWN = 120
"""The number of tokens in the table and on the map: the first ones of the vocabulary that consist of letters."""
NEIGHBOURS = 6
"""The number of nearest neighbours of each token in the table."""


def measure(subject: Subject) -> Evaluation | None:
    """Measure the coverage of word vectors, and tabulate the nearest neighbours of frequent words."""
    if not isinstance(subject.model, WordVectors):
        return None
    metrics, table = evaluate(subject.model, subject.data, subject.tokenizer)
    return Evaluation(metrics, table)


def measure_map(subject: Subject) -> Evaluation | None:
    """Map the embeddings of a language model to the plane."""
    if not isinstance(subject.model, EmbeddingModel):
        return None
    return Evaluation(diagnostics={"map": embedding_map(subject.model.embedding, subject.tokenizer)})


def evaluate(model: WordVectors, data: Data, tokenizer: Tokenizer) -> tuple[dict[str, Any], str]:
    """Evaluate word vectors.

    Args:
        model: The vectors.
        data: The partition.
        tokenizer: The tokenizer of the vectors.

    Returns:
        The metrics, among them `coverage`, the share of the vocabulary without its special tokens that has a vector,
        and `test_coverage`, the share of the running test tokens, where `<unk>` counts as a token without a vector
        (absent if there are no tokens); and a table with a line for each token: the token, its place on the map and its
        neighbours, separated by tabs.
    """
    test = np.concatenate([document[:-1] for document in data.test.documents])
    text = np.arange(len(model.vectors)) >= len(SPECIAL)
    covered = model.known & (np.arange(len(model.vectors)) != UNK)
    metrics: dict[str, Any] = {
        "vocabulary_size": len(model.vectors),
        "dimensions": model.vectors.shape[1],
        "coverage": float(model.known[text].mean()),
    }
    if len(test):
        metrics["test_coverage"] = float(covered[test].mean())
    candidates = np.flatnonzero(model.known & text)
    shown = [token for token in candidates if tokenizer.id_to_token(int(token)).strip().isalpha()][:SHOWN]
    return metrics, _table(unit_vectors(model.vectors), np.asarray(shown, dtype=np.int64), candidates, tokenizer)


def unit_vectors(vectors: NDArray[np.floating]) -> NDArray[np.float32]:
    """Scale the rows of (V, D) to length one. Rows of zeros are unchanged."""
    lengths = np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True)
    return (vectors / np.where(lengths > 0, lengths, 1)).astype(np.float32)


def nearest_neighbours(unit: NDArray[np.floating], tokens: Ids, candidates: Ids, count: int) -> Ids:
    """Find the nearest neighbours of tokens by cosine.

    Args:
        unit: Vectors of length one (V, D).
        tokens: The tokens (R,).
        candidates: The tokens among which neighbours are searched. A token is not its own neighbour.
        count: The number of neighbours.

    Returns:
        Tokens (R, count), nearest first; fewer columns if there are fewer candidates.
    """
    cosines = unit[tokens] @ unit[candidates].T
    cosines[tokens[:, None] == candidates] = -np.inf
    return candidates[np.argsort(-cosines, axis=1, kind="stable")[:, : min(count, len(candidates) - 1)]]


def principal_components(unit: NDArray[np.floating], tokens: Ids) -> NDArray[np.floating]:
    """Project the vectors of tokens on their first two principal components.

    Args:
        unit: Vectors (V, D).
        tokens: The tokens (R,).

    Returns:
        Coordinates (R, 2). The largest weight of each component is positive.
    """
    vectors = unit[tokens].astype(np.float64)
    centred = vectors - vectors.mean(0)
    axes = np.linalg.svd(centred, full_matrices=False)[2][:2]  # (2, D)
    largest = np.take_along_axis(axes, np.abs(axes).argmax(1)[:, None], axis=1)
    return centred @ (axes * np.sign(largest)).T


def embedding_map(vectors: NDArray[np.floating], tokenizer: Tokenizer) -> list[tuple[str, float, float]]:
    """Map the first tokens of the vocabulary that consist of letters to the plane.

    Args:
        vectors: The embeddings (V, E).
        tokenizer: The tokenizer.

    Returns:
        The token, x and y of each; empty if there are fewer than two tokens or dimensions.
    """
    words = [tokenizer.id_to_token(token) for token in range(len(vectors))]
    shown = [token for token in range(len(SPECIAL), len(words)) if words[token].strip().isalpha()][:SHOWN]
    if len(shown) < 2 or vectors.shape[1] < 2:
        return []
    points = np.round(principal_components(unit_vectors(vectors), np.asarray(shown)), 4)
    return [(words[token], float(x), float(y)) for token, (x, y) in zip(shown, points, strict=True)]


def _table(unit: NDArray[np.floating], shown: Ids, candidates: Ids, tokenizer: Tokenizer) -> str:
    """Return the table of the tokens `shown`; only its header if there are fewer than two tokens or dimensions."""
    header = "token\tx\ty\tneighbours\n"
    if len(shown) < 2 or unit.shape[1] < 2:
        return header
    neighbours = nearest_neighbours(unit, shown, candidates, NEIGHBOURS)
    lines = zip(shown, principal_components(unit, shown), neighbours, strict=True)
    rows = []
    for token, (x, y), near in lines:
        words = [tokenizer.id_to_token(int(one)) for one in (token, *near)]
        rows.append(f"{words[0]}\t{x:.4f}\t{y:.4f}\t{' '.join(words[1:])}\n")
    return header + "".join(rows)
