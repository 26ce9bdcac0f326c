"""Changes of params.yaml, and the sentence that refuses them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from unroll.errors import UnrollError
from unroll.params.load import parse

ROOT = Path(__file__).parents[2]
Values = dict[str, Any]


def refused(values: Values) -> str:
    with pytest.raises(UnrollError) as caught:
        parse(values, "params.yaml")
    sentence = str(caught.value)
    assert sentence.startswith("params.yaml: ")
    assert "\n" not in sentence
    return sentence.removeprefix("params.yaml: ")


def edit(path: str, value: Any) -> Callable[[Values], None]:
    def change(values: Values) -> None:
        *parents, last = path.split(".")
        for key in parents:
            values = values[key]
        values[last] = value

    return change
