"""The comparison of a run that was made again with what was recorded: bytes, numbers, tolerances and environments."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.pipeline.test_verify import METRICS, Run
from unroll.environment import Record
from unroll.errors import UnrollError
from unroll.md5 import dvc_md5
from unroll.pipeline.reproduce import Reproduction
from unroll.provenance import snapshot

OUTPUTS = ("metrics/lstm.json", "data/evaluations/lstm", "models/lstm")
"""In the order of the dvc.lock."""
Compare = Callable[..., tuple[list[str], str]]


@pytest.fixture
def compare(tmp_path: Path) -> Compare:
    """Compare recorded and new results of the LSTM: the lines, and the error or an empty text."""

    def run(arithmetic: str, there: dict[str, Any], here: dict[str, Any], **files: str) -> tuple[list[str], str]:
        folders = []
        for name, metrics in (("there", there), ("here", here)):
            (tmp_path / name).mkdir()
            values = Run(arithmetic, metrics=METRICS | {"lstm": METRICS["lstm"] | metrics})
            values.files = files if name == "here" else {}
            folders.append(values.write(tmp_path / name))
        recorded, made = folders
        outputs = {path: dvc_md5(recorded / path) for path in OUTPUTS}
        stage = {"environment": {"processor": "Zilog Z80", "numpy": "0.1"}}
        about: dict[str, Any] = {"format": 1, "stages": {"train@lstm": stage, "evaluate@lstm": stage}}
        (recorded / "run.json").write_text(json.dumps(about | {"outputs": outputs}))
        record = Record()
        record.add("metrics/lstm.json", dvc_md5(made / "metrics/lstm.json"), {"processor": "MOS 6502", "numpy": "0.2"})
        (made / "reports").mkdir()
        (made / "reports/environment.json").write_text(record.format())
        lines: list[str] = []
        try:
            for line in Reproduction(recorded, made, snapshot.read(recorded)).compare():
                lines.append(line)
        except UnrollError as error:
            return lines, str(error)
        return lines, ""

    return run


def test_equal_outputs_are_listed(compare: Compare) -> None:
    assert compare("portable", {}, {}) == (
        [*(f"equal   {path}" for path in OUTPUTS), "all 3 outputs have the same bytes as those of the run"],
        "",
    )


def test_a_difference_of_portable_results_is_a_fault(compare: Compare) -> None:
    lines, error = compare("portable", {"cross_entropy": 4.0}, {"cross_entropy": 4.001})
    assert error == "1 of 3 outputs differ from those of the run: metrics/lstm.json"
    assert lines == [
        "differs metrics/lstm.json",
        "equal   data/evaluations/lstm",
        "equal   models/lstm",
        "metrics/lstm.json: 1 metric differs",
        "  cross_entropy: 4.001 instead of 4, a difference of +0.001, 0.00025 of it",
        "with `arithmetic: portable` on a CPU all bytes must be equal on all processors",
        "the environment differs:",
        "  processor: MOS 6502 instead of Zilog Z80",
        "  numpy: 0.2 instead of 0.1",
    ]


@pytest.mark.parametrize(("number", "within"), [(4.001, True), (4.1, False)])
def test_a_difference_of_native_results_is_compared_with_the_tolerances(
    compare: Compare, number: float, within: bool
) -> None:
    lines, error = compare("native", {"cross_entropy": 4.0}, {"cross_entropy": number})
    assert error
    assert "the arithmetic is native: other processors and numbers of threads round otherwise" in lines
    tolerance = "  all are within the tolerances of another kind of processor (docs/reproducibility.md)"
    assert (tolerance in lines) == within


def test_metrics_of_other_names_are_not_within_a_tolerance(compare: Compare) -> None:
    lines, error = compare("native", {}, {"a_new_metric": 1.0})
    assert error
    assert "  a_new_metric: 1 values instead of 0" in lines
    assert not any("tolerances" in line for line in lines)


def test_an_output_without_numbers_is_named(compare: Compare) -> None:
    lines, error = compare("portable", {}, {}, **{"models/lstm": "other weights"})
    assert error == "1 of 3 outputs differ from those of the run: models/lstm"
    assert "differs models/lstm" in lines


def test_damaged_metrics_are_named(compare: Compare) -> None:
    lines, error = compare("portable", {}, {}, **{"metrics/lstm.json": "{"})
    assert error == "1 of 3 outputs differ from those of the run: metrics/lstm.json"
    assert any(line.startswith("metrics/lstm.json: the numbers cannot be compared (") for line in lines)


def test_a_missing_output_differs(compare: Compare, monkeypatch: pytest.MonkeyPatch) -> None:
    made = Reproduction._upstream

    def remove(self: Reproduction) -> Any:
        (self.root / "metrics/lstm.json").unlink()
        return made(self)

    monkeypatch.setattr(Reproduction, "_upstream", remove)
    lines, error = compare("portable", {}, {})
    assert "differs metrics/lstm.json" in lines
    assert error == "1 of 3 outputs differ from those of the run: metrics/lstm.json"
