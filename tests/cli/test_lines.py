"""Every line of the input has its line of the output, and text is printed as it is."""

import json
from pathlib import Path

import pytest

from tests.trained import Run

TEXT = "the students\n\n  \nthe time traveller\n\n"
SCRIPTS = ["می\u200cخواهم", "👩\u200d👩\u200d👧", "हिन्दी", "日本\u3000語", "cafe\u0301", "\ue0b0"]


@pytest.mark.parametrize(
    ("arguments", "columns"),
    [
        (("score", "trigram"), 2),
        (("classify", "bayes"), 3),
        (("classify", "bayes", "--all"), 3),
        (("spell", "lstm"), 1),
    ],
)
def test_a_blank_line_keeps_its_place(unroll: Run, arguments: tuple[str, ...], columns: int) -> None:
    result = unroll(*arguments, text=TEXT)
    rows = [line.split("\t") for line in result.out.split("\n")[:-1]]
    assert [row[-1] for row in rows] == TEXT.split("\n")[:-1]
    assert {len(row) for row in rows} == {columns}
    if columns > 1:
        assert [row[0] != "" for row in rows] == [True, False, False, True, False]


@pytest.mark.parametrize("arguments", [("score", "trigram"), ("classify", "bayes"), ("spell", "lstm")])
def test_a_blank_line_is_an_object_of_json(unroll: Run, arguments: tuple[str, ...]) -> None:
    rows = [json.loads(line) for line in unroll(*arguments, "--json", text=TEXT).out.splitlines()]
    assert [row["text"] for row in rows] == TEXT.split("\n")[:-1]
    if arguments[0] == "score":
        assert [row["tokens"] for row in rows] == [3, 0, 0, 4, 0]
        assert [row["log_likelihood"] is None for row in rows] == [False, True, True, False, True]
    if arguments[0] == "classify":
        assert [row["class"] is None for row in rows] == [False, True, True, False, True]


@pytest.mark.parametrize("extra", [(), ("--tokens",), ("--sum",)])
def test_blank_lines_do_not_change_the_total_and_are_counted(
    unroll: Run, workspace: Path, extra: tuple[str, ...]
) -> None:
    full = "the students\nthe time traveller\n"
    expected, result = (unroll("score", "trigram", *extra, text=text) for text in (full, TEXT))
    outputs = [(run.out if extra == ("--sum",) else run.err).removesuffix("\n") for run in (expected, result)]
    assert outputs[1] == outputs[0] + "; 3 blank lines are not counted"
    expected, result = (unroll("evaluate", "trigram", text=text) for text in (full, TEXT))
    assert result.out == expected.out.replace("lines          2", "lines          2; 3 blank lines are not counted")
    expected, result = (unroll("compare", "trigram", "hmm", text=text) for text in (full, TEXT))
    assert result.out == expected.out
    assert "3 blank lines are not counted" in result.err


def test_a_blank_text_of_json_lines_is_a_blank_line(unroll: Run, workspace: Path) -> None:
    (workspace / "blank.jsonl").write_text('{"text": "the"}\n{"text": " "}\n{"text": "the"}\n', encoding="utf-8")
    rows = unroll("score", "trigram", "blank.jsonl").out.splitlines()
    assert rows[1] == "\t "
    assert rows[0] == rows[2]


def test_many_blank_lines_at_the_start_cross_batches(unroll: Run) -> None:
    result = unroll("score", "trigram", text="\n" * 300 + "the\n" + "\n" * 300)
    assert len(result.out.split("\n")) == 602
    assert "total" in result.err
    assert "600 blank lines" in result.err
    refused = unroll("score", "trigram", text="\n" * 600)
    assert (refused.code, refused.out) == (1, "")


def test_each_line_is_completed_also_a_blank_one(unroll: Run) -> None:
    rows = [json.loads(line) for line in unroll("complete", "trigram", "-", "--json", text=TEXT).out.splitlines()]
    assert [row["text"] for row in rows] == TEXT.split("\n")[:-1]
    assert rows[1]["completions"] == rows[2]["completions"] == rows[4]["completions"] != []
    lines = unroll("complete", "trigram", "-", "--count", "1", text="the\n\n").out.splitlines()
    assert [line.split("\t")[2] for line in lines] == ["the", ""]


@pytest.mark.parametrize("script", SCRIPTS)
@pytest.mark.parametrize(
    "arguments", [("score", "trigram"), ("score", "chars", "--tokens"), ("classify", "bayes"), ("spell", "trigram")]
)
def test_scripts_are_printed_as_they_are(unroll: Run, arguments: tuple[str, ...], script: str) -> None:
    assert script in unroll(*arguments, text=f"{script} the\n").out
    if "--tokens" not in arguments:
        assert json.loads(unroll(*arguments, "--json", text=f"{script} the\n").out)["text"] == f"{script} the"


def test_a_tab_is_text(unroll: Run) -> None:
    assert unroll("spell", "trigram", text="teh\tbokos\n").out == "the\tbooks\n"
