"""Saved models of every format load, and predict what they predicted when they were saved.

make_saved.py made the folders of tests/data/models. They must not be changed or removed: a release that cannot load
them cannot load the models that its users have trained, either.
"""

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.models.make_saved import EXPECTED, FORMAT_FOLDER, SAVED, predict
from unroll import models
from unroll.errors import UnrollError
from unroll.models.base.folder import read_experiment

FOLDERS = sorted(path.parent for path in SAVED.glob("format_*/*/params.json"))
FAMILIES = sorted(path.parent.name for path in Path(models.__file__).parent.glob("*/model.py"))


def family_of(folder: Path) -> str:
    return json.loads((folder / "params.json").read_text(encoding="utf-8"))["params"]["family"]


def name_of(folder: Path) -> str:
    return f"{folder.parent.name}/{folder.name}"


CURRENT = {family_of(folder): folder for folder in FOLDERS if folder.parent == FORMAT_FOLDER}
"""A folder of each family in the current format."""


@pytest.mark.parametrize("folder", FOLDERS, ids=name_of)
def test_a_saved_model_predicts_the_same(folder: Path) -> None:
    expected = json.loads((folder.parent / EXPECTED).read_text(encoding="utf-8"))[folder.name]
    found: dict[str, Any] = predict(folder)
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        if name in ("log_probs", "cloze_log_probs", "tag_log_posteriors"):  # lists of documents of different lengths
            assert [len(scores) for scores in found[name]] == [len(scores) for scores in value]
            found[name], value = (np.concatenate(scores) for scores in (found[name], value))
        if name in ("classes", "tags"):
            assert found[name] == value
        else:
            assert not np.isnan(value).any()
            np.testing.assert_allclose(found[name], value, rtol=1e-5, atol=1e-6, err_msg=name)


@pytest.mark.parametrize("folder", FOLDERS, ids=name_of)
def test_a_saved_model_has_its_experiment(folder: Path) -> None:
    assert read_experiment(folder)["family"] == family_of(folder)


def test_every_family_has_a_saved_model_of_the_current_format() -> None:
    assert sorted(CURRENT) == FAMILIES


@pytest.mark.parametrize(
    ("number", "remedy"),
    [
        (2, "install a newer release"),
        (0, "the release of unroll that wrote it"),
        (None, "`dvc repro` trains the model again"),
    ],
)
@pytest.mark.parametrize("family", FAMILIES)
def test_an_unknown_format_is_refused_in_one_sentence(
    family: str, number: int | None, remedy: str, tmp_path: Path
) -> None:
    """The model is intact: its manifest has the hash of the changed file."""
    folder = tmp_path / "model"
    shutil.copytree(CURRENT[family], folder)
    params = json.loads((folder / "params.json").read_text(encoding="utf-8"))
    params = {key: value for key, value in params.items() if key != "format"} | (
        {} if number is None else {"format": number}
    )
    (folder / "params.json").write_text(json.dumps(params), encoding="utf-8")
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    manifest["params.json"] = hashlib.sha256((folder / "params.json").read_bytes()).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    with pytest.raises(UnrollError) as caught:
        models.load(folder)
    sentence = str(caught.value)
    assert sentence.startswith(
        f"{folder / 'params.json'}: the model has format {number or 0}, but this release reads 1; "
    )
    assert remedy in sentence
    assert "\n" not in sentence
