"""Spelling by a noisy channel (Kernighan, Church and Gale 1990): of the words that may have been meant, the one with
the largest

    p(typed | word) p(word | its neighbours)^weight

p(typed | word) is an edit model (`unroll.use.edit_model`), the other any language model: the word's own probability and that
of what follows it. Words are decided from left to right, each with the words before it as they were decided and the
words after it as they were typed. Any word may be wrong, and any may be right, also one that no list has: as probable
as an unknown word is there, times p(its letters). Without a language model all words of the list are equally probable.
"""

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import process
from rapidfuzz.distance import OSA

from unroll.errors import UnrollError
from unroll.text.tokenizers.vocabulary import EOS, SPECIAL
from unroll.use.character_model import Letters
from unroll.use.edit_model import EditModel
from unroll.use.model import TextModel

WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
DISTANCE = 2
"""Mistakes in a word at most (optimal string alignment distance)."""
NEAR, KEPT = 200, 25
"""Words within that distance that the edit model looks at, and of these, words that the language model does."""
UNLISTED = 0.05
"""Share of words that the list lacks, for the edit model alone; a language model has its own opinion."""
BEFORE, AFTER = 100, 30
"""Characters around a word that decide about it."""
CACHED = 1 << 14
WEIGHTS = (0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0)

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Correction:
    """What became of a word that was typed."""

    start: int
    typed: str
    word: str


@dataclass
class Speller:
    model: TextModel | None
    """None: the edit model alone."""
    words: Sequence[str]
    """That may be meant."""
    edits: EditModel = field(default_factory=EditModel)
    weight: float = 1.0
    """Of the language model's log p."""

    def __post_init__(self) -> None:
        if not self.words:
            raise UnrollError("spell: no words to choose from; name a list of words, one per line, with --words")
        self._known = set(self.words)
        self._letters = Letters(self.words)
        self._channel = lru_cache(CACHED)(self._near)
        self._context = lru_cache(CACHED)(self._log_probs)

    def correct(self, text: str) -> tuple[str, list[Correction]]:
        """The text with its words corrected, and the corrections; what is no word is left as it is. A text of one word
        is taken as an entry of a list, not as a sentence."""
        changes, done, last = [], "", 0
        alone = WORD.fullmatch(text.strip()) is not None
        for match in WORD.finditer(text):
            done += text[last : match.start()]
            typed, last = match.group(), match.end()
            word = self.best(typed, done, None if alone else text[last:])
            if word != typed:
                changes.append(Correction(match.start(), typed, word))
            done += word
        return done + text[last:], changes

    def best(self, typed: str, before: str = "", after: str | None = None) -> str:
        """The word most probably meant, in the case it was typed in. After a word that stands alone (`after` is None)
        nothing is expected, not even an end."""
        lower = self._cased(typed)
        candidates, channel = self._channel(lower)
        if len(candidates) == 1:
            return typed
        if self.model is None or not self.weight:
            prior = np.array([self._prior(word) for word in candidates])
        else:
            prior = self.weight * self._context(candidates, *_around(before, after))
        return _as_typed(candidates[int(np.argmax(channel + prior))], lower, typed)

    def _prior(self, word: str) -> float:
        if word in self._known:
            return math.log((1 - UNLISTED) / len(self._known))
        return math.log(UNLISTED) + self._letters.log_prob(word)

    def _near(self, typed: str) -> tuple[tuple[str, ...], Floats]:
        """Words that may have been meant, what was typed among them, and log p(typed | each), the largest first."""
        near = process.extract(typed, self.words, scorer=OSA.distance, score_cutoff=DISTANCE, limit=NEAR)
        if not near:  # also of a "word" of any length
            return (typed,), np.zeros(1)
        log_probs = {word: self.edits.log_prob(typed, word) for word in {typed, *(word for word, _, _ in near)}}
        best = sorted(log_probs, key=lambda word: (-log_probs[word], word not in self._known, word))[:KEPT]
        return tuple(best), np.array([log_probs[word] for word in best])

    def _log_probs(self, candidates: Sequence[str], before: str, after: str, ends: bool) -> Floats:
        """log p of the text with each candidate in its place, nats; what is the same for all may be left out."""
        assert self.model is not None
        model, tokenizer = self.model.language_model("spell"), self.model.tokenizer
        texts = [self.model.cleaner(before + word + after) for word in candidates]
        documents = [np.asarray(ids + [EOS] * ends, np.int64) for ids in tokenizer.encode_batch(texts)]
        scores = [float(np.sum(row, dtype=np.float64)) for row in model.log_probs(documents)]
        spelt = [sum(map(self._letters.log_prob, tokenizer.unknown(text))) for text in texts]
        # An impossible context is impossible for every candidate: then the edit model decides.
        return np.maximum(scores, -1e9) + np.asarray(spelt)

    def _cased(self, word: str) -> str:
        return word if self.model is not None and not self.model.cleaner.lowercase else word.lower()


def _around(before: str, after: str | None) -> tuple[str, str, bool]:
    """What decides about a word: whole words before it and after it, and whether the text ends with them."""
    if len(before) > BEFORE:
        before = before[-BEFORE:].partition(" ")[2]
    if after is None or len(after) <= AFTER:
        return before, after or "", after is not None
    return before, after[:AFTER].rpartition(" ")[0], False


def words_of(model: TextModel) -> list[str]:
    """The words of a model's vocabulary; none where its tokens are characters or pieces."""
    if model.tokenizer.type != "word":
        return []
    return [word for word in model.spellings[len(SPECIAL) :] if WORD.fullmatch(word)]


def pairs_of(lines: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """(right, wrong) pairs of lines "right: wrong wrong ..."; `lines` are (place, text), the place for the error."""
    pairs = []
    for where, line in lines:
        right, colon, wrongs = line.partition(":")
        if not colon or not right.strip() or not wrongs.split():
            raise UnrollError(f'{where}: is not "right: wrong wrong ..."; write the right word, a colon, wrong ones')
        pairs += [(right.strip().lower(), wrong.lower()) for wrong in wrongs.split()]
    return pairs


def accuracy(speller: Speller, pairs: Sequence[tuple[str, str]]) -> float:
    """Share of the wrong words that are corrected to the right one, each standing alone."""
    return sum(speller.best(wrong) == right for right, wrong in pairs) / len(pairs)


def tune(speller: Speller, pairs: Sequence[tuple[str, str]]) -> float:
    """Set the speller's weight to that of WEIGHTS with which the fewest words of (typed, meant) texts end up wrong; of
    equals the smallest."""
    wrong = {}
    for speller.weight in WEIGHTS:  # what the language model said is remembered from one to the next
        wrong[speller.weight] = sum(map(sum, mistakes(speller, pairs)))
    speller.weight = min(wrong, key=lambda weight: (wrong[weight], weight))
    return speller.weight


def mistakes(speller: Speller, pairs: Sequence[tuple[str, str]]) -> list[list[bool]]:
    """Which words are wrong after the correction of each of the (typed, meant) texts; words are what stands between
    white space, as many typed as meant."""
    found = []
    for typed, meant in pairs:
        corrected = speller.correct(typed)[0].split()
        found.append([one != other for one, other in zip(corrected, meant.split(), strict=True)])
    return found


def _as_typed(word: str, lower: str, typed: str) -> str:
    if word == lower:
        return typed
    if typed.isupper() and len(typed) > 1:
        return word.upper()
    return word[:1].upper() + word[1:] if typed[:1].isupper() else word
