"""Spelling by a noisy channel: of the words that may have been meant, the one with the largest

    p(typed | word) p(word | its neighbours)

p(typed | word) is an edit model (`unroll.use.edits`), the other any language model. Words of the text are decided from
left to right, each with the words before it as they were decided and the words after it as they were typed.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from rapidfuzz import process
from rapidfuzz.distance import OSA

from unroll.errors import UnrollError
from unroll.evaluation.perplexity import BITS_PER_UNKNOWN_BYTE
from unroll.text.vocabulary import EOS, SPECIAL
from unroll.use.edits import EditModel
from unroll.use.model import TextModel

WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
DISTANCE = 2
"""Mistakes in a word at most (optimal string alignment distance)."""
NEAR, KEPT = 200, 25
"""Words within that distance that the edit model looks at, and of these, words that the language model does."""
UNLISTED = -25.0
"""log p that a word which the list lacks was meant, for the edit model alone: two mistakes are likelier."""
BEFORE, AFTER = 100, 30
"""Characters around a word that decide about it."""


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
        candidates = self.candidates(lower)
        totals = np.array([self.edits.log_prob(lower, word) for word in candidates])
        if self.model is None:  # a language model has its own opinion of words that the list lacks
            totals += UNLISTED * np.array([word not in self._known for word in candidates])
        elif len(candidates) > 1:
            totals += self.weight * self._log_probs(candidates, before, after)
        return _as_typed(candidates[int(np.argmax(totals))], lower, typed)

    def candidates(self, typed: str) -> list[str]:
        """Words that may have been meant, the edit model's favourites first; what was typed is one of them."""
        near = process.extract(typed, self.words, scorer=OSA.distance, score_cutoff=DISTANCE, limit=NEAR)
        found = {word for word, _, _ in near} | {typed}
        return sorted(found, key=lambda word: (-self.edits.log_prob(typed, word), word not in self._known, word))[:KEPT]

    def _log_probs(self, candidates: Sequence[str], before: str, after: str | None) -> np.ndarray:
        assert self.model is not None
        model, lead = self.model.language_model("spell"), before[-BEFORE:]
        if len(before) > BEFORE:
            lead = lead.partition(" ")[2]
        tail = (after or "")[:AFTER]
        ends = after is not None and len(after) <= AFTER
        if after and not ends:
            tail = tail.rpartition(" ")[0]
        texts = [self.model.cleaner(lead + word + tail) for word in candidates]
        documents = [np.asarray(ids + [EOS] * ends, np.int64) for ids in self.model.tokenizer.encode_batch(texts)]
        scores = [float(np.sum(row, dtype=np.float64)) for row in model.log_probs(documents)]
        spelt = [sum(len(piece.encode()) + 1 for piece in self.model.tokenizer.unknown(text)) for text in texts]
        # An impossible context is impossible for every candidate: then the edit model decides.
        finite = np.maximum(scores, -1e9)
        return finite - BITS_PER_UNKNOWN_BYTE * np.log(2) * np.asarray(spelt)

    def _cased(self, word: str) -> str:
        return word if self.model is not None and not self.model.cleaner.lowercase else word.lower()


def words_of(model: TextModel) -> list[str]:
    """The words of a model's vocabulary; none where its tokens are characters or pieces."""
    if model.tokenizer.level != "word":
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


def _as_typed(word: str, lower: str, typed: str) -> str:
    if word == lower:
        return typed
    if typed.isupper() and len(typed) > 1:
        return word.upper()
    return word[:1].upper() + word[1:] if typed[:1].isupper() else word
