"""HTML to the text a reader sees."""

from html.parser import HTMLParser

INLINE = frozenset(
    "a abbr b big cite code em font i kbd mark q s small span strong sub sup tt u var".split()  # noqa: SIM905
)
"""Tags that stand inside words; every other tag parts them."""
SILENT = ("script", "style")


def without_markup(text: str) -> str:
    """`text` with its tags and comments removed and its entities replaced by their characters."""
    if "<" not in text and "&" not in text:
        return text
    page = _Page()
    page.feed(text)
    page.close()
    return "".join(page.parts)


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self.silent = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.silent = tag in SILENT
        self._part(tag)

    def handle_endtag(self, tag: str) -> None:
        self.silent = False
        self._part(tag)

    def handle_data(self, data: str) -> None:
        if not self.silent:
            self.parts.append(data)

    def _part(self, tag: str) -> None:
        if tag not in INLINE:
            self.parts.append(" ")
