"""The command line, on a small trained model in a folder of its own."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from unroll.models import ngram
from unroll.params.models import NgramParams
from unroll.partition import Data, stream_of
from unroll.text.cleaning import Cleaner
from unroll.use import load


class Lines:
    """A train split in memory."""

    def __init__(self, texts: list[str]) -> None:
        self.texts = texts

    def __iter__(self) -> Any:
        return iter(self.texts)

    @property
    def characters(self) -> int:
        return sum(map(len, self.texts))


TEXTS = ["the students opened their books", "the students opened their laptops", "the time traveller arrived"]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from unroll.params.tokens import WordTokens
    from unroll.text.tokenizer import learn

    place = tmp_path_factory.mktemp("cli")
    folder = place / "models" / "trigram"
    folder.mkdir(parents=True)
    tokens = WordTokens.model_validate(
        {
            "corpus": "toy",
            "sequence_length": 5,
            "level": "word",
            "pieces": "whitespace",
            "min_count": 1,
            "vocabularies": "joint",
            "vocabulary_size": "all",
        }
    )
    tokenizer = learn(tokens, Lines(TEXTS))
    stream = stream_of([np.asarray(ids) for ids in tokenizer.encode_batch(TEXTS)], tokenizer.vocabulary_size)
    data = Data("toy", tokenizer.vocabulary_size, 5, 1, {"train": {"text": stream}, "valid": {"text": stream}})
    smoothing = {"kind": "add_k", "k": 0.01}
    params = {"family": "ngram", "tokens": "toy", "order": 3, "prune": [0], "smoothing": smoothing}
    ngram.fit(NgramParams.model_validate(params), data, lambda *_, **__: None).save(folder)
    tokenizer.save(folder / "tokenizer.json")
    cleaner = {"cleaning": "plain", "invisible": "drop", "lowercase": True, "markup": "keep"}
    assert Cleaner(**cleaner)("A  b") == "a b"
    (folder / "text.json").write_text(json.dumps(cleaner), encoding="utf-8")
    return place


def unroll(place: Path, *arguments: str, text: str | bytes | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "unroll", *arguments],
        cwd=place,
        input=text,
        capture_output=True,
        text=True,
        check=False,
    )


def test_score_prints_each_line_and_the_total(place: Path) -> None:
    (place / "lines.txt").write_text("The students  opened their books\n\nthe zebra\n", encoding="utf-8")
    result = unroll(place, "score", "trigram", "lines.txt")
    assert result.returncode == 0, result.stderr
    first, second = (line.split("\t") for line in result.stdout.splitlines())
    model = load(place / "models" / "trigram")
    expected = model.score(["the students opened their books", "the zebra"])
    assert float(first[0]) == pytest.approx(expected[0].log_likelihood, abs=1e-4)
    assert float(second[0]) == pytest.approx(expected[1].log_likelihood, abs=1e-4)
    assert "9 tokens (1 unknown)" in result.stderr


def test_score_reads_standard_input(place: Path) -> None:
    result = unroll(place, "score", "trigram", "-", text="the students\n")
    assert result.returncode == 0
    assert len(result.stdout.splitlines()) == 1


def test_generate_is_reproducible_and_continues_the_prompt(place: Path) -> None:
    arguments = (
        "generate",
        "models/trigram",
        "--prompt",
        "the students",
        "--count",
        "4",
        "--length",
        "5",
        "--seed",
        "3",
    )
    one, two = unroll(place, *arguments), unroll(place, *arguments)
    assert one.returncode == 0, one.stderr
    assert one.stdout == two.stdout
    assert len(one.stdout.splitlines()) == 4
    assert all(line.startswith("the students") for line in one.stdout.splitlines())


def test_greedy_completes_the_sentence(place: Path) -> None:
    result = unroll(place, "generate", "trigram", "--prompt", "the time", "--temperature", "0")
    assert result.stdout == "the time traveller arrived\n"


@pytest.mark.parametrize("prompt", ["", "zebra unknown words", "the " * 3000])
def test_case_80_any_prompt_is_defined(place: Path, prompt: str) -> None:
    result = unroll(place, "generate", "trigram", "--prompt", prompt, "--length", "3")
    assert result.returncode == 0, result.stderr


def test_case_70_escape_sequences_are_printed_inert(place: Path) -> None:
    result = unroll(place, "score", "trigram", "-", text="the \x1b[31mstudents\x07\u202e\n")
    assert result.returncode == 0
    assert "\x1b" not in result.stdout
    assert "\\x1b[31m" in result.stdout
    assert "\u202e" not in result.stdout


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("score", "trigrm", "lines.txt"), "unroll: models/trigrm: no model here; there are trigram"),
        (("score", "trigram", "absent.txt"), "unroll: absent.txt: cannot be read"),
        (("score", "trigram", "empty.txt"), "unroll: empty.txt: the file is empty"),
        (("score", "trigram", "blank.txt"), "unroll: blank.txt: has no text to score"),
        (("score", "trigram", "binary.txt"), "unroll: binary.txt: "),
        (("score", "trigram", "bad.txt"), "unroll: bad.txt"),
        (("doctor",), "unroll: "),
        (("verify",), "unroll: dvc.lock: not found"),
    ],
)
def test_what_a_user_does_wrong_is_one_sentence(place: Path, arguments: tuple[str, ...], sentence: str) -> None:
    (place / "lines.txt").write_text("the students\n", encoding="utf-8")
    (place / "empty.txt").write_bytes(b"")
    (place / "blank.txt").write_bytes(b"\n \n")
    (place / "binary.txt").write_bytes(bytes(range(256)) * 20)
    (place / "bad.txt").write_bytes(b"good line\nbad \xff line\n")
    result = unroll(place, *arguments)
    assert result.returncode == 1
    assert result.stderr.startswith(sentence)
    assert len(result.stderr.splitlines()) == 1


def test_a_model_of_another_kind_says_what_it_can_do(place: Path) -> None:
    with pytest.raises(Exception, match="does not translate; it can score and generate"):
        load(place / "models" / "trigram").translate(["the students"])
