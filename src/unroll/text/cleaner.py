"""Cleaning of one text: markup, control and invisible characters, case, Unicode normalization and white space.

Stage clean applies it to a corpus. A trained model keeps the same settings and applies them to its input.
"""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from unicodedata import normalize

from unroll.params.corpora import Corpus

CONTROL = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f]")
INVISIBLE = re.compile("[\u00ad\u200b\u2060\ufeff]")
NO_LETTERS = re.compile("[^A-Za-z]+")

PRESETS: dict[str, Callable[[str], str]] = {
    "plain": lambda text: " ".join(text.split()),
    "layout": lambda text: text,
    "letters": lambda text: NO_LETTERS.sub(" ", text).strip(),
}

INLINE_TAGS = frozenset(
    "a abbr b big cite code em font i kbd mark q s small span strong sub sup tt u var".split()  # noqa: SIM905
)
"""HTML tags that occur inside words. Every other tag separates words."""
INVISIBLE_TAGS = ("script", "style")
"""HTML tags whose content a browser does not display."""
GENERATED = {"documents": "source", "encoding": "utf-8", "errors": "strict", "markup": "keep"}
"""How generated corpora are read: their files have one format, so params.yaml has no such settings for them."""


def read_setting(params: Corpus, name: str) -> str:
    """Return a setting of how a corpus is read, a key of `GENERATED`."""
    return str(getattr(params, name, GENERATED[name]))


def cleaner_settings(params: Corpus) -> dict[str, Any]:
    """Return the settings of a corpus that its `Cleaner` is made from."""
    settings = {name: getattr(params, name) for name in ("cleaning", "invisible", "lowercase")}
    return settings | {"markup": read_setting(params, "markup")}


@dataclass(frozen=True)
class Cleaner:
    """Cleans one text by the settings of its corpus, which `unroll.params.cleaning` defines.

    The steps are, in this order: markup, control and invisible characters, case, Unicode NFC, white space. Cleaning is
    idempotent, except for `markup: html`, which turns "&amp;lt;" into "&lt;" and then into "<".
    """

    cleaning: str
    """A key of `PRESETS`."""
    invisible: str
    """`keep` or `drop`."""
    lowercase: bool
    """Whether the text is lower-cased."""
    markup: str
    """`keep` or `html`."""
    removed: Counter[str] = field(default_factory=Counter, compare=False)
    """The number of characters removed so far, by reason."""

    def __call__(self, text: str) -> str:
        """Return the clean text."""
        if self.markup == "html":
            text = strip_html(text)
        if not text.isprintable():  # printable text has no control or invisible characters
            text = self._remove(CONTROL, "control_characters", text)
            if self.invisible == "drop":
                text = self._remove(INVISIBLE, "invisible_characters", text)
        if self.lowercase:
            text = text.lower()
        if not text.isascii():
            text = normalize("NFC", text)
        return PRESETS[self.cleaning](text)

    def _remove(self, characters: re.Pattern[str], reason: str, text: str) -> str:
        text, count = characters.subn("", text)
        self.removed[reason] += count
        return text


def strip_html(text: str) -> str:
    """Return the text that a browser displays: tags and comments are removed, and entities become characters."""
    if "<" not in text and "&" not in text:
        return text
    parser = _TextParser()
    parser.feed(text)
    parser.close()
    return "".join(parser.parts)


class _TextParser(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self.displayed = True

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.displayed = tag not in INVISIBLE_TAGS
        self._separate(tag)

    def handle_endtag(self, tag: str) -> None:
        self.displayed = True
        self._separate(tag)

    def handle_data(self, data: str) -> None:
        if self.displayed:
            self.parts.append(data)

    def _separate(self, tag: str) -> None:
        if tag not in INLINE_TAGS:
            self.parts.append(" ")
