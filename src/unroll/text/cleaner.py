"""Cleaning of one text: markup, control and invisible characters, case, Unicode normalization and white space.

Stage clean applies it to a corpus. A trained model keeps the same settings and applies them to its input.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from itertools import chain
from typing import Any
from unicodedata import normalize

from unroll.errors import UnrollError
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
HIDDEN = re.compile(r"<!--|<(script|style)\b(?:[^>]*(/)>)?", re.IGNORECASE)
COMMENT_END = re.compile("-->")
ENDS = {tag: re.compile(rf"</{tag}\s*>", re.IGNORECASE) for tag in INVISIBLE_TAGS}
MARGIN = 200
"""The number of characters in which a mark that is cut is looked for."""
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


def drop_hidden(lines: Iterable[str], unit: str, location: str) -> Iterator[str]:
    r"""Drop what comments, scripts and style sheets of a page contain, since it may have blank lines.

    Empty ones stay in their place, so that the other lines belong to the same paragraphs as in the page.

    Args:
        lines: The lines with a final "\n", or parts of lines.
        unit: The unit of documents: `line`, `paragraph` or `file`. Lines are pages of their own. In paragraphs the ends
            of lines are kept, so that the numbers of lines do not change.
        location: The file, for messages.

    Yields:
        The lines, or parts of lines.

    Raises:
        UnrollError: A comment, script or style sheet does not end.
    """
    end: re.Pattern[str] | None = None
    number, begin, name, pending = 1, 1, "", ""
    for part in chain(lines, [None]):
        text, pending = pending + (part or ""), ""
        is_cut = part is not None and not part.endswith("\n")  # a mark may continue in the next part of the line
        kept: list[str] = []
        position = 0
        while position < len(text):
            match = (end or HIDDEN).search(text, position)
            if match is None or (is_cut and end is None and _is_open(text, match.start())):
                first = _first_unsure(text, position, end) if is_cut else len(text)
                pending = text[first:]
                if end is None:
                    kept.append(text[position:first])
                elif text.endswith("\n") and unit != "file":
                    kept.append("<!---->\n")  # so that this line is not blank
                break
            if end is not None:
                position, end = match.end(), None
                kept.append("<!---->" if unit != "file" else "")
                continue
            kept.append(text[position : match.start()])
            position, begin, name = match.end(), number, match[1] or "<!--"
            if match[2]:  # <script/> has no content
                kept.append(match[0])
                continue
            end = COMMENT_END if name == "<!--" else ENDS[name.lower()]
            kept.append("<!---->" if name == "<!--" else f"<{name}></{name}>")
        number += text.endswith("\n")
        if end is not None and (part is None or (unit == "line" and text.endswith("\n"))):
            advice = "its line" if unit == "line" else "the file"
            raise UnrollError(
                f"{location}: line {begin}: {name if name == '<!--' else f'<{name}>'} is not closed in {advice}; close "
                f"it, or set {'documents: paragraph or file' if unit == 'line' else 'markup: keep'}"
            )
        if line := "".join(kept):
            yield line


def _is_open(text: str, start: int) -> bool:
    """Return whether the tag that begins at `start` may end in the next part of the line."""
    return text[start + 1] != "!" and len(text) - start < MARGIN and ">" not in text[start:]


def _first_unsure(text: str, position: int, end: re.Pattern[str] | None) -> int:
    """Return where a mark may begin that continues in the next part of the line, or the length of the text."""
    if end is COMMENT_END:
        return max(position, len(text.rstrip("-")), len(text) - len("--"))
    mark = text.find("<", max(position, len(text) - MARGIN))
    return mark if mark >= 0 else len(text)


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
