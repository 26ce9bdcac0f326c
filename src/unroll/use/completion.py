"""The most probable next words, whatever a model's tokens are.

Over words a token is a word. Over characters or pieces a word is any sequence of tokens up to a border, so that

    p(word | context) = sum_{tokens that spell it} p(tokens | context) p(a border next | context, tokens)

and the words with the largest p are sought by a short beam. A border is white space, `<eos>`, or a sign after a word.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unroll.models.base.protocol import LanguageModel
from unroll.text.cleaner import Cleaner
from unroll.text.tokenizers.base import Tokenizer
from unroll.text.tokenizers.vocabulary import EOS, SPECIAL

BEAM, LONGEST = 24, 24
"""Beginnings of words that are kept, and tokens of the longest word that is found."""


@dataclass(frozen=True)
class Completion:
    word: str
    log_prob: float
    """Of this word as the next one (nats), given that it begins as the text does, where the text's last word is only
    begun: then relative to the words that begin so and were found."""

    @property
    def probability(self) -> float:
        return math.exp(self.log_prob)


def complete(
    model: LanguageModel[Any],
    tokenizer: Tokenizer,
    cleaner: Cleaner,
    spellings: Sequence[str],
    text: str,
    count: int,
    partial: bool,
) -> list[Completion]:
    """The `count` most probable next words after `text`. With `partial`, characters after the last space are the
    beginning of the word that is sought."""
    begun = ""
    if partial and text and not text[-1].isspace():
        head, _, tail = text.rpartition(" ")
        text, begun = head, cleaner(tail)
    context = cleaner(text)
    state = model.start(1)
    for token in tokenizer.encode(context):
        state = model.advance(state, np.asarray([token]))
    if tokenizer.type == "word":
        found = _words(model.next_log_probs(state)[0], spellings, begun)
    else:
        found = _spelt(model, state, np.asarray(spellings, dtype=object), " " if context else "", begun)
    best = sorted(found, key=lambda one: (-one.log_prob, one.word))
    if begun:
        mass = np.logaddexp.reduce([one.log_prob for one in best]) if best else 0.0
        best = [Completion(one.word, float(one.log_prob - mass)) for one in best]
    return best[:count]


def _words(log_probs: NDArray, spellings: Sequence[str], begun: str) -> list[Completion]:
    return [
        Completion(spellings[token], float(log_probs[token]))
        for token in range(len(SPECIAL), len(spellings))
        if spellings[token].startswith(begun) and log_probs[token] > -math.inf
    ]


def _spelt(model: LanguageModel[Any], state: Any, spellings: NDArray, lead: str, begun: str) -> list[Completion]:
    """`lead` is the white space between the context and the word."""
    usable = np.arange(len(spellings)) >= len(SPECIAL)
    usable &= np.array([not text.startswith("<0x") for text in spellings])  # a part of a character cannot be shown
    spaced = np.array([text[:1].isspace() for text in spellings]) & usable
    signs = np.array([not (text[:1].isalnum() or text[:1] in "_'’") for text in spellings]) & usable & ~spaced
    wanted = lead + begun
    texts, log_probs = [""], np.zeros(1)
    found: dict[str, float] = {}
    for _ in range(LONGEST):
        following = np.asarray(model.next_log_probs(state), dtype=np.float64)  # (B, V)
        for row, text in enumerate(texts):
            word = text[len(lead) :]
            if word and text.startswith(wanted):
                ends = spaced | (signs if word[-1].isalnum() else usable & ~spaced & ~signs)
                border = np.logaddexp.reduce([*following[row, ends], following[row, EOS]])
                found[word] = float(np.logaddexp(found.get(word, -np.inf), log_probs[row] + border))
        joint = log_probs[:, None] + np.where(usable, following, -np.inf)
        for row, text in enumerate(texts):
            allowed = _allowed(text, spellings, spaced, signs, lead, wanted)
            joint[row, ~allowed] = -np.inf
        flat = joint.ravel()
        best = np.argpartition(-flat, min(BEAM, flat.size - 1))[:BEAM]
        best = best[np.isfinite(flat[best])]
        if not best.size or (len(found) >= BEAM and flat[best].max() < sorted(found.values())[-BEAM]):
            break
        rows, tokens = np.divmod(best, len(spellings))
        texts = [texts[row] + spellings[token] for row, token in zip(rows, tokens, strict=True)]
        log_probs, state = flat[best], model.advance(model.select(state, rows), tokens)
    return [Completion(word, log_prob) for word, log_prob in found.items()]


def _allowed(
    text: str, spellings: NDArray, spaced: NDArray, signs: NDArray, lead: str, wanted: str
) -> NDArray[np.bool_]:
    """Tokens that go on with the same word, and with the beginning that is wanted."""
    word = text[len(lead) :]
    if len(text) < len(lead):
        kind = spaced
    elif not word:
        kind = ~spaced
    else:  # letters go on with letters, signs with signs
        kind = ~spaced & (~signs if word[-1].isalnum() or word[-1] in "_'’" else signs)
    if len(text) < len(wanted):
        rest = wanted[len(text) :]
        kind = kind & np.array([rest.startswith(token) or token.startswith(rest) for token in spellings])
    return kind
