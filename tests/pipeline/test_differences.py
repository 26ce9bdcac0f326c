"""By how much numbers differ, and what differs between environments: worked examples."""

import json
from typing import Any

import pytest

from unroll.pipeline.reproduction import differences


def of_json(there: Any, here: Any) -> list[str]:
    return list(differences.of_numbers(json.dumps(there).encode(), json.dumps(here).encode(), ".json"))


def test_equal_numbers_have_no_line() -> None:
    values = {"a": 1.5, "b": ["x", None, True], "c": "nan", "d": {"e": "inf"}}
    assert of_json(values, values) == []


def test_the_largest_difference_of_each_metric_is_shown() -> None:
    there = {"loss": 2.0, "groups": [{"bleu": 10.0}, {"bleu": 20.0}, {"bleu": 30.0}], "same": 1}
    here = {"loss": 2.5, "groups": [{"bleu": 10.0}, {"bleu": 19.0}, {"bleu": 27.0}], "same": 1}
    assert of_json(there, here) == [
        "loss: 2.5 instead of 2, a difference of +0.5, 0.25 of it",
        "groups bleu: 27 instead of 30, a difference of -3, 0.1 of it (the largest of 2 differences)",
    ]


@pytest.mark.parametrize(
    ("there", "here", "line"),
    [
        ({"a": 0.0}, {"a": 1e-9}, "a: 1e-09 instead of 0, a difference of +1e-09"),
        ({"a": "inf"}, {"a": 3.0}, "a: 3 instead of inf, a difference of -inf"),
        ({"a": "lstm"}, {"a": "gru"}, "a: gru instead of lstm"),
        ({"a": True}, {"a": False}, "a: False instead of True"),
        ({"a": [1, 2]}, {"a": [1, 2, 3]}, "a: 3 values instead of 2"),
        ({"a": 1}, {}, "a: 0 values instead of 1"),
        ({}, {"a": 1}, "a: 1 values instead of 0"),
        ({"a": "0" * 64}, {"a": "1e5" + "0" * 61}, f"a: 1e5{'0' * 34}... instead of {'0' * 37}..."),  # hashes
    ],
)
def test_what_is_no_plain_difference_is_shown_too(there: Any, here: Any, line: str) -> None:
    assert of_json(there, here) == [line]


def test_columns_of_a_table_are_compared_by_row() -> None:
    there = b"step,train_loss,valid_loss\n1,4.0,\n2,3.0,3.5\n"
    here = b"step,train_loss,valid_loss\n1,4.0,\n2,3.3,3.5\n"
    assert list(differences.of_numbers(there, here, ".csv")) == [
        "train_loss: 3.3 instead of 3, a difference of +0.3, 0.1 of it"
    ]


def test_environments_differ_in_what_both_name() -> None:
    there = {"processor": "Intel", "blas": ["a", "b"], "variables": {"UNROLL_THREADS": "4"}, "torch": "2.13.0"}
    here = {"processor": "AMD", "blas": ["a"], "variables": {"UNROLL_THREADS": "2"}, "gpu": "none"}
    assert list(differences.of_environments(there, here)) == [
        "processor: AMD instead of Intel",
        "blas: a instead of a, b",
        "variables.UNROLL_THREADS: 2 instead of 4",
    ]


def test_packages_that_the_requirements_do_not_name_are_left_out() -> None:
    requirements = "# a comment\nruamel-yaml==0.18 \\\n    --hash=sha256:00\nnumpy==2.1\nabsent==1\n"
    there = ["ruamel.yaml==0.18", "numpy==2.1", "torch==2.13.0+cpu", "other==1", "absent==1"]
    here = ["ruamel_yaml==0.18", "numpy==2.2", "torch==2.13.0+cu130", "other==2"]
    assert list(differences.of_packages(there, here, requirements)) == [
        "absent: none instead of 1",
        "numpy: 2.2 instead of 2.1",
        "torch: 2.13.0+cu130 instead of 2.13.0+cpu",
    ]
