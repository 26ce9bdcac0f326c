"""Texts in one language, texts in another out."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unroll.evaluation.tasks import translation
from unroll.evaluation.tasks.attention import alignment
from unroll.models.base.protocol import ConditionalModel
from unroll.params.evaluate import Search
from unroll.text.streams import Ids
from unroll.text.tokenizers.base import Tokenizer
from unroll.text.tokenizers.vocabulary import EOS

TOGETHER = 64
"""Sentences that are searched together."""


@dataclass(frozen=True)
class Translated:
    text: str
    tokens: Ids
    log_prob: float
    """log p(text | source), nats."""
    rank: float
    """What the translations are ordered by: log_prob, normalised by length and coverage."""


@dataclass(frozen=True)
class Attended:
    """Where a model looked: weights[t, s] of source[s] when target[t] was predicted."""

    source: list[str]
    target: list[str]
    weights: NDArray[np.floating]


def translations(
    model: ConditionalModel, source: Tokenizer, target: Tokenizer, texts: Sequence[str], search: Search
) -> list[list[Translated]]:
    """The best translations of each clean text, best first; none where there is no word to translate."""
    sources = [_ids(source, text) for text in texts]
    worded = [row for row, ids in enumerate(sources) if len(ids)]
    searched = translation.translate(model, [sources[row] for row in worded], TOGETHER, search)
    results: list[list[Translated]] = [[] for _ in texts]
    for row, found in zip(worded, searched, strict=True):
        results[row] = [Translated(target.decode(one.tokens), one.tokens, one.log_prob, one.rank) for one in found]
    return results


def attended(
    model: ConditionalModel, source: Tokenizer, target: Tokenizer, text: str, answer: Translated
) -> Attended | None:
    """The attention behind `answer`, a translation of `text`; None of a model without attention."""
    ids, answered = np.append(_ids(source, text), EOS), np.append(answer.tokens, EOS)
    if (weights := alignment(model, ids[:-1], answered)) is None:
        return None
    return Attended([source.token(int(t)) for t in ids], [target.token(int(t)) for t in answered], weights)


def _ids(tokenizer: Tokenizer, text: str) -> Ids:
    return np.asarray(tokenizer.encode(text), dtype=np.int64)
