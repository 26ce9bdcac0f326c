"""The English prose in the docstrings of Python files, which are parsed and not imported.

The prose is the same on every version of Python: `ast.get_docstring(clean=True)` and `textwrap.dedent` are not used,
since their results differ between versions, and no rule asks for the Unicode category of a character.
"""

import ast
import re
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path

from unroll.errors import UnrollError

BLOCKS = ("body", "handlers", "cases", "orelse", "finalbody")
"""The fields of statements that contain statements, in the order of the source. Expressions define no docstrings."""
UNDERLINE = re.compile(r"([-=~^*#+\"'])\1\1+$")
"""The line below a heading in reStructuredText."""
TABLES = {
    *("Parameters", "Other Parameters", "Attributes", "Methods", "Returns", "Yields", "Receives", "Raises", "Warns"),
    *("See Also", "References", "Examples"),
}
"""The sections of a docstring in the style of numpy that are tables, bibliographies or code."""
SENTENCE = re.compile(r"[A-Z][A-Za-z'-]*,? .*[.?!]$")
"""A paragraph of prose: it begins with a word and ends as a sentence does."""
CODE = re.compile(
    r"""[\\$|{}]|>>>|%\(|://|::|__          # formulas, doctests, templates, addresses, special names
    |[<>=!]=|\s=\s|->                       # operators
    |(?<!\w):\w[\w ,*`.-]*:(?!`)            # fields, such as :param x:
    |:ref:`[^`<]*`                          # names of pages
    """,
    re.VERBOSE | re.ASCII,
)
"""What makes a paragraph code or a formula."""
MARKUP = (
    (re.compile(r"(\[[\w*#-]+\])_", re.ASCII), r"\1"),  # footnotes: [1]_
    (re.compile(r":[A-Za-z][A-Za-z:+.-]*:(?=`)"), ""),  # roles: :class:`Axes`
    (re.compile(r"`([^`<]*\S)\s*<[^`<>]*>`_{0,2}"), r"\1"),  # links with a title: `title <target>`_
    (re.compile(r"`+[~!.]*([^`]*)`+_{0,2}"), r"\1"),  # names and literals: `~pkg.Axes`, ``None``
    (re.compile(r"(?<![\w*])(\*\*?)(?=[^\s*])([^*]*[^\s*])\1(?![\w*])", re.ASCII), r"\2"),  # emphasis
)
"""Markup of reStructuredText, and the text that remains of it."""


def prose(docstrings: Iterable[str], seen: set[str]) -> Iterator[list[str]]:
    """Yield the paragraphs of each docstring that has any.

    Args:
        docstrings: The docstrings.
        seen: The paragraphs that occurred before, which are left out. New ones are added to it.
    """
    for docstring in docstrings:
        new = [text for text in dict.fromkeys(paragraphs(docstring)) if text not in seen]
        seen.update(new)
        if new:
            yield new


def paragraphs(docstring: str) -> Iterator[str]:
    """Yield the paragraphs of prose, each on one line and without markup.

    Code, doctests, lists, tables, formulas, signatures and descriptions of parameters are left out.

    Args:
        docstring: A docstring as it stands in the source.
    """
    in_table = False
    for block in _blocks(docstring):
        lines = block
        if len(block) > 1 and UNDERLINE.match(block[1]):
            in_table = block[0] in TABLES
            lines = block[2:]
        if in_table or any(line.startswith(" ") for line in lines):
            continue
        text = " ".join(" ".join(lines).split())
        if CODE.search(text):
            continue
        for pattern, replacement in MARKUP:
            text = pattern.sub(replacement, text)
        if SENTENCE.match(text) and "`" not in text:  # a backquote is left where the markup is wrong
            yield text


def parse(path: Path) -> list[str]:
    """Return the docstrings of a file in the order of the source, as they stand there.

    Raises:
        UnrollError: The file is missing, or this version of Python cannot parse it.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Python 3.12 and newer warn of backslashes in strings
            return list(_docstrings(ast.parse(path.read_bytes())))
    except (OSError, SyntaxError, ValueError) as error:
        raise UnrollError(f"{path}: unreadable ({error}); install its package again, or leave it out") from None


def _blocks(docstring: str) -> Iterator[list[str]]:
    """Yield the lines between blank lines, without the indentation that all lines after the first share."""
    first, *rest = docstring.expandtabs().split("\n")
    margin = min((len(line) - len(line.lstrip(" ")) for line in rest if line.strip(" ")), default=0)
    block: list[str] = []
    for line in (first.strip(" "), *(line[margin:].rstrip(" ") for line in rest), ""):
        if line:
            block.append(line)
        elif block:
            yield block
            block = []


def _docstrings(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and (
        text := ast.get_docstring(node, clean=False)
    ):
        yield text
    for block in BLOCKS:
        for statement in getattr(node, block, ()):
            yield from _docstrings(statement)
