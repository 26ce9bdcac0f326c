"""Translations of texts by beam search, and the attention behind them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unroll.evaluation.tasks import translation
from unroll.models.base.protocol import ConditionalModel
from unroll.params.evaluate import Search
from unroll.text.streams import Ids
from unroll.text.tokenizers.base import Tokenizer
from unroll.text.tokenizers.vocabulary import EOS

DEFAULT_SEARCH = Search(beam=5, length_penalty=1.0, coverage_penalty=0.0, max_length_ratio=2.0, max_length_offset=10)
"""The beam search of Python, the command line and the page where nothing else is chosen."""
BATCH_SIZE = 64
"""The number of sentences that are searched together. It changes the speed, never a result."""


@dataclass(frozen=True)
class Translation:
    """One translation of a text."""

    text: str
    """The translation."""
    tokens: Ids
    """Its tokens, without `<eos>`."""
    log_prob: float
    """log p(translation | source) in nats."""
    rank: float
    """The value that translations are ordered by: `log_prob`, normalised by length and coverage."""


@dataclass(frozen=True)
class AttentionMap:
    """The attention behind a translation: weights[t, s] of source[s] when target[t] is predicted."""

    source: list[str]
    """The source tokens, `<eos>` included."""
    target: list[str]
    """The target tokens, `<eos>` included."""
    weights: NDArray[np.floating]
    """(target tokens, source tokens); each row sums to one."""


def change_search(**settings: float | None) -> Search:
    """Return the default search with other settings.

    Args:
        settings: Fields of `Search`. None keeps the default.

    Returns:
        The search.

    Raises:
        pydantic.ValidationError: A setting is out of its range.
    """
    changed = {name: value for name, value in settings.items() if value is not None}
    return Search.model_validate(DEFAULT_SEARCH.model_dump() | changed)


def translate(
    model: ConditionalModel, source: Tokenizer, target: Tokenizer, texts: Sequence[str], search: Search
) -> list[list[Translation]]:
    """Translate clean texts.

    Args:
        model: The translation model.
        source: The tokenizer of the texts.
        target: The tokenizer of the translations.
        texts: Texts that are cleaned as the training corpus was.
        search: The settings of the beam search.

    Returns:
        At most `search.beam` translations of each text, best first; an empty list for a text without a token.
    """
    sources = [_encode(source, text) for text in texts]
    rows = [row for row, ids in enumerate(sources) if len(ids)]
    hypotheses = translation.translate(model, [sources[row] for row in rows], BATCH_SIZE, search)
    results: list[list[Translation]] = [[] for _ in texts]
    for row, ranked in zip(rows, hypotheses, strict=True):
        results[row] = [Translation(target.decode(one.tokens), one.tokens, one.log_prob, one.score) for one in ranked]
    return results


def sample(
    model: ConditionalModel,
    source: Tokenizer,
    target: Tokenizer,
    text: str,
    search: Search,
    temperature: float,
    seed: int,
) -> str:
    """Translate a clean text by drawing each token from the distribution of the model.

    Args:
        model: The translation model.
        source: The tokenizer of the text.
        target: The tokenizer of the translation.
        text: A text that is cleaned as the training corpus was.
        search: Its maximum length is that of the translation.
        temperature: Log-probabilities are divided by it; 0 is greedy search.
        seed: The random seed.

    Returns:
        The translation; empty for a text without a token.
    """
    if not len(ids := _encode(source, text)):
        return ""
    (tokens,) = translation.sample(model, [ids], 1, search, temperature, seed)
    return target.decode(tokens)


def map_attention(
    model: ConditionalModel, source: Tokenizer, target: Tokenizer, text: str, result: Translation
) -> AttentionMap | None:
    """Compute the attention behind a translation.

    Args:
        model: The translation model.
        source: The tokenizer of the text.
        target: The tokenizer of the translation.
        text: The clean text.
        result: A translation of it.

    Returns:
        The attention, or None if the model has no attention.
    """
    source_ids, target_ids = np.append(_encode(source, text), EOS), np.append(result.tokens, EOS)
    if (weights := translation.attention_weights(model, source_ids[:-1], target_ids)) is None:
        return None
    return AttentionMap(
        [source.id_to_token(int(token)) for token in source_ids],
        [target.id_to_token(int(token)) for token in target_ids],
        weights,
    )


def _encode(tokenizer: Tokenizer, text: str) -> Ids:
    return np.asarray(tokenizer.encode(text), dtype=np.int64)
