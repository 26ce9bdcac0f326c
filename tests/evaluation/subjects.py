"""Subjects of the evaluation: toy data with the settings of params.yaml."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from tests import toy
from unroll.evaluation.subject import Subject
from unroll.params.evaluate import Evaluate
from unroll.text.streams import Data
from unroll.text.tokenizers.word import WordTokenizer

ROOT = Path(__file__).parents[2]
COUNTS = {"bytes": 400, "characters": 390, "documents": 30, "spelling_bits": 32.0, "spacing_bits": 5.0}
LABELS = {split: [["a", "b"][number % 2] for number in range(30)] for split in ("valid", "test")}


def params(**changes: Any) -> Evaluate:
    """The section `evaluate` of params.yaml with changes."""
    values = YAML(typ="safe").load((ROOT / "params.yaml").read_text(encoding="utf-8"))["evaluate"]
    return Evaluate.model_validate(values | changes)


def data(pairs: bool = False) -> Data:
    """Toy data with the counts of its text, and with labels unless it consists of pairs."""
    sides = ("source", "target") if pairs else ("text",)
    made = replace(toy.pairs() if pairs else toy.text(), counts={"test": {side: COUNTS for side in sides}})
    return made if pairs else replace(made, labels=LABELS | {"train": ["a", "b"] * 100})


def subject(model: Any, of: Data | None = None, sampled: bool = False, **changes: Any) -> Subject:
    """A model with toy data and the settings of params.yaml with changes."""
    words = WordTokenizer([f"word{'abcdefghijkl'[number]}" for number in range(toy.WORDS)], "whitespace")
    return Subject(model, data() if of is None else of, words, words, params(**changes), 1, sampled)
