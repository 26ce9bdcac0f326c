"""`unroll score`, `evaluate`, `compare`, `generate`, `complete` and `classify`."""

import json
import math
import re
import shutil
from pathlib import Path

import pytest

import unroll as library
from tests.trained import Run


def test_score_prints_each_line_and_the_total(unroll: Run, workspace: Path) -> None:
    (workspace / "lines.txt").write_text("The students  opened their books\n\nthe zebra\n", encoding="utf-8")
    result = unroll("score", "trigram", "lines.txt")
    assert result.code == 0, result.err
    first, blank, second = (line.split("\t") for line in result.out.splitlines())
    assert blank == ["", ""]
    model = library.load(workspace / "models" / "trigram")
    expected = model.score(["the students opened their books", "the zebra"])
    assert float(first[0]) == pytest.approx(expected[0].log_likelihood, abs=1e-4)
    assert float(second[0]) == pytest.approx(expected[1].log_likelihood, abs=1e-4)
    assert "9 tokens (1 unknown)" in result.err


@pytest.mark.parametrize("model", ["trigram", "hmm", "lstm", "chars"])
def test_tokens_sum_to_lines_and_lines_to_the_total(unroll: Run, model: str) -> None:
    text = "the students opened their books\nthe time traveller arrived\n"
    result = unroll("score", model, "-", "--tokens", "--json", text=text)
    lines = [json.loads(line) for line in result.out.splitlines()]
    for line in lines:
        parts = [part["log_prob"] for part in line["token_scores"]]
        assert math.fsum(parts) == pytest.approx(line["log_likelihood"], rel=1e-5)
        assert len(parts) == line["tokens"]
        assert line["token_scores"][-1]["token"] == "<eos>"
    summed = json.loads(unroll("score", model, "-", "--sum", "--json", text=text).out)
    assert summed["log_likelihood"] == pytest.approx(sum(line["log_likelihood"] for line in lines))


@pytest.mark.parametrize("model", ["trigram", "chars"])
def test_an_unknown_token_is_printed_with_its_word(unroll: Run, model: str) -> None:
    result = unroll("score", model, "--tokens", text="the 学 students 生\n")
    unknown = [line.partition("\t")[2] for line in result.out.splitlines() if "<unk>" in line]
    assert unknown == ["<unk> 学", "<unk> 生"]


def test_a_warning_about_few_blocks(unroll: Run) -> None:
    assert "not reliable with 1 block(s)" in unroll("compare", "trigram", "hmm", text="the students\n").err


def test_texts_of_json_lines(unroll: Run, workspace: Path) -> None:
    (workspace / "texts.jsonl").write_text('{"text": "the students"}\n', encoding="utf-8")
    (workspace / "texts.txt").write_text("the students\n", encoding="utf-8")
    assert unroll("score", "trigram", "texts.jsonl").out == unroll("score", "trigram", "texts.txt").out


def test_evaluate_counts_bytes_and_unknown_words(unroll: Run) -> None:
    output = json.loads(unroll("evaluate", "trigram", "-", "--json", text="the zebra\n").out)
    assert (output["tokens"], output["unknown"], output["lines"]) == (3, 1, 1)
    assert output["oov_rate"] == pytest.approx(1 / 3)
    assert output["perplexity"] == pytest.approx(math.exp(-output["log_likelihood"] / 3))
    # "zebra" and its end are spelled at 8 bits a byte; the text has 9 bytes and an end.
    assert output["bits_per_byte_tokens"] == pytest.approx(-output["log_likelihood"] / math.log(2) / 10)
    assert output["bits_per_byte_spelling"] == pytest.approx(8 * 6 / 10)
    assert 0 < output["bits_per_byte_spacing"] < 0.1  # single spaces are usual
    parts = [output[f"bits_per_byte_{part}"] for part in ("tokens", "spelling", "spacing")]
    assert output["bits_per_byte"] == pytest.approx(sum(parts))


def test_evaluate_prints_the_parts_of_bits_per_byte_or_what_is_missing(
    unroll: Run, workspace: Path, tmp_path: Path
) -> None:
    result = unroll("evaluate", "trigram", "-", text="the zebra\n")
    assert re.search(
        r"^bits per byte  \d\.\d{4} \(tokens .*, spelling of unknown words .*, spacing .*\)$", result.out, re.M
    )
    assert not result.err
    shutil.copytree(workspace / "models" / "trigram", tmp_path / "old")
    state = json.loads((tmp_path / "old/tokenizer.json").read_text(encoding="utf-8"))
    del state["spacing"], state["unknown"]
    (tmp_path / "old/tokenizer.json").write_text(json.dumps(state), encoding="utf-8")
    result = unroll("evaluate", str(tmp_path / "old"), "-", text="the zebra\n")
    assert "bits per byte  nan" in result.out
    assert "earlier release" in result.err


def test_generate_is_reproducible_and_continues_the_prompt(unroll: Run) -> None:
    arguments = ("generate", "models/trigram", "--prompt", "the students", "--count", "4", "--length", "5")
    one, two = unroll(*arguments, "--seed", "3"), unroll(*arguments, "--seed", "3")
    assert one.code == 0, one.err
    assert one.out == two.out
    assert len(one.out.splitlines()) == 4
    assert all(line.startswith("the students") for line in one.out.splitlines())


@pytest.mark.parametrize("options", [("--temperature", "0"), ("--top-k", "1"), ("--top-p", "0.01")])
def test_greedy_completes_the_sentence(unroll: Run, options: tuple[str, ...]) -> None:
    result = unroll("generate", "trigram", "--prompt", "the time", *options)
    assert result.out == "the time traveller arrived\n"


@pytest.mark.parametrize("prompt", ["", "zebra unknown words", "the " * 3000])
def test_case_80_any_prompt_is_defined(unroll: Run, prompt: str) -> None:
    result = unroll("generate", "trigram", "--prompt", prompt, "--length", "3")
    assert result.code == 0, result.err


@pytest.mark.parametrize("model", ["trigram", "hmm", "lstm"])
def test_completions_are_the_models_own_probabilities(unroll: Run, workspace: Path, model: str) -> None:
    output = json.loads(unroll("complete", model, "the students", "--count", "20", "--json").out)["completions"]
    scores = library.load(workspace / "models" / model).token_scores([f"the students {one['word']}" for one in output])
    for one, tokens in zip(output, scores, strict=True):
        assert one["probability"] == pytest.approx(math.exp(tokens[2].log_prob), rel=1e-4)
    assert [one["probability"] for one in output] == sorted((one["probability"] for one in output), reverse=True)


def test_a_model_of_characters_completes_whole_words(unroll: Run) -> None:
    output = json.loads(unroll("complete", "chars", "the students opened their", "--json").out)["completions"]
    assert {one["word"] for one in output[:2]} == {"books", "laptops"}
    assert sum(one["probability"] for one in output) <= 1
    partial = json.loads(unroll("complete", "chars", "the students opened their la", "--partial", "--json").out)
    assert partial["completions"][0]["word"] == "laptops"


def test_a_prefix_is_completed(unroll: Run) -> None:
    result = unroll("complete", "trigram", "the students opened their l", "--partial")
    assert result.out == "1.0000\tlaptops\n"
    lines = unroll("complete", "trigram", "--interactive", text="the ti\n").out
    assert lines == "1.0000\ttime\tthe ti\n"


def test_compare_prints_both_models_and_the_interval(unroll: Run) -> None:
    text, options = "the students opened their books\n" * 30, ("-", "--block", "64")
    first, second, difference = unroll("compare", "trigram", "lstm", *options, text=text).out.splitlines()
    assert float(first.split()[0]) < float(second.split()[0])
    assert difference.startswith("-")
    assert "\ttrigram - lstm\t" in difference
    assert "at 95%" in difference
    output = json.loads(unroll("compare", "trigram", "lstm", *options, "--json", text=text).out)
    assert output["difference"]["p"] < 0.01
    assert output["blocks"] == 15
    refused = unroll("compare", "trigram", "bayes", "-", text=text)
    assert (refused.code, refused.err) == (1, "unroll: models/bayes: does not compare; it supports: classify\n")


def test_classify_prints_the_most_probable_class(unroll: Run) -> None:
    label, probability, text = unroll("classify", "bayes", "-", text="the time traveller\n").out.rstrip().split("\t")
    assert (label, text) == ("story", "the time traveller")
    assert float(probability) > 0.5
    output = json.loads(unroll("classify", "bayes", "-", "--all", "--json", text="the\n").out)
    assert sum(output["all"].values()) == pytest.approx(1)
    assert "does not classify; it supports: score, evaluate" in unroll("classify", "lstm", "-", text="the").err
