"""The notebook runs from the first cell to the last one, in an empty folder, without results of the pipeline.

Its cells assert the worked numbers of the lecture notes. It is committed without outputs: pictures change with the
version of matplotlib, and trained numbers change in their last digits with the processor, so that the file would change
whenever somebody runs it. The test reads the outputs that matter.
"""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.pipeline.closure import ROOT

PATH = ROOT / "notebooks" / "recurrent_neural_networks.ipynb"
NOTEBOOK = json.loads(PATH.read_text(encoding="utf-8"))
SOURCES = {cell["id"]: "".join(cell["source"]) for cell in NOTEBOOK["cells"]}
CODE = [cell for cell in NOTEBOOK["cells"] if cell["cell_type"] == "code"]
PICTURES = {"k-step-picture", "flow-picture", "attention-picture"}


@pytest.fixture
def private_folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder in the place of those of Jupyter, IPython and temporary files. Its name is short, as sockets need."""
    with tempfile.TemporaryDirectory(prefix="nb-") as name:
        for variable in ("IPYTHONDIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR", "MPLCONFIGDIR", "TMPDIR", "WORK"):
            (Path(name) / variable).mkdir()
            monkeypatch.setenv(variable, str(Path(name) / variable))
        yield Path(name)


@pytest.mark.slow
def test_it_runs_and_leaves_no_files(private_folder: Path) -> None:
    import nbformat
    from nbclient import NotebookClient

    work, before = private_folder / "WORK", PATH.read_bytes()
    notebook = nbformat.read(PATH, as_version=4)
    NotebookClient(notebook, timeout=600, kernel_name="python3", resources={"metadata": {"path": str(work)}}).execute()
    cells = {cell.id: cell.outputs for cell in notebook.cells if cell.cell_type == "code"}
    printed = {name: "".join(map(text_of, outputs)) for name, outputs in cells.items()}

    assert not [output for outputs in cells.values() for output in outputs if output.get("name") == "stderr"]
    assert {
        name for name, outputs in cells.items() if any("image/png" in o.get("data", {}) for o in outputs)
    } == PICTURES
    assert "-0.99 " in printed["rnn-step"]
    assert printed["counts"] == "unigram 9.578e-04   bigram 0.0212   trigram 0.0147\n"
    assert "lstm     are" in printed["completions"]
    assert "trigram  is" in printed["completions"]
    assert PATH.read_bytes() == before
    assert not list(work.iterdir())
    assert not list((private_folder / "TMPDIR").glob("unroll-*"))


def text_of(output: Any) -> str:
    """The text that a cell printed, or that of its value."""
    return output.get("text") or output.get("data", {}).get("text/plain", "")


def test_it_is_committed_without_outputs() -> None:
    assert len(CODE) > 20
    assert not any(cell["outputs"] or cell["execution_count"] for cell in CODE)
    assert set(NOTEBOOK["metadata"]["kernelspec"]) == {"display_name", "language", "name"}


@pytest.mark.parametrize("cell", ["title", "rnn-slip", "second-layer-slip", "counts-slip", "perplexity-slip"])
def test_the_text_says_where_the_notes_are_wrong(cell: str) -> None:
    assert "*The notes*" in SOURCES[cell]


@pytest.mark.parametrize(
    ("cell", "right", "printed"),
    [
        ("rnn-step", "[2.7, -2.7]", "[2.7, -1.7]"),
        ("rnn-step", "[2.86, -2.65]", "[2.86, -1.65]"),
        ("rnn-step", "[0.993, -0.990]", "[0.993, -0.929]"),
        ("second-layer", "[[-0.110, -0.710], [-0.494, -0.794]]", "[[-0.024, -0.702], [-0.315, -0.829]]"),
        ("second-layer", "[[-0.1105, -0.710], [-0.4389, -0.7816]]", "[[-0.024, -0.702], [-0.315, -0.829]]"),
        ("second-layer", "[[0.120, -0.620], [-0.704, -0.424]]", "[[0.206, -0.612], [-0.525, -0.459]]"),
        ("second-layer", "[[0.119, -0.551], [-0.607, -0.400]]", "[[0.203, -0.546], [-0.482, -0.430]]"),
        ("counts", "9.58e-4", "9.58e-5"),
        ("counts", "0.0147", "0.0145"),
    ],
)
def test_a_number_that_the_notes_print_wrong_stops_the_notebook(cell: str, right: str, printed: str) -> None:
    """Each assertion holds with the right number, and fails with the number of the notes."""
    names: dict[str, Any] = {"np": np, "torch": torch}
    for name in dict.fromkeys(["params", "rnn-step", cell]):
        exec(SOURCES[name], names)
    assert right in SOURCES[cell]
    # The comment beside the assertion has the printed number, too, so only the first occurrence is replaced.
    wrong = SOURCES[cell].replace(right, printed, 1)
    with pytest.raises(AssertionError):
        exec(wrong, names)
