"""docs/lectures.md names settings, code, tests and pictures that exist."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.pipeline.closure import ROOT

PAGE = (ROOT / "docs" / "lectures.md").read_text(encoding="utf-8")
COLUMNS = ("params", "code", "tests", "picture")
HEADER = "| section | params | code | tests | picture |"
NOTEBOOK = ROOT / "notebooks" / "recurrent_neural_networks.ipynb"


def read_rows() -> list[dict[str, str]]:
    """The rows of the five tables, by column."""
    rows = []
    for table in PAGE.split(HEADER)[1:]:
        for line in table.split("\n\n")[0].strip().splitlines()[1:]:
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            rows.append(dict(zip(("section", *COLUMNS), cells, strict=True)))
    return rows


ROWS = read_rows()
PARAMS = YAML(typ="safe").load(ROOT / "params.yaml")
CELLS = {cell["id"] for cell in json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]}
ANCHORS = {
    anchor
    for page in (ROOT / "src/unroll/report/page").glob("*.html")
    for anchor in re.findall(r'id="([a-z]+)"', page.read_text(encoding="utf-8"))
}


def exists(column: str, name: str) -> bool:
    """Whether a name of a column exists."""
    if column == "params" and not name.startswith("experiments/"):
        value: Any = PARAMS
        for key in name.split("."):
            if key not in value:
                return False
            value = value[key]
        return True
    if column == "code":
        return (ROOT / "src" / "unroll" / name).exists()
    if column == "picture" and "#" in name:
        where, anchor = name.split("#")
        return anchor in {"": ANCHORS, "notebook": CELLS}.get(where, set())
    path, _, test = name.partition("::")
    if not (ROOT / path).exists():
        return False
    return not test or f"def {test}(" in (ROOT / path).read_text(encoding="utf-8")


def test_every_note_has_a_table() -> None:
    assert PAGE.count(HEADER) == 5
    assert len(ROWS) > 60


@pytest.mark.parametrize("row", ROWS, ids=[row["section"] for row in ROWS])
def test_everything_that_a_row_names_exists(row: dict[str, str]) -> None:
    for column in COLUMNS:
        cell = row[column]
        names = re.findall(r"`([^`]+)`", cell)
        assert cell == (", ".join(f"`{name}`" for name in names) or "-")
        for name in names:
            assert exists(column, name), f"{column}: {name}"
    assert "`" in row["code"]
    assert "`" in row["tests"]


@pytest.mark.parametrize(
    ("column", "name"),
    [
        ("params", "models.no_such_model"),
        ("params", "experiments/none.yaml"),
        ("code", "layers/none.py"),
        ("tests", "tests/layers/test_cells.py::test_none"),
        ("picture", "#none"),
        ("picture", "notebook#none"),
        ("picture", "reports/figures/none.png"),
    ],
)
def test_a_name_that_does_not_exist_is_found(column: str, name: str) -> None:
    assert not exists(column, name)


def test_the_corrections_name_their_tests() -> None:
    table = PAGE.split("| notes | printed | right | test |")[1].split("\n\n")[0]
    names = re.findall(r"`(tests/[^`]+)`", table)
    assert len(names) == 5
    assert all(exists("tests", name) for name in names)


def test_links_exist() -> None:
    for target in re.findall(r"\]\(([^)]+)\)", PAGE):
        assert (Path(ROOT / "docs") / target).exists(), target
