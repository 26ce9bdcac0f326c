"""The folder of a trained model: its tokenizer, its cleaning, its experiment, and a card that describes it."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from unroll.errors import UnrollError
from unroll.models.base import folder, storage
from unroll.params.load import load
from unroll.text.tokenizers.word import WordTokenizer

ROOT = Path(__file__).parents[2]


class Stub:
    """A model with fewer parameters than numbers."""

    parameters = 1234

    def __init__(self, params: dict[str, Any]) -> None:
        self.params = params

    def save(self, path: Path) -> None:
        storage.write(path, {"params": self.params}, {"x": np.zeros(2000)})


@pytest.fixture
def saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a model `lstm` of the default params.yaml."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data/tokens/words").mkdir(parents=True)
    WordTokenizer(["word"], "whitespace").save(tmp_path / "data/tokens/words/tokenizer.json")
    corpus = {"name": "prose", "source": "python-docs", "sampled": False, "cleaner": {"cleaning": "prose"}}
    (tmp_path / "data/tokens/words/corpus.json").write_text(json.dumps(corpus), encoding="utf-8")
    settings = load(ROOT / "params.yaml").models["lstm"].model_dump(mode="json")
    folder.save(Stub(settings), tmp_path / "lstm", settings)
    return tmp_path / "lstm"


def test_a_card_names_the_model_its_corpus_and_every_param(saved: Path, tmp_path: Path) -> None:
    text = (saved / "README.md").read_text(encoding="utf-8")
    assert text.startswith("# `lstm`\n")
    assert "with 1,234 parameters" in text
    assert "corpus `prose` (source `python-docs`)" in text
    for key, value in load(ROOT / "params.yaml").models["lstm"].model_dump(mode="json").items():
        assert f"| `{key}` | {json.dumps(value, sort_keys=True)} |" in text
    assert str(tmp_path) not in text


def test_a_folder_holds_everything_that_is_needed_to_apply_the_model(saved: Path) -> None:
    names = {"params.json", "weights.safetensors", "manifest.json", "tokenizer.json", "cleaning.json"}
    assert {file.name for file in saved.iterdir()} == names | {"experiment.json", "README.md"}
    experiment = folder.read_experiment(saved)
    assert {key: experiment[key] for key in ("family", "tokenizer", "corpus", "sampled")} == {
        "family": "recurrent",
        "tokenizer": "words",
        "corpus": "prose",
        "sampled": False,
    }
    assert json.loads((saved / "cleaning.json").read_text(encoding="utf-8")) == {"cleaning": "prose"}
    assert len(experiment["params_hash"]) == len(experiment["data_hash"]) == 16


@pytest.mark.parametrize("content", [None, "{"])
def test_a_damaged_experiment_is_refused(saved: Path, content: str | None) -> None:
    (saved / "experiment.json").unlink()
    if content is not None:
        (saved / "experiment.json").write_text(content, encoding="utf-8")
    with pytest.raises(UnrollError, match=r"experiment\.json: unreadable"):
        folder.read_experiment(saved)
