"""Files and streams: the same bytes give the same lines."""

import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unroll.errors import UnrollError
from unroll.text.encoding import decode_lines, read_lines


@given(
    st.lists(st.sampled_from(["a", "é", "\n", "\r", "\r\n", "\u2028", "\x85", "\x0c", "\ufeff", " "]), min_size=1),
    st.sampled_from([-1, 1, 3]),
)
@settings(deadline=None)
def test_a_file_and_a_stream_have_the_same_lines(
    tmp_path_factory: pytest.TempPathFactory, parts: list[str], limit: int
) -> None:
    """Fault F9: a file whose lines end with CR had 60 lines, and standard input one."""
    data = "".join(parts).encode()
    path = tmp_path_factory.getbasetemp() / "text.txt"
    path.write_bytes(data)
    lines, other = list(decode_lines(io.BytesIO(data), "x", limit)), list(read_lines(path, "utf-8", "strict", limit))
    assert "".join(lines) == "".join(other)
    assert lines == other or limit > 0  # a mark may shorten the first part of a line


@pytest.mark.parametrize("data", [b"\xef", b"\xef\xbb"])
def test_half_a_byte_order_mark_is_refused(tmp_path: Path, data: bytes) -> None:
    """A random input of `test_fuzz.py`: the codec utf-8-sig loses these bytes."""
    (tmp_path / "a.txt").write_bytes(data)
    with pytest.raises(UnrollError, match=r"a\.txt: line 1: byte 0 .* is not UTF-8"):
        list(read_lines(tmp_path / "a.txt", "utf-8", "strict", -1))
    with pytest.raises(UnrollError, match="x: line 1: byte 0xef at column 1 is not UTF-8"):
        list(decode_lines(io.BytesIO(data), "x"))


def test_lines_before_a_faulty_byte_are_read_and_its_line_is_named() -> None:
    lines = decode_lines(io.BytesIO(b"one\rtwo\r\nthr\xffe\nfour"), "standard input")
    assert [next(lines), next(lines)] == ["one\n", "two\n"]
    with pytest.raises(UnrollError, match=r"standard input: line 3: byte 0xff at column 4 is not UTF-8"):
        next(lines)


def test_half_a_character_in_utf8_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnrollError, match="line 1: byte 0xed at column 2 is not UTF-8"):
        list(decode_lines(io.BytesIO(b"a\xed\xa0\x80\n"), "x"))


def test_the_stream_stays_open() -> None:
    stream = io.BytesIO(b"a\n")
    list(decode_lines(stream, "x"))
    assert not stream.closed


def test_a_stream_may_be_closed_before_all_lines_are_read() -> None:
    """A random input of `test_fuzz.py`: a faulty line of a file ended its reader with a second error."""
    stream = io.BytesIO(b"a\nb\n")
    lines = decode_lines(stream, "x")
    assert next(lines) == "a\n"
    stream.close()
    lines.close()  # type: ignore[attr-defined]
