"""What is text and what is escaped."""

import json
import sys
import unicodedata

import pytest

from unroll.printing import escape_column, escape_control, escape_json, escape_lines, print_row

TEXTS = {
    "Persian with a joiner": "می\u200cخواهم",
    "a family of three": "👩\u200d👩\u200d👧",
    "a flag of tags": "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
    "marks of Devanagari": "हिन्दी क\u200dष",
    "combining accents": "cafe\u0301",
    "spaces of other scripts": "a\u3000b\u00a0c\u2009d\u202fe",
    "direction marks": "abc\u200e \u200fשלום \u061c",
    "invisible": "co\u00adop zero\u200bwidth word\u2060joiner x\u2062y \ufeff",
    "private use": "\ue0b0 \U000f0000",
    "unassigned": "\u0378 \U0003fffd",
    "Arabic number sign": "\u0600\u0661",
    "a tab": "a\tb",
    "a backslash": r"\x1b \u202e",
}


@pytest.mark.parametrize("name", TEXTS)
def test_text_is_printed_as_it_is(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = TEXTS[name]
    assert escape_control(text) == text
    assert json.loads(escape_json(json.dumps(text, ensure_ascii=False))) == text
    assert escape_json(json.dumps(text, ensure_ascii=False)) == json.dumps(text, ensure_ascii=False)
    print_row("1", text)
    assert capsys.readouterr().out == f"1\t{text}\n"


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("\x1b[31mred", "\\x1b[31mred"),
        ("\x9b2J", "\\x9b2J"),
        ("a\rb\nc", "a\\rb\\nc"),
        ("\x00\x07\x08\x7f\x85", "\\x00\\x07\\x08\\x7f\\x85"),
        ("a\u202eb\u2066c\u2069", "a\\u202eb\\u2066c\\u2069"),
        ("a\u2028b\u2029c", "a\\u2028b\\u2029c"),
        ("half \ud83d", "half \\ud83d"),
    ],
)
def test_harmful_characters_are_visible(text: str, escaped: str) -> None:
    assert escape_control(text) == escaped
    assert json.loads(escape_json(json.dumps(text, ensure_ascii=False))) == text


@pytest.mark.slow
def test_every_control_character_is_escaped_and_nothing_else_of_other_categories() -> None:
    """Over all of Unicode: category Cc but the tab, surrogates, and 16 characters that reorder or break lines."""
    characters = map(chr, range(sys.maxunicode + 1))
    escaped = {character for character in characters if escape_control(character) != character}
    control = {c for c in map(chr, range(0x10000)) if unicodedata.category(c) in ("Cc", "Cs")} - {"\t"}
    assert control < escaped
    assert escaped - control == {*map(chr, range(0x2028, 0x202F)), *map(chr, range(0x2066, 0x2070))}


def test_an_escaped_text_is_one_line_and_one_column() -> None:
    text = "".join(map(chr, range(0x3000))) + "\ud800"
    assert escape_control(text).splitlines() == [escape_control(text)]
    assert "\t" not in escape_column(text)
    assert escape_json(json.dumps(text, ensure_ascii=False)).splitlines() == [
        escape_json(json.dumps(text, ensure_ascii=False))
    ]


def test_a_message_keeps_its_lines() -> None:
    assert escape_lines("one\x1b\ntwo") == "one\\x1b\ntwo"


def test_only_the_last_column_has_tabs(capsys: pytest.CaptureFixture[str]) -> None:
    print_row("a\tb", "c\td\n")
    assert capsys.readouterr().out == "a\\tb\tc\td\\n\n"
