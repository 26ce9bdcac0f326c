"""A name of an earlier release is refused with the new name."""

import copy
import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.params.faults import ROOT, Values, edit, refused
from unroll.params.renamed import KEYS, VALUES
from unroll.params.root import Root


def rename(path: str, old: str, value: Any = None) -> Callable[[Values], None]:
    """Give the key at `path` its old name, and optionally an old value."""

    def change(values: Values) -> None:
        *parents, last = path.split(".")
        for key in parents:
            values = values[key]
        new = values.pop(last)
        values[old] = new if value is None else value

    return change


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (rename("tokenizers", "tokens"), "tokens: was renamed; write tokenizers"),
        (rename("oracles", "truths"), "truths: was renamed; write oracles"),
        (rename("models.lstm.tokenizer", "tokens"), "models.lstm.tokens: was renamed; write tokenizer"),
        (
            rename("models.lstm.batching", "order", "sequential"),
            "models.lstm.order: was renamed; write batching (contiguous for sequential, shuffled for random)",
        ),
        (
            edit("models.lstm.batching", "random"),
            "models.lstm.batching: the value 'random' was renamed; write shuffled",
        ),
        (rename("tokenizers.words.type", "level"), "tokenizers.words.level: was renamed; write type"),
        (
            rename("tokenizers.words.shared_vocabulary", "vocabularies", "joint"),
            "tokenizers.words.vocabularies: was renamed; write shared_vocabulary (true for joint, false for separate)",
        ),
        (
            rename("corpora.hidden.expected_tokens", "tokens"),
            "corpora.hidden.tokens: was renamed; write expected_tokens",
        ),
        (rename("corpora.hidden.stop_probability", "end"), "corpora.hidden.end: was renamed; write stop_probability"),
        (
            edit("corpora.prose.documents", "given"),
            "corpora.prose.documents: the value 'given' was renamed; write source",
        ),
        (
            rename("models.lstm.dropout.hidden", "between"),
            "models.lstm.dropout.between: was renamed; write hidden",
        ),
        (
            rename("models.lstm.training.clip.max_norm", "limit"),
            "models.lstm.training.clip.limit: was renamed; write max_norm",
        ),
        (
            edit("models.lstm.training.averaging", {"kind": "exponential", "decay": 0.9}),
            "models.lstm.training.averaging.kind: the value 'exponential' was renamed; write ema",
        ),
        (
            edit("models.lstm.training.schedule", {"kind": "exponential"}),
            "models.lstm.training.schedule.kind: there is no exponential",
        ),
        (
            edit("models.naive_bayes.family", "per_class"),
            "models.naive_bayes.family: the value 'per_class' was renamed; write generative_classifier, and move the "
            "entry to the section generative_classifiers",
        ),
        (rename("evaluate.k_step", "ahead"), "evaluate.ahead: was renamed; write k_step"),
        (
            rename("learning_curves.hmm_symbols.fractions", "parts", [16, 4]),
            "learning_curves.hmm_symbols.parts: was renamed; write fractions (1 / 16 becomes 0.0625)",
        ),
    ],
)
def test_an_old_name_is_refused_with_the_new_one(
    values: Values, change: Callable[[Values], None], sentence: str
) -> None:
    change(values := copy.deepcopy(values))
    assert refused(values).startswith(sentence)


def test_only_renamings_are_counted_where_keys_are_renamed(values: Values) -> None:
    """An old key also makes the new one a missing key."""
    values = copy.deepcopy(values)
    rename("models.lstm.batching", "order", "sequential")(values)
    rename("models.gru.batching", "order", "random")(values)
    assert refused(values).endswith("shuffled for random) (and 1 more); CHANGELOG.md lists all new names")


def test_the_changelog_lists_every_new_name() -> None:
    table = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8").split("#### New names")[1].split("###")[0]
    for old, names in KEYS.items():
        assert f"| `{old}` | {' or '.join(f'`{name}`' for name in names)} |" in table
    for (key, old), new in VALUES.items():
        before = next(name for name, names in {**KEYS, key: (key,)}.items() if key in names)
        assert re.search(rf"\| `{before}: .*`{old}`|\| `{before}: {old}`", table), (before, old)
        assert re.search(rf"\| `{key}: .*`{new}`|\| `{key}: {new}`", table), (key, new)


def test_every_renamed_key_exists() -> None:
    """A new name that no section has would never be found."""
    keys: set[str] = set()

    def collect(schema: Any) -> None:
        for definition in schema.get("$defs", {}).values():
            keys.update(definition.get("properties", {}))

    schema = Root.model_json_schema()
    collect(schema)
    keys.update(schema["properties"])
    assert {new for names in KEYS.values() for new in names} <= keys
