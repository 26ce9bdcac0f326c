"""Correction of grammar by a language model alone (Bryant and Briscoe 2018), without annotated text.

Among the sentences that differ from the typed one by a few edits, the corrector looks for the one with the largest

    log p(sentence) + sum over its edits of log p(edit)

An edit replaces a word by another one of its confusion set or by another inflected form in the vocabulary, inserts a
word that writers leave out, or removes one that they repeat or write where none belongs (`confusions.yaml`). A share
`rate` of the places has an error, and the candidates of a place are equally probable, so
p(edit) = rate / (1 - rate) / candidates. Each step
makes the best edit, until none is better than the sentence as it is.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import regex
from ruamel.yaml import YAML

from unroll.use.correction.spelling import find_words, vocabulary_words
from unroll.use.model import TextModel

MAX_EDITS = 8
"""The maximum number of edits of a sentence."""
SHORTEST_STEM = 2
"""The minimum number of letters of a word before its ending."""
FILE = Path(__file__).with_name("confusions.yaml")
SENTENCE_END = regex.compile(r"(?<=[.!?])\s+")


@dataclass(frozen=True)
class Confusions:
    """What writers confuse."""

    sets: dict[str, list[str]]
    """For each word, the words that can be intended where it is typed."""
    optional: list[str]
    """Words that are left out, or written where none belongs."""
    endings: list[list[str]]
    """Sets of ends of inflected forms."""


@dataclass(frozen=True)
class Edit:
    """A change of a text."""

    start: int
    """The position of its first character in the text before the change."""
    typed: str
    """What is replaced; empty for an insertion."""
    intended: str
    """What replaces it; empty for a removal."""
    gain: float
    """By how many nats the change improves log p(text) + log p(edit)."""


@cache
def read_confusions() -> Confusions:
    """Read the words that writers confuse."""
    content = YAML(typ="safe", pure=True).load(FILE.read_text(encoding="utf-8"))
    sets: dict[str, list[str]] = {}
    for words in content["sets"]:
        for word in words:
            sets.setdefault(word, []).extend(other for other in words if other != word)
    return Confusions(sets, content["optional"], content["endings"])


class Corrector:
    """A corrector of grammar."""

    def __init__(self, model: TextModel, rate: float) -> None:
        """Set the language model and the share of places that have an error, in (0, 1).

        Raises:
            UnrollError: The model is not a language model.
        """
        model.language_model("correct")
        self.model, self.rate, self.confusions = model, rate, read_confusions()
        self.vocabulary = frozenset(vocabulary_words(model))

    def correct(self, text: str) -> tuple[str, list[Edit]]:
        """Correct a text sentence by sentence.

        Args:
            text: The text. A sentence ends with a full stop, a question or exclamation mark before white space.

        Returns:
            The corrected text, and the edits in the order in which they were made, with positions in their sentences.
        """
        edits, done, last = [], "", 0
        for end in [*SENTENCE_END.finditer(text), None]:
            sentence = text[last : end.start() if end else len(text)]
            corrected, made = self.correct_sentence(sentence)
            done += corrected + (end.group() if end else "")
            edits += made
            last = end.end() if end else len(text)
        return done, edits

    def correct_sentence(self, sentence: str) -> tuple[str, list[Edit]]:
        """Correct a sentence. No place is edited twice."""
        edits: list[Edit] = []
        score = self._score([sentence])[0] if sentence.strip() else -math.inf
        while len(edits) < MAX_EDITS and (proposals := self._propose(sentence, edits)):
            texts = [_apply(sentence, start, typed, intended) for start, typed, intended, _ in proposals]
            totals = [total + cost for total, (*_, cost) in zip(self._score(texts), proposals, strict=True)]
            best = max(range(len(totals)), key=totals.__getitem__)
            if not totals[best] > score:
                break
            start, typed, intended, cost = proposals[best]
            edits.append(Edit(start, typed, intended, totals[best] - score))
            sentence, score = texts[best], totals[best] - cost
        return sentence, edits

    def _score(self, texts: Sequence[str]) -> list[float]:
        """Return log p of each text, in nats. Unknown words pay for their spelling."""
        return [line.log_likelihood_with_spelling for line in self.model.score(texts, "correct")]

    def _propose(self, sentence: str, made: Sequence[Edit]) -> list[tuple[int, str, str, float]]:
        """Return (start, typed, intended, log p(edit)) of every edit of a sentence. Undoing an edit is none."""
        words = [*find_words(sentence)]
        found = []
        undone = {(edit.intended.strip(), edit.typed.strip()) for edit in made}
        for index, (start, typed) in enumerate(words):
            lower = typed.lower()
            candidates = [_like(typed, word) for word in self._forms(lower)]
            repeated = index > 0 and words[index - 1][1].lower() == lower
            if repeated or lower in self.confusions.optional:
                candidates.append("")
            candidates = [word for word in candidates if (typed, word) not in undone]
            cost = self._log_prior(len(candidates))
            found += [(start, typed, word, cost) for word in candidates]
            inserted = [word for word in self.confusions.optional if word != lower and ("", word) not in undone]
            cost = self._log_prior(len(inserted))
            found += [(start, "", word + " ", cost) for word in inserted if index or not typed[0].isupper()]
        return found

    def _log_prior(self, candidates: int) -> float:
        return math.log(self.rate / (1 - self.rate) / max(1, candidates))

    def _forms(self, word: str) -> list[str]:
        """Return the words that can be intended where a word is typed: those of its sets, and other inflected forms."""
        forms = dict.fromkeys(self.confusions.sets.get(word, []))
        for endings in self.confusions.endings:
            for ending in endings:
                stem = word[: len(word) - len(ending)]
                if word.endswith(ending) and len(stem) >= SHORTEST_STEM:
                    others = (stem + other for other in endings if other != ending)
                    forms |= dict.fromkeys(other for other in others if other in self.vocabulary)
        return [form for form in forms if form != word]


def _like(typed: str, word: str) -> str:
    """Return a word with a capital letter if the typed one has one."""
    return word[:1].upper() + word[1:] if typed[:1].isupper() else word


def _apply(text: str, start: int, typed: str, intended: str) -> str:
    """Replace `typed` at `start`. A removed word leaves one space, and its capital letter to the next word."""
    before, after = text[:start], text[start + len(typed) :]
    if typed and not intended:
        after = after.lstrip()
        before = before if after[:1].isalnum() else before.rstrip()
        if typed[0].isupper():
            after = after[:1].upper() + after[1:]
    return before + intended + after
