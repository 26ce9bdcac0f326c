"""Segmentation does not depend on the parts in which lines are read."""

from hypothesis import given
from hypothesis import strategies as st

from unroll.text.records import segment

TEXT = st.text(alphabet="ab \n", max_size=200)


def parts(text: str, size: int) -> list[str]:
    """Return lines with their ends in parts of at most `size` characters, as `encoding.read_lines` yields them."""
    found = []
    for line in text.split("\n"):
        whole = line + "\n"
        found += [whole[first : first + size] for first in range(0, len(whole), size)]
    if found:
        found[-1] = found[-1].removesuffix("\n")
    return [part for part in found if part]


@given(text=TEXT, size=st.integers(1, 30))
def test_lines(text: str, size: int) -> None:
    found = [document.text for document in segment(iter(parts(text, size)), "line", 1000)]
    assert found == text.removesuffix("\n").split("\n") if text else found == []


@given(text=TEXT, size=st.integers(1, 30))
def test_paragraphs(text: str, size: int) -> None:
    found = [document.text for document in segment(iter(parts(text, 1000)), "paragraph", 1000)]
    blocks: list[list[str]] = [[]]
    for line in text.split("\n"):
        if line.strip():
            blocks[-1].append(line)
        else:
            blocks.append([])
    assert found == ["\n".join(block) for block in blocks if block]


@given(text=TEXT, size=st.integers(1, 30), limit=st.integers(1, 50))
def test_the_parts_of_a_file_are_complete_and_within_the_limit(text: str, size: int, limit: int) -> None:
    found = list(segment(iter(parts(text, size)), "file", limit))
    assert "".join(document.text for document in found) == text
    assert all(len(document.text) <= limit for document in found)
    assert [document.continuation for document in found] == list(range(len(found)))


@given(text=st.text(alphabet="ab ", max_size=300))
def test_cuts_follow_white_space_if_there_is_any(text: str) -> None:
    for document in list(segment(iter([text]), "line", 40))[:-1]:
        assert document.text[-1] == " " or " " not in document.text[20:]


def test_documents_have_their_line_number() -> None:
    text = "a\nb\n\nc\nd\n"
    lines = [f"{line}\n" for line in text.split("\n")][:-1]
    assert [document.line for document in segment(iter(lines), "line", 10)] == [1, 2, 3, 4, 5]
    assert [document.line for document in segment(iter(lines), "paragraph", 10)] == [1, 4]
