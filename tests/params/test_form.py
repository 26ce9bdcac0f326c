"""params.yaml has the form in which DVC writes it, so that an experiment changes the lines of its values only."""

import difflib
import shutil
from pathlib import Path

import pytest
from dvc.utils.hydra import apply_overrides

from unroll.params.overlay import apply

ROOT = Path(__file__).parents[2]


def changed_lines(before: str, after: str) -> list[str]:
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), n=0, lineterm="")
    return [line for line in lines if line[:3] not in ("---", "+++") and line[:2] != "@@"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("override", "lines"),
    [
        ("seed=7", ["-seed: 1", "+seed: 7"]),
        ("models.lstm.hidden_size=99", ["-    hidden_size: 128", "+    hidden_size: 99"]),
        ("tokenizers.chars.min_count=9", ["-    min_count: 3", "+    min_count: 9"]),
        ("evaluate.translation.beam=2", None),
    ],
)
def test_an_override_changes_one_line(tmp_path: Path, override: str, lines: list[str] | None) -> None:
    path = tmp_path / "params.yaml"
    shutil.copy(ROOT / "params.yaml", path)
    before = path.read_text(encoding="utf-8")
    apply_overrides(path, [override])  # what `dvc exp run -S` does
    found = changed_lines(before, path.read_text(encoding="utf-8"))
    assert len(found) == 2
    assert lines is None or found == lines


def test_the_form_lasts_when_a_named_experiment_is_applied(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    shutil.copy(ROOT / "params.yaml", path)
    before = path.read_text(encoding="utf-8")
    overlay = tmp_path / "overlay.yaml"
    overlay.write_text("evaluate: {translation: {beam: 3}}\n", encoding="utf-8")
    apply(overlay, path)
    assert len(changed_lines(before, path.read_text(encoding="utf-8"))) == 2
