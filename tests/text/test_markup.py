"""Markup that is longer than a document: scripts, style sheets and comments with blank lines, and cut marks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.text.conftest import Workshop
from unroll.errors import UnrollError
from unroll.text.cleaner import drop_hidden, strip_html

FILLER = "".join(f"\n\nparagraph {n}" for n in range(12))
HIDDEN = ["<script>\nvar a;\n\nleak();\n</script>", "<STYLE>\np {}\n\nq {}\n</STYLE >", "<!-- a\n\nb -->"]


@pytest.mark.parametrize("hidden", HIDDEN)
def test_hidden_text_with_a_blank_line_is_no_text(workshop: Workshop, hidden: str) -> None:
    texts = workshop.add(f"<p>one\n{hidden}\ntwo</p>{FILLER}").texts(documents="paragraph", markup="html")
    assert texts == ["one two", *(f"paragraph {n}" for n in range(12))]


def test_names_of_documents_keep_the_numbers_of_lines(workshop: Workshop) -> None:
    rows = workshop.add(f"one\n{HIDDEN[0]}\ntwo{FILLER}").clean(documents="paragraph", markup="html")
    assert rows[1]["document"] == "a.txt:9"


@pytest.mark.parametrize("hidden", HIDDEN)
def test_hidden_text_at_the_limit_of_a_document_is_no_text(workshop: Workshop, hidden: str) -> None:
    long = hidden.replace("\n\n", " secret " * 300)
    for length in range(80, 130):
        texts = [*drop_hidden(iter(_parts("a" * length + long + "b" * 50, 100)), "file", "a.html")]
        assert strip_html("".join(texts)).split() in (["a" * length, "b" * 50], ["a" * length + "b" * 50])


def _parts(text: str, limit: int) -> list[str]:
    return [line[n : n + limit] for line in text.splitlines(keepends=True) for n in range(0, len(line), limit)]


@given(st.lists(st.sampled_from(["<script>", "</script>", "<!--", "-->", "a", " ", "\n", "<b>", "&lt;"]), max_size=20))
def test_cut_marks_are_found(marks: list[str]) -> None:
    text = "".join(marks)
    outcomes = []
    for lines in ([text], _parts(text, 5), _parts(text, 2)):
        try:
            outcomes.append("".join(drop_hidden(lines, "file", "a.html")))
        except UnrollError:
            outcomes.append("not closed")
    assert len(set(outcomes)) == 1


@pytest.mark.parametrize(
    ("text", "documents", "words"),
    [
        ("one\n\n<script>\n\ntwo", "paragraph", r"a.txt: line 3: <script> is not closed in the file"),
        ("one\n<!-- two", "file", r"a.txt: line 2: <!-- is not closed in the file"),
        ("one\ntwo <script>\n</script>", "line", r"a.txt: line 2: <script> is not closed in its line"),
    ],
)
def test_hidden_text_without_an_end_is_refused(workshop: Workshop, text: str, documents: str, words: str) -> None:
    with pytest.raises(UnrollError, match=words):
        workshop.add(text).clean(documents=documents, markup="html")


def test_lines_that_close_what_they_open_are_read(workshop: Workshop) -> None:
    lines = "".join(f"a{n}<script>x</script> b<!-- c -->\n" for n in range(12))
    assert workshop.add(lines).texts(markup="html") == [f"a{n} b" for n in range(12)]
