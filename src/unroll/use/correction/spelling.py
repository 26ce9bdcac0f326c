"""Spelling correction by a noisy channel (Kernighan, Church and Gale 1990).

Among the candidates of a typed word, the corrector chooses the word with the largest

    p(typed | word) p(word | context)^weight

p(typed | word) is an edit model (`unroll.use.correction.edit_model`). p(word | context) is any language model: the
probability of the word and of the text after it. Words are decided from left to right, with the corrected words before
them and the typed words after them. Every typed word is a candidate, too. An unlisted word has the probability of
`<unk>` times p(its characters). Without a language model, all words of the list are equally probable.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
import regex
from numpy.typing import NDArray
from rapidfuzz import process
from rapidfuzz.distance import OSA

from unroll.errors import UnrollError
from unroll.text.tokenizers.vocabulary import EOS, SPECIAL
from unroll.use.correction.character_model import CharacterModel
from unroll.use.correction.edit_model import EditModel
from unroll.use.model import TextModel
from unroll.use.tuning import choose_setting

WORD = regex.compile(r"\p{L}[\p{L}\p{M}\u200c\u200d]*(?:['’]\p{L}[\p{L}\p{M}\u200c\u200d]*)*")
"""Letters with their marks. The joiners U+200C and U+200D stand inside words of some scripts."""
PIECE = regex.compile(
    r"(?P<literal>(?:[A-Za-z][A-Za-z0-9+.-]*://|www\.|mailto:|[A-Za-z]:[\\/])\S+)|[^\s,;:!?()\[\]{}<>\"“”„«»|–—…]+"
)
"""An address, or whatever stands between white space and punctuation."""
LITERAL = regex.compile(r"[@#\\_\p{N}]|\w\.\w|^[.~]*/|/.*/")
"""What no word contains: signs of mail addresses and names, digits, a full stop or slashes as in names of files."""
MAX_DISTANCE = 2
"""The maximum number of errors in a word (optimal string alignment distance)."""
MAX_NEIGHBOURS = 200
"""The number of words within that distance that the edit model scores."""
MAX_CANDIDATES = 25
"""The number of those words that the language model scores."""
UNLISTED = 0.05
"""The probability that a word is not in the list. It is used only without a language model."""
CHARACTERS_BEFORE, CHARACTERS_AFTER = 100, 30
"""The length of the context of a word."""
CACHE_SIZE = 1 << 14
WEIGHTS = (0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0)
"""The grid of weights of the language model."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Correction:
    """A word that was changed."""

    start: int
    """The position of its first character in the typed text."""
    typed: str
    """The typed word."""
    word: str
    """The corrected word."""


@dataclass
class Speller:
    """A spelling corrector."""

    model: TextModel | None
    """The language model; None for the edit model alone."""
    words: Sequence[str]
    """The words that can be intended."""
    edits: EditModel = field(default_factory=EditModel)
    """The edit model."""
    weight: float = 1.0
    """The weight of the language model's log p."""

    def __post_init__(self) -> None:
        if not self.words:
            raise UnrollError("spell: no words to choose from; name a list of words, one per line, with --words")
        self._listed = set(self.words)
        self._characters = CharacterModel(self.words)
        self._channel = lru_cache(CACHE_SIZE)(self._find_candidates)
        self._language = lru_cache(CACHE_SIZE)(self._score_candidates)

    def correct(self, text: str) -> tuple[str, list[Correction]]:
        """Correct all words of a text.

        Args:
            text: The text. A text of one word is corrected as an entry of a list, not as a sentence.

        Returns:
            The corrected text, in which everything but words is unchanged, and the corrections. Addresses, names of
            files, numbers and other strings with signs that no word contains are no words.
        """
        corrections, done, last = [], "", 0
        single = WORD.fullmatch(text.strip()) is not None
        for start, typed in find_words(text):
            done += text[last:start]
            last = start + len(typed)
            word = self.correct_word(typed, done, None if single else text[last:])
            if word != typed:
                corrections.append(Correction(start, typed, word))
            done += word
        return done + text[last:], corrections

    def correct_word(self, typed: str, before: str = "", after: str | None = None) -> str:
        """Choose the most probable intended word.

        Args:
            typed: The typed word.
            before: The text before it.
            after: The text after it; None for a single word, after which not even `<eos>` is expected.

        Returns:
            The word, in the case of the typed word.
        """
        lower = self._lower(typed)
        candidates, channel = self._channel(lower)
        if len(candidates) == 1:
            return typed
        if self.model is None or not self.weight:
            prior = np.array([self._log_prior(word) for word in candidates])
        else:
            prior = self.weight * self._language(candidates, *_crop_context(before, after))
        return _restore_case(candidates[int(np.argmax(channel + prior))], lower, typed)

    def _log_prior(self, word: str) -> float:
        """Return log p(word) without a language model."""
        if word in self._listed:
            return math.log((1 - UNLISTED) / len(self._listed))
        return math.log(UNLISTED) + self._characters.log_prob(word)

    def _find_candidates(self, typed: str) -> tuple[tuple[str, ...], Floats]:
        """Find the words that can be intended, the typed word among them, with log p(typed | word), largest first."""
        near = process.extract(typed, self.words, scorer=OSA.distance, score_cutoff=MAX_DISTANCE, limit=MAX_NEIGHBOURS)
        if not near:  # this also avoids the alignment of very long words
            return (typed,), np.zeros(1)
        log_probs = {word: self.edits.log_prob(typed, word) for word in {typed, *(word for word, _, _ in near)}}
        ranked = sorted(log_probs, key=lambda word: (-log_probs[word], word not in self._listed, word))
        candidates = ranked[:MAX_CANDIDATES]
        return tuple(candidates), np.array([log_probs[word] for word in candidates])

    def _score_candidates(self, candidates: Sequence[str], before: str, after: str, ends: bool) -> Floats:
        """Compute log p of the context with each candidate, up to a constant, in nats."""
        assert self.model is not None
        model, tokenizer = self.model.language_model("spell"), self.model.tokenizer
        texts = [self.model.cleaner(before + word + after) for word in candidates]
        documents = [np.asarray(ids + [EOS] * ends, np.int64) for ids in tokenizer.encode_batch(texts)]
        scores = [float(np.sum(row, dtype=np.float64)) for row in model.log_probs(documents)]
        spellings = [math.fsum(map(self._characters.log_prob, tokenizer.unknown_tokens(text))) for text in texts]
        # An impossible context is impossible for every candidate, so that the edit model decides.
        return np.maximum(scores, -1e9) + np.asarray(spellings)

    def _lower(self, word: str) -> str:
        """Lower-case a word, unless the language model distinguishes case."""
        return word if self.model is not None and not self.model.cleaner.lowercase else word.lower()


def find_words(text: str) -> Iterator[tuple[int, str]]:
    """Yield the position and the text of each word that can be corrected."""
    for piece in PIECE.finditer(text):
        if not piece["literal"] and not LITERAL.search(piece.group()):
            for word in WORD.finditer(text, piece.start(), piece.end()):
                yield word.start(), word.group()


def _crop_context(before: str, after: str | None) -> tuple[str, str, bool]:
    """Return the whole words around a word that are scored with it, and whether the text ends after them."""
    if len(before) > CHARACTERS_BEFORE:
        before = before[-CHARACTERS_BEFORE:].partition(" ")[2]
    if after is None or len(after) <= CHARACTERS_AFTER:
        return before, after or "", after is not None
    return before, after[:CHARACTERS_AFTER].rpartition(" ")[0], False


def vocabulary_words(model: TextModel) -> list[str]:
    """Return the words of a model's vocabulary; an empty list if its tokens are characters or subwords."""
    if model.tokenizer.type != "word":
        return []
    return [word for word in model.spellings[len(SPECIAL) :] if WORD.fullmatch(word)]


def parse_pairs(lines: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Parse lines "right: wrong wrong ...".

    Args:
        lines: (location, line); the location begins the error message.

    Returns:
        (right, wrong) pairs of words in lower case.

    Raises:
        UnrollError: A line has another form.
    """
    pairs = []
    for location, line in lines:
        right, colon, wrongs = line.partition(":")
        if not colon or not right.strip() or not wrongs.split():
            raise UnrollError(
                f'{location}: is not "right: wrong wrong ..."; write the right word, a colon and wrong spellings'
            )
        pairs += [(right.strip().lower(), wrong.lower()) for wrong in wrongs.split()]
    return pairs


def accuracy(speller: Speller, pairs: Sequence[tuple[str, str]]) -> float:
    """Return the share of (right, wrong) pairs whose wrong word, without context, is corrected to the right one."""
    return sum(speller.correct_word(wrong) == right for right, wrong in pairs) / len(pairs)


def tune_weight(speller: Speller, pairs: Sequence[tuple[str, str]]) -> float:
    """Set the weight of the language model to one of WEIGHTS, or keep it, for few wrong words (`unroll.use.tuning`).

    Args:
        speller: The corrector, whose weight is changed unless the texts do not speak against it.
        pairs: (typed, intended) texts.

    Returns:
        The weight.
    """
    start = speller.weight
    weights, wrong = (start, *WEIGHTS), []
    for speller.weight in weights:  # the scores of the language model are cached
        wrong.append([sum(marks) for marks in mark_wrong_words(speller, pairs)])
    chosen = choose_setting(np.asarray(wrong).T, [abs(weight - start) for weight in weights])
    speller.weight = weights[chosen]
    return speller.weight


def mark_wrong_words(speller: Speller, pairs: Sequence[tuple[str, str]]) -> list[list[bool]]:
    """Correct texts and mark the words that are wrong afterwards.

    Args:
        speller: The corrector.
        pairs: (typed, intended) texts with the same number of words, separated by white space.

    Returns:
        For each text, whether each of its words is wrong.
    """
    marks = []
    for typed, intended in pairs:
        corrected = speller.correct(typed)[0].split()
        marks.append([word != right for word, right in zip(corrected, intended.split(), strict=True)])
    return marks


def _restore_case(word: str, lower: str, typed: str) -> str:
    if word == lower:
        return typed
    if typed.isupper() and len(typed) > 1:
        return word.upper()
    return word[:1].upper() + word[1:] if typed[:1].isupper() else word
