"""A model's answers, as the page shows them."""

import math

import numpy as np
from numpy.typing import NDArray

from unroll.params.evaluate import Search
from unroll.serve.schema import Reading, Token, Translation, Word
from unroll.text.tokenizers.vocabulary import FIRST_PREDICTED
from unroll.use import TextModel

BEAM = 5


def read(model: TextModel, name: str, text: str, count: int) -> Reading:
    """Every token of the text with its surprise and with what the model expected there."""
    language_model, cleaned = model.language_model("score"), model.cleaner(text)
    state, tokens, nats = language_model.start(1), [], 0.0
    ids = model.tokenizer.encode(cleaned)
    for token, (start, end) in zip(ids, _places(model, cleaned, ids), strict=True):
        row = np.asarray(language_model.next_log_probs(state)[0], dtype=np.float64)
        nats -= float(row[token])
        bits = -float(row[token]) / math.log(2)
        tokens.append(
            Token(
                token=cleaned[start:end] or model.spellings[token],
                start=start,
                end=end,
                bits=bits if math.isfinite(bits) else None,
                next=_likeliest(row, model.spellings, count),
            )
        )
        state = language_model.advance(state, np.asarray([token]))
    following = [Word(word=one.word, probability=one.probability) for one in model.complete(text, count)]
    perplexity = math.exp(min(nats / len(ids), 700)) if ids and math.isfinite(nats) else None
    return Reading(model=name, text=cleaned, tokens=tokens, next=following, perplexity=perplexity)


def translate(model: TextModel, text: str) -> Translation:
    """The best translation, with what the decoder looked at before each of its tokens."""
    search = Search(beam=BEAM, length_penalty=1.0, coverage_penalty=0.0, max_length_ratio=2.0, max_length_offset=10)
    (found,) = model.translations([text], search)
    if not found:
        return Translation(source=[], target=[], text="", attention=None)
    looked = model.attention(text, found[0])
    if looked is None:
        return Translation(source=[], target=[], text=found[0].text, attention=None)
    weights = np.nan_to_num(looked.weights).tolist()
    return Translation(source=looked.source, target=looked.target, text=found[0].text, attention=weights)


def _likeliest(row: NDArray[np.float64], spellings: list[str], count: int) -> list[Word]:
    best = np.argsort(-row[FIRST_PREDICTED:], kind="stable")[:count] + FIRST_PREDICTED
    return [Word(word=spellings[token], probability=float(np.exp(row[token]))) for token in best]


def _places(model: TextModel, text: str, ids: list[int]) -> list[tuple[int, int]]:
    """Where each token stands in the text: words by looking for them in order, others end to end."""
    places, at = [], 0
    if model.tokenizer.type == "word":
        for piece in model.tokenizer.split(text):  # type: ignore[attr-defined]
            at = text.index(piece, at)
            places.append((at, at + len(piece)))
            at += len(piece)
        return places
    for token in ids:
        spelling = model.spellings[token]
        known = text.startswith(spelling, at)  # else an unknown character, or the bytes of one
        places.append((at, at := min(len(text), at + (len(spelling) if known else 1))))
    return places
