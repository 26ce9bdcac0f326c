"""The quality of word vectors by the frequency of words, without human judgements.

At a position of the test text, the word that is there is told from a random word of the same frequency band by the mean
m of the unit vectors of the words nearby, without both words: the answer is correct if the vector of the word that is
there has the larger cosine with m. Chance is 0.5, in every band, so rare words can be compared with frequent ones.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from unroll.evaluation.analysis.embeddings import nearest_neighbours, unit_vectors
from unroll.evaluation.result import Evaluation
from unroll.evaluation.subject import Subject
from unroll.models.base.protocol import WordVectors
from unroll.text.streams import Data, Ids
from unroll.text.tokenizers.base import Tokenizer
from unroll.text.tokenizers.vocabulary import SPECIAL

BANDS = ((1, 9), (10, 99), (100, 999), (1000, None))
"""The smallest and the largest count of a word in the train split; None has no largest."""
WINDOW = 5
"""The number of words nearby on each side."""
EXAMPLES, NEIGHBOURS = 3, 5
"""The number of words of a band whose neighbours are shown, and of their neighbours."""
ROWS = 4096
"""The number of positions that are computed together. It bounds memory."""


def measure(subject: Subject) -> Evaluation | None:
    """Measure word vectors by frequency band, and give the nearest neighbours of words of each band."""
    if not isinstance(subject.model, WordVectors):
        return None
    bands = evaluate(subject.model, subject.data, subject.tokenizer, subject.seed)
    shares = {band["counts"]: band["accuracy"] for band in bands if band["positions"]}
    return Evaluation({"context_accuracy": shares}, diagnostics={"frequency_bands": bands})


def evaluate(model: WordVectors, data: Data, tokenizer: Tokenizer, seed: int) -> list[dict[str, Any]]:
    """Evaluate word vectors by frequency band.

    Args:
        model: The vectors.
        data: The partition.
        tokenizer: The tokenizer of the vectors.
        seed: The seed of the random words and of the examples.

    Returns:
        For each band with at least two words that have a vector: `counts`, such as "10-99"; the number of its `words`;
        the number of `positions` of the test text; the `accuracy`, 0 without positions; and `examples`, words with
        their nearest `neighbours` in the vocabulary.
    """
    counts = np.bincount(data.train.tokens, minlength=data.vocabulary_size)
    unit, usable = unit_vectors(model.vectors), model.known & (np.arange(len(model.vectors)) >= len(SPECIAL))
    centres, contexts = _positions(data.test.documents, usable)
    generator, candidates = np.random.default_rng(seed), np.flatnonzero(usable)
    results = []
    for low, high in BANDS:
        words = np.flatnonzero(usable & (counts >= low) & (counts <= (high or counts.max())))
        if len(words) < 2:
            continue
        here = np.isin(centres, words)
        correct = _compare(unit, centres[here], contexts[here], words, generator)
        shown = np.sort(generator.permutation(words)[:EXAMPLES])
        near = nearest_neighbours(unit, shown, candidates, NEIGHBOURS)
        results.append(
            {
                "counts": f"{low}-{high}" if high else f"{low}-",
                "words": len(words),
                "positions": len(correct),
                "accuracy": float(correct.mean(dtype=np.float64)) if len(correct) else 0.0,
                "examples": [
                    {
                        "word": tokenizer.id_to_token(int(word)),
                        "neighbours": [tokenizer.id_to_token(int(n)) for n in row],
                    }
                    for word, row in zip(shown, near, strict=True)
                ],
            }
        )
    return results


def _positions(documents: Any, usable: NDArray[np.bool_]) -> tuple[Ids, Ids]:
    """Return the words (P,) with a vector, and the words nearby (P, 2 WINDOW) with one; -1 stands for no word.

    A word that is equal to the one in the middle would tell which one that is, so it is left out. So are positions
    without words nearby.
    """
    offsets = np.concatenate([np.arange(-WINDOW, 0), np.arange(1, WINDOW + 1)])
    centres, contexts = [np.zeros(0, np.int64)], [np.zeros((0, len(offsets)), np.int64)]
    for document in documents:
        text = np.pad(np.asarray(document[:-1], dtype=np.int64), WINDOW, constant_values=-1)
        middle = text[WINDOW : len(text) - WINDOW]
        nearby = text[WINDOW + np.arange(len(middle))[:, None] + offsets]
        nearby[(nearby == middle[:, None]) | ~usable[nearby]] = -1
        chosen = usable[middle] & (nearby >= 0).any(1)
        centres.append(middle[chosen])
        contexts.append(nearby[chosen])
    return np.concatenate(centres), np.concatenate(contexts)


def _compare(
    unit: NDArray[np.float32], centres: Ids, contexts: Ids, words: Ids, generator: np.random.Generator
) -> NDArray[np.float64]:
    """Return for each position 1 if its word fits better than another word of `words`, 0.5 if both fit equally."""
    drawn = generator.integers(len(words) - 1, size=len(centres))
    others = words[drawn + (words[drawn] >= centres)]  # every word but that of the position, with equal probability
    results = []
    for at in range(0, len(centres), ROWS):
        rows = slice(at, at + ROWS)
        nearby = (contexts[rows] >= 0) & (contexts[rows] != others[rows, None])
        mean = (unit[contexts[rows]] * nearby[:, :, None]).sum(1)  # (R, D), up to a factor
        margin = ((unit[centres[rows]] - unit[others[rows]]) * mean).sum(1)
        results.append((1 + np.sign(margin)) / 2)
    return np.concatenate(results) if results else np.zeros(0)
