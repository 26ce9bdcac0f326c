"""`unroll.leaderboard` and `unroll leaderboard`: numbers of the models that are evaluated, without heavy imports."""

import csv
import io
import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest

import unroll
from tests.trained import Run

METRICS = {"family": "ngram", "tokenizer": "words", "corpus": "prose", "test_tokens": 10, "parameters": 1234}


@pytest.fixture
def results(workspace: Path) -> Path:
    """The metrics of three models of the default params, and of one that is not in params.yaml."""
    root = Path(__file__).parents[2]
    (workspace / "params.yaml").write_bytes((root / "params.yaml").read_bytes())
    (workspace / "metrics").mkdir(exist_ok=True)
    for name, values in {
        "trigram": {"test_perplexity": 114.5, "bits_per_byte": 2.15, "oov_rate": 0.054},
        "kneser5": {"test_perplexity": "inf", "bits_per_byte": "inf", "oov_rate": 0.054},
        "lstm_2": {"test_perplexity": 100.25, "bits_per_byte": 2.1, "oov_rate": 0.054, "family": "recurrent"},
        "removed": {"test_perplexity": 1.5},
    }.items():
        (workspace / "metrics" / f"{name}.json").write_text(json.dumps(METRICS | values), encoding="utf-8")
    bayes = {"family": "naive_bayes", "tokenizer": "docstrings", "corpus": "labelled", "accuracy": 0.825}
    (workspace / "metrics" / "naive_bayes.json").write_text(json.dumps(bayes), encoding="utf-8")
    return workspace


def test_the_leaderboard_is_a_table_of_numbers(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(results)
    table = unroll.leaderboard().set_index("model")
    assert list(table.index) == ["naive_bayes", "lstm_2", "trigram", "kneser5"]
    assert table.test_perplexity.tolist()[1:] == [100.25, 114.5, math.inf]
    assert table.repeats.to_dict() == {"naive_bayes": False, "lstm_2": True, "trigram": False, "kneser5": False}
    assert table.parameters["trigram"] == 1234
    assert table.parameters.isna()["naive_bayes"]


def test_the_verb_prints_the_leaderboard_in_three_formats(results: Path, unroll: Run) -> None:
    lines = unroll("leaderboard", "--corpus", "prose").out.splitlines()
    cells = [cell.strip() for cell in lines[2].strip("|").split("|")]
    assert cells == ["lstm_2", "recurrent", "prose", "words", "100.25", "2.1000", "5.40%", "1,234"]
    assert len({len(line) for line in lines}) == 1
    assert lines[-1].split("|")[5:7] == ["             inf ", "           inf "]
    rows = [json.loads(line) for line in unroll("leaderboard", "--format", "json").out.splitlines()]
    assert [row["model"] for row in rows] == ["naive_bayes", "lstm_2", "trigram", "kneser5"]
    assert (rows[0]["test_perplexity"], rows[3]["test_perplexity"]) == (None, "inf")
    table = list(csv.DictReader(io.StringIO(unroll("leaderboard", "--format", "csv").out)))
    assert [row["test_perplexity"] for row in table] == ["", "100.25", "114.5", "inf"]
    assert [row["accuracy"] for row in table] == ["0.825", "", "", ""]


def test_a_corpus_without_results_is_one_sentence(results: Path, unroll: Run) -> None:
    result = unroll("leaderboard", "--corpus", "prosa")
    known = "unroll: --corpus is prosa, of which no model is evaluated; give one of labelled, prose\n"
    assert (result.code, result.out, result.err) == (1, "", known)
    for file in (results / "metrics").iterdir():
        file.unlink()
    result = unroll("leaderboard")
    assert result.err == "unroll: metrics: has no metrics of a model of params.yaml; run `dvc repro` first\n"
    (results / "params.yaml").unlink()
    assert unroll("leaderboard").err == "unroll: params.yaml: not found; run from the repository's root\n"


@pytest.mark.parametrize(
    ("code", "absent"),
    [
        ("import unroll", {"pandas", "numpy", "torch", "mlflow", "pydantic"}),
        ("import unroll; unroll.leaderboard()", {"torch", "mlflow", "matplotlib"}),
        ("import unroll.cli; sys.argv[1:] = ['leaderboard']; unroll.cli.main()", {"torch", "mlflow", "sklearn"}),
    ],
)
def test_only_what_is_needed_is_imported(results: Path, code: str, absent: set[str]) -> None:
    report = "import atexit, sys; atexit.register(lambda: print(*{name.split('.')[0] for name in sys.modules}))\n"
    command = [sys.executable, "-W", "error", "-c", report + code]
    done = subprocess.run(command, cwd=results, env=os.environ, capture_output=True, text=True, check=True)
    loaded = set(done.stdout.splitlines()[-1].split())
    assert "unroll" in loaded
    assert not absent & loaded
