"""Named experiments over params.yaml."""

import shutil
from pathlib import Path

import pytest

from unroll.errors import UnrollError
from unroll.params.load import load
from unroll.params.overlay import apply

ROOT = Path(__file__).parents[2]


@pytest.fixture
def params(tmp_path: Path) -> Path:
    return Path(shutil.copy(ROOT / "params.yaml", tmp_path))


@pytest.mark.parametrize("experiment", sorted((ROOT / "experiments").glob("*/*.yaml")), ids=lambda path: path.stem)
def test_every_experiment_is_valid_and_alone(experiment: Path, params: Path) -> None:
    apply(experiment, params)
    found = load(params)
    assert {model.tokenizer for model in found.models.values()} == set(found.tokenizers)
    assert found.mixtures == {}
    assert found.oracles == {} or "\noracles:\n" in experiment.read_text(encoding="utf-8")
    assert found.seed == load(ROOT / "params.yaml").seed


def overlay(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "overlay.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_number_changes_that_number(params: Path, tmp_path: Path) -> None:
    before = params.read_text(encoding="utf-8").splitlines()
    apply(overlay(tmp_path, "seed: 3\nevaluate: {samples: 7}\n"), params)
    after = params.read_text(encoding="utf-8").splitlines()
    changed = [line for line in after if line not in before]
    assert changed == ["seed: 3", "  samples: 7"]
    assert [line for line in before if "#" in line] == [line for line in after if "#" in line]


def test_a_known_entry_needs_only_what_differs(params: Path, tmp_path: Path) -> None:
    text = (
        "corpora: {prose: {}}\ntokenizers: {words: {min_count: 2}}\nmodels: {lstm: {training: {clip: {kind: none}}}}\n"
    )
    apply(overlay(tmp_path, text), params)
    before, after = load(ROOT / "params.yaml"), load(params)
    assert list(after.models) == ["lstm"]
    assert after.models["lstm"].training.clip.kind == "none"
    assert after.models["lstm"].training.optimizer == before.models["lstm"].training.optimizer
    assert after.tokenizers["words"].min_count == 2


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("models: {lstm: {}}\n", "has no section corpora; the pipeline runs what the overlay names"),
        ("sed: 2\n", "sed: unknown key; did you mean seed?"),
        ("- seed\n", "has no sections"),
        ("seed: [\n", "is not YAML"),
        ("evaluate: &e {samples: 7}\n", "line 1: remove the anchor &e"),
        ("tokens: {words: {}}\n", "tokens: was renamed; write tokenizers"),
        ("corpora: {prose: {}}\ntokens: {words: {}}\nmodels: {lstm: {}}\n", "tokens: was renamed; write tokenizers"),
    ],
)
def test_a_bad_overlay_changes_nothing(params: Path, tmp_path: Path, text: str, sentence: str) -> None:
    before = params.read_bytes()
    with pytest.raises(UnrollError, match=sentence.replace("?", r"\?")):
        apply(overlay(tmp_path, text), params)
    assert params.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".part"] == []
