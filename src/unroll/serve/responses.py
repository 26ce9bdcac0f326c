"""The computation of the responses of the JSON API."""

import math
from itertools import chain, pairwise

import numpy as np
from numpy.typing import NDArray

from unroll.serve.schema import PredictResponse, TokenSurprisal, TranslateResponse, WordProbability
from unroll.text.tokenizers.vocabulary import FIRST_PREDICTED, UNK
from unroll.training.perplexity import perplexity
from unroll.use import TextModel
from unroll.use.translation import DEFAULT_SEARCH


def predict(model: TextModel, name: str, text: str, count: int) -> PredictResponse:
    """Compute the surprisal of every token of a text, and the predictions at every position.

    Args:
        model: A language model.
        name: The name of the model.
        text: The text.
        count: The number of predictions per position.

    Returns:
        The response.

    Raises:
        UnrollError: The model is not a language model.
    """
    language_model, cleaned = model.language_model("score"), model.cleaner(text)
    state, tokens, nats = language_model.start(1), [], 0.0
    ids = model.tokenizer.encode(cleaned)
    for token, (start, end) in zip(ids, _token_spans(model, cleaned, ids), strict=True):
        log_probs = np.asarray(language_model.next_log_probs(state)[0], dtype=np.float64)
        nats -= float(log_probs[token])
        bits = -float(log_probs[token]) / math.log(2)
        tokens.append(
            TokenSurprisal(
                token=cleaned[start:end] or model.spellings[token],
                start=start,
                end=end,
                bits=bits if math.isfinite(bits) else None,
                next=_most_probable_tokens(log_probs, model.spellings, count),
            )
        )
        state = language_model.advance(state, np.asarray([token]))
    words = [WordProbability(word=one.word, probability=one.probability) for one in model.complete(text, count)]
    value = perplexity(nats / len(ids)) if ids else math.inf
    shown = value if math.isfinite(value) else None  # JSON has no infinity
    return PredictResponse(model=name, text=cleaned, tokens=tokens, next=words, perplexity=shown)


def translate(model: TextModel, text: str) -> TranslateResponse:
    """Translate a text, and compute the attention of each token of the translation.

    Args:
        model: A translation model.
        text: The text.

    Returns:
        The response; its translation is empty for an empty text.

    Raises:
        UnrollError: The model does not translate.
    """
    (translations,) = model.translate_nbest([text], DEFAULT_SEARCH)
    if not translations:
        return TranslateResponse(source=[], target=[], text="", attention=None)
    best = translations[0]
    if (attention := model.map_attention(text, best)) is None:
        return TranslateResponse(source=[], target=[], text=best.text, attention=None)
    weights = np.nan_to_num(attention.weights).tolist()
    return TranslateResponse(source=attention.source, target=attention.target, text=best.text, attention=weights)


def _most_probable_tokens(log_probs: NDArray[np.float64], spellings: list[str], count: int) -> list[WordProbability]:
    best = np.argsort(-log_probs[FIRST_PREDICTED:], kind="stable")[:count] + FIRST_PREDICTED
    return [WordProbability(word=spellings[token], probability=float(np.exp(log_probs[token]))) for token in best]


def _token_spans(model: TextModel, text: str, ids: list[int]) -> list[tuple[int, int]]:
    """Find the characters of each token in the text, as (start, end).

    A character whose bytes are several tokens belongs to the first of them; the others are empty, behind it.
    """
    if model.tokenizer.type == "word":
        return _word_spans(model, text)
    data, unknown = text.encode(), iter(model.tokenizer.unknown_tokens(text))
    ends, first = [0], 0  # where each token ends, in bytes
    for token in ids:  # tokens are adjacent
        spelling = next(unknown) if token == UNK else model.spellings[token]
        whole = spelling.encode()
        # A token that ends inside a character is spelled as its bytes: <0xE2><0x80>.
        first += len(whole) if data.startswith(whole, first) else spelling.count("<0x")
        ends.append(first)
    begun = [_count_characters(data[:end]) for end in ends]
    return list(pairwise(begun))


def _count_characters(data: bytes) -> int:
    """Return the number of characters that begin in UTF-8 bytes."""
    return sum(byte & 0xC0 != 0x80 for byte in data)


def _word_spans(model: TextModel, text: str) -> list[tuple[int, int]]:
    """Search the words of a text in order. The word that stands for unknown words is one token."""
    first, *others = [
        list(model.tokenizer.split(part))  # type: ignore[attr-defined]
        for part in model.tokenizer.unknown.split(text)
    ]
    words = [*first, *chain.from_iterable([str(model.tokenizer.unknown.word), *part] for part in others)]
    spans, position = [], 0
    for word in words:
        position = text.index(word, position)
        spans.append((position, position + len(word)))
        position += len(word)
    return spans
