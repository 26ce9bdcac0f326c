"""Every section of params.yaml through the real pipeline: one tiny entry of each is trained, evaluated and reported."""

import json
from pathlib import Path

import pytest

from tests.models.make_saved import ADD_K, CORPORA, FILES, MODELS, SETTINGS, TOKENIZERS
from tests.pipeline.pipeline import ARITHMETIC, copy_of_the_repository, git, run, write_params, yaml
from unroll.params.root import SECTIONS

pytestmark = pytest.mark.slow
MARKOV = {"family": "ngram", "tokenizer": "markov"}
ENTRIES = {
    "models": {
        name: MODELS[name]
        for name in ("window", "ngram_add_k", "masked_transformer", "hmm_tagger", "recurrent_classifier")
    }
    | {"ngram_markov": ADD_K | MARKOV},
    "mixtures": {"mixture": SETTINGS["mixtures"]["mixture"] | {"second": "window"}},
    "generative_classifiers": SETTINGS["generative_classifiers"],
    "oracles": {name: SETTINGS["oracles"][name] for name in ("oracle_markov", "tag_oracle")},
    "vectors": {name: SETTINGS["vectors"][name] for name in ("vector_file", "glove")},
    "pretrained": SETTINGS["pretrained"],
    "seeds": SETTINGS["seeds"],
    "learning_curves": {"ngram_markov": MARKOV | {"oracle": "oracle_markov", "fractions": [0.5]}},
}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository whose pipeline has run."""
    place = copy_of_the_repository(tmp_path_factory.mktemp("sections") / "copy")
    values = yaml.load((place / "params.yaml").read_text(encoding="utf-8"))
    persistence = {"persistence": {"family": "persistence"}}
    series = {"wave": values["series"]["wave"] | {"steps": [1], "forecasters": persistence}}
    corpora = {name: CORPORA[name] for name in ("text", "labelled", "markov", "tagged", "phrases")}
    evaluate = values["evaluate"] | {"statistics": {"block": 5, "resamples": 100, "confidence": 0.95}, "folds": 3}
    write_params(
        place,
        values
        | {"arithmetic": ARITHMETIC}
        | {"corpora": corpora | {"wave": values["corpora"]["wave"] | {"length": 200, "sha256": None}}}
        | {"tokenizers": {name: TOKENIZERS[name] for name in corpora}, "series": series, "evaluate": evaluate}
        | ENTRIES,
    )
    for name, text in FILES.items():
        (place / name).write_text(text, encoding="utf-8")
    git(place, "init", "--quiet")
    run(place, "unroll", "doctor")
    run(place, "dvc", "repro")
    return place


@pytest.mark.parametrize("section", SECTIONS)
def test_entries_are_trained_evaluated_and_reported(finished: Path, section: str) -> None:
    leaderboard = (finished / "reports/leaderboard.md").read_text(encoding="utf-8")
    for name, entry in ENTRIES[section].items():
        metrics = json.loads((finished / "metrics" / f"{name}.json").read_text(encoding="utf-8"))
        experiment = json.loads((finished / "models" / name / "experiment.json").read_text(encoding="utf-8"))
        assert metrics["params_hash"] == experiment["params_hash"]
        assert experiment["family"] == entry["family"]
        row = f"| `{entry['model']}` | 2 |" if section == "seeds" else f"| `{name}` |"
        assert row in leaderboard


def test_the_learning_curve_ends_with_the_whole_train_split(finished: Path) -> None:
    curve = json.loads((finished / "metrics/learning_curves/ngram_markov.json").read_text(encoding="utf-8"))
    trained = json.loads((finished / "metrics/ngram_markov.json").read_text(encoding="utf-8"))
    tokens = [point["train_tokens"] for point in curve["points"]]
    assert tokens == sorted(tokens)
    assert tokens[-1] == trained["train_tokens"]


def test_the_series_is_forecast(finished: Path) -> None:
    written = json.loads((finished / "metrics/series/wave.json").read_text(encoding="utf-8"))
    assert list(written["forecasters"]) == ["persistence"]


def test_a_second_run_has_nothing_to_do_and_loses_no_result(finished: Path) -> None:
    assert "Data and pipelines are up to date" in run(finished, "dvc", "repro")
    assert "files are missing" not in run(finished, "unroll", "sync")
    assert "all results are logged" in run(finished, "unroll", "sync")
    assert "outputs match dvc.lock" in run(finished, "unroll", "verify")
