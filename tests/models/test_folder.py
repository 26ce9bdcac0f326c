"""The card of a model says what it is and where it comes from."""

import json
from pathlib import Path

import numpy as np
from unroll.models.base.card import card

from unroll.models.base import storage
from unroll.params.load import load

ROOT = Path(__file__).parents[2]


def test_a_card_names_the_model_its_corpus_and_every_param(tmp_path: Path) -> None:
    params = load(ROOT / "params.yaml")
    folder = tmp_path / "lstm"
    folder.mkdir()
    saved = params.models["lstm"].model_dump(mode="json")
    storage.write(folder, {"params": saved}, {"x": np.zeros(1234)})
    text = card(folder, params, "words")
    assert text.startswith("# `lstm`\n")
    assert "1,234 numbers" in text
    assert "corpus `prose` (source `python-docs`)" in text
    for key, value in saved.items():
        assert f"| `{key}` | {json.dumps(value, sort_keys=True)} |" in text
    assert str(tmp_path) not in text
