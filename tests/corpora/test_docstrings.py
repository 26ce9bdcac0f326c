"""The prose in docstrings: what is kept, what is left out, and what happens to files that cannot be parsed."""

from pathlib import Path

import pytest

from unroll.corpora.docstrings import paragraphs, parse, prose
from unroll.errors import UnrollError

NUMPY_STYLE = """Compute the mean of *x*.

    The mean is the sum of the values, divided by
    their number, as :func:`~pkg.add` returns it [1]_.

    Parameters
    ----------
    x : array
        The values of the mean.

    Notes
    -----
    See the `user guide <guide>`_ or ``pkg.help``.

    .. note:: This is not kept.

    References
    ----------
    A book of the mean, which nobody has read.

    Examples
    --------
    The mean of two numbers is this.

    >>> mean([1, 2])
    1.5
    """


def test_the_prose_of_a_docstring_in_the_style_of_numpy() -> None:
    assert list(paragraphs(NUMPY_STYLE)) == [
        "Compute the mean of x.",
        "The mean is the sum of the values, divided by their number, as pkg.add returns it [1].",
        "See the user guide or pkg.help.",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "lower case is no sentence.",
        "No full stop",
        "Word.",
        "An example follows:",
        "Compute it::",
        "Return x = 3 at once.",
        "Return true if a == b holds.",
        "Call f(x) -> y here.",
        "Use \\alpha as a name.",
        "Use the $x$ of a formula.",
        "Call it. >>> f(1) is this.",
        "Return the %(name)s of this.",
        "Read https://example.org now.",
        "Split a text at backquotes (`).",
        "Call __init__ of the class.",
        "See :ref:`a_page` for more.",
        "Take this. :param x: The value.",
        "- An item of a list.",
        "A paragraph\n      with an indented line.",
    ],
)
def test_what_is_no_prose(text: str) -> None:
    assert list(paragraphs(f"First.\n\n    {text}\n    ")) == []


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("The **kwargs and *args of it.", "The **kwargs and *args of it."),
        ("The *first*, **second** word.", "The first, second word."),
        ("The product a*b*c of it.", "The product a*b*c of it."),
        ("See :class:`.Axes` and :meth:`~a.B.c`.", "See Axes and a.B.c."),
        ("See :ref:`this page <that>` now.", "See this page now."),
        ("Is ``None`` or `x` right?", "Is None or x right?"),
        ("Don't do it, it's wrong!", "Don't do it, it's wrong!"),
        ("A café \N{EM DASH} ® is kept.", "A café \N{EM DASH} ® is kept."),
    ],
)
def test_markup_is_removed(written: str, read: str) -> None:
    assert list(paragraphs(written)) == [read]


@pytest.mark.parametrize("indent", ["", " ", "    ", "\t"])
def test_the_indentation_of_all_lines_does_not_matter(indent: str) -> None:
    docstring = (
        f"The first line.\n{indent}\n{indent}A paragraph of\n{indent}two lines.\n\n{indent}   Not kept at all.\n"
    )
    assert list(paragraphs(docstring)) == ["The first line.", "A paragraph of two lines."]


def test_a_paragraph_occurs_once() -> None:
    seen: set[str] = set()
    first = "The first one.\n\nThe second one.\n\nThe first one."
    assert list(prose([first, "The second one.", "The third one."], seen)) == [
        ["The first one.", "The second one."],
        ["The third one."],
    ]
    assert list(prose(["The third one.", "The fourth one."], seen)) == [["The fourth one."]]


def test_docstrings_are_those_of_the_source_and_in_its_order(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_bytes(
        b'# -*- coding: latin-1 -*-\r\n"""Caf\xe9."""\r\nif x:\r\n    class A:\r\n        """A\\d\r\n        b."""\r\n'
        b'        async def f(self):\r\n            """F."""\r\n            f"""Not this."""\r\n'
        b'try:\r\n    def g(): "G."\r\nexcept E:\r\n    def h():\r\n        x = """Not this."""\r\n'
    )
    assert parse(tmp_path / "a.py") == ["Café.", "A\\d\n        b.", "F.", "G."]


@pytest.mark.parametrize("content", [b"def f(:\n", b"x = '\xff'\n", b"\0"])
def test_a_file_that_is_no_python_is_named(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_bytes(content)
    with pytest.raises(UnrollError, match=r"a\.py: unreadable \(.*\); install its package again, or leave it out$"):
        parse(tmp_path / "a.py")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnrollError, match=r"a\.py: unreadable"):
        parse(tmp_path / "a.py")
