"""`unroll rescore`, `judge` and `spell`, which choose between texts."""

import json
from pathlib import Path

import pytest

from tests.trained import Run

NBEST = [
    {"texts": ["the students opened there books", "the students opened their books"], "reference": 1},
    {"texts": ["the time traveler arrived", "the time traveller arrived"], "reference": 1},
]


@pytest.fixture
def lists(workspace: Path) -> Path:
    rows = [
        {
            "id": str(number),
            "candidates": [{"text": text, "score": -float(rank)} for rank, text in enumerate(row["texts"])],
            "reference": row["texts"][row["reference"]],
        }
        for number, row in enumerate(NBEST)
    ]
    (workspace / "nbest.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return workspace / "nbest.jsonl"


@pytest.mark.parametrize("model", ["trigram", "hmm", "lstm"])
def test_rescoring_corrects_improbable_words(unroll: Run, lists: Path, model: str) -> None:
    result = unroll("rescore", model, lists.name, "--dev", lists.name)
    assert result.code == 0, result.err
    assert result.out == "0\tthe students opened their books\n1\tthe time traveller arrived\n"
    tuning, rates = result.err.splitlines()
    assert tuning == (
        "--dev: 2 lists of 9 words; WER 22.22% by their own scores, 0.00% with the given parameters, 0.00% with the "
        "tuned ones"
    )
    assert rates == "weight 1, length penalty 0; WER before 22.22%, after 0.00%, oracle 0.00% of 9 words"


def test_lists_without_a_reference_do_not_hide_the_rates_of_others(unroll: Run, lists: Path, workspace: Path) -> None:
    rows = lists.read_text(encoding="utf-8")
    candidates = '"candidates": [{"text": "a b", "score": 1}]'
    (workspace / "mixed.jsonl").write_text(rows + f"{{{candidates}}}\n", encoding="utf-8")
    result = unroll("rescore", "trigram", "mixed.jsonl")
    assert "after 0.00%, oracle 0.00% of 9 words in the 2 of 3 lists that have a reference" in result.err
    (workspace / "silence.jsonl").write_text(rows + f'{{{candidates}, "reference": ""}}\n', encoding="utf-8")
    result = unroll("rescore", "trigram", "silence.jsonl")
    assert result.err.endswith("WER before 44.44%, after 22.22%, oracle 22.22% of 9 words\n")


def test_errors_of_a_list_are_used(unroll: Run, workspace: Path) -> None:
    candidates = [{"text": "the zebra", "score": 0, "errors": 3}, {"text": "the students", "score": -1, "errors": 1}]
    row = {"id": "1", "candidates": candidates, "words": 4}
    (workspace / "counted.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
    result = unroll("rescore", "trigram", "counted.jsonl", "--dev", "counted.jsonl")
    assert result.out == "1\tthe students\n"
    assert "--dev: 1 list of 4 words; WER 75.00% by their own scores, 25.00% with the given" in result.err
    assert "WER before 75.00%, after 25.00%, oracle 25.00% of 4 words" in result.err


def test_weight_zero_keeps_the_order(unroll: Run, lists: Path) -> None:
    result = unroll("rescore", "trigram", lists.name, "--weight", "0", "--json")
    assert [json.loads(line)["candidate"] for line in result.out.splitlines()] == [0, 0]


def test_judge_counts_by_phenomenon(unroll: Run, workspace: Path) -> None:
    pairs = [
        {"sentence_good": "the students opened their books", "sentence_bad": "students the opened books their"},
        {"sentence_good": "the time traveller arrived", "sentence_bad": "the time arrived traveller", "UID": "order"},
        {"sentence_good": "the students", "sentence_bad": "the students", "UID": "order"},
    ]
    (workspace / "pairs.jsonl").write_text("".join(json.dumps(pair) + "\n" for pair in pairs), encoding="utf-8")
    result = unroll("judge", "trigram", "pairs.jsonl")
    assert result.out == "0.5000\t2\torder\n1.0000\t1\tpairs\n0.6667\t3\tall\n"
    rows = [
        json.loads(line) for line in unroll("judge", "trigram", "pairs.jsonl", "--pairs", "--json").out.splitlines()
    ]
    assert rows[0]["good"] > rows[0]["bad"]


@pytest.mark.parametrize(
    ("verb", "line", "sentence"),
    [
        ("rescore", '{"id": 1}', 'has no "candidates"'),
        ("rescore", '{"candidates": []}', 'has no "candidates"'),
        ("rescore", '{"candidates": [{"text": "a"}]}', 'a candidate has no "score"'),
        ("rescore", '{"candidates": [{"text": "a", "score": NaN}]}', 'a candidate has no "score"'),
        ("rescore", '{"candidates": [{"score": 1}]}', 'has no "text"'),
        ("rescore", '{"candidates": [{"text": "a", "score": true}]}', 'a candidate has no "score"'),
        ("rescore", '{"candidates": [{"text": "a", "score": 1, "errors": -1}]}', '"errors" is not a count'),
        ("rescore", '{"candidates": [{"text": "a", "score": 1, "errors": 1}]}', 'has "errors", but no "words"'),
        ("rescore", '{"candidates": [{"text": "a", "score": 1}], "words": 1.5}', '"words" is not a count'),
        ("rescore", '{"candidates": [{"text": "a", "score": 1}], "id": [1]}', 'its "id" is neither'),
        ("judge", '{"sentence_good": "a"}', 'has no "sentence_bad"'),
        ("judge", "nothing", "is not JSON"),
    ],
)
def test_the_error_names_a_bad_line(unroll: Run, workspace: Path, verb: str, line: str, sentence: str) -> None:
    (workspace / "lines.jsonl").write_text(f"\n{line}\n", encoding="utf-8")
    result = unroll(verb, "trigram", "lines.jsonl")
    assert result.code == 1
    assert result.err.startswith(f"unroll: lines.jsonl: line 2: {sentence}")


def test_tuning_needs_references(unroll: Run, workspace: Path, lists: Path) -> None:
    (workspace / "bare.jsonl").write_text('{"candidates": [{"text": "a", "score": 1}]}\n', encoding="utf-8")
    refused = unroll("rescore", "trigram", lists.name, "--dev", "bare.jsonl").err
    assert refused.startswith('unroll: bare.jsonl: line 1: has no "reference"')
    assert "WER" not in unroll("rescore", "trigram", "bare.jsonl").err


def test_spell_corrects_texts_and_lists_and_prints_its_accuracy(unroll: Run, workspace: Path) -> None:
    assert unroll("spell", "trigram", text="Teh studnets opend\nbokos\n").out == "The students opened\nbooks\n"
    output = json.loads(unroll("spell", "lstm", "--json", text="teh books").out)
    assert output["changes"] == [{"start": 0, "typed": "teh", "word": "the"}]
    (workspace / "mistakes.txt").write_text("students: studnets xyz\n", encoding="utf-8")
    result = unroll("spell", "hmm", "--accuracy", "mistakes.txt", "--learn", "mistakes.txt")
    assert result.out == "0.5000\t2 wrong words\n"
    assert "no words to choose from" in unroll("spell", "chars", text="teh").err
    (workspace / "words.txt").write_text("the\nbooks\n", encoding="utf-8")
    assert unroll("spell", "chars", "--words", "words.txt", "--weight", "0", text="teh").out == "the\n"


def test_the_error_names_a_bad_line_of_pairs(unroll: Run, workspace: Path) -> None:
    (workspace / "mistakes.txt").write_text("students: studnets\nteh\n", encoding="utf-8")
    assert unroll("spell", "trigram", "--accuracy", "mistakes.txt").err.startswith(
        "unroll: mistakes.txt: line 2: is not"
    )
    assert unroll("spell", "trigram", "--learn", "absent.txt").err.startswith("unroll: absent.txt: cannot be read")
