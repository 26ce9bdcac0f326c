"""The normal form of a text: what cleaning leaves of it. A model keeps the same rules for what it is asked about."""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any
from unicodedata import normalize

from unroll.params.corpora import Corpus
from unroll.text.html import without_markup

CONTROL = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f]")
INVISIBLE = re.compile("[\u00ad\u200b\u2060\ufeff]")
NO_LETTERS = re.compile("[^A-Za-z]+")

PRESETS: dict[str, Callable[[str], str]] = {
    "plain": lambda text: " ".join(text.split()),
    "layout": lambda text: text,
    "letters": lambda text: NO_LETTERS.sub(" ", text).strip(),
}


@dataclass(frozen=True)
class Cleaner:
    """Called with a text it gives what the params of its corpus want of it, in Unicode NFC.

    The order is: markup, control and invisible characters, case, NFC, white space. Cleaning twice changes nothing (but
    for `markup: html`, where "&amp;lt;" needs twice). The fields are those of `unroll.params.corpora`.
    """

    cleaning: str
    invisible: str
    lowercase: bool
    markup: str
    dropped: Counter[str] = field(default_factory=Counter, compare=False)
    """Characters dropped so far, by reason."""

    @staticmethod
    def params_of(corpus: Corpus) -> dict[str, Any]:
        """What of a corpus' params its Cleaner is made of."""
        return {name.name: getattr(corpus, name.name) for name in fields(Cleaner) if name.name != "dropped"}

    def __call__(self, text: str) -> str:
        if self.markup == "html":
            text = without_markup(text)
        if not text.isprintable():  # a line of a clean text is; that is cheap to know
            text = self._without(CONTROL, "control_characters", text)
            if self.invisible == "drop":
                text = self._without(INVISIBLE, "invisible_characters", text)
        if self.lowercase:
            text = text.lower()
        if not text.isascii():
            text = normalize("NFC", text)
        return PRESETS[self.cleaning](text)

    def _without(self, characters: re.Pattern[str], reason: str, text: str) -> str:
        text, count = characters.subn("", text)
        self.dropped[reason] += count
        return text
