"""The rules between the sections `vectors` and `pretrained` and the others."""

import copy
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.models.test_word_vectors import WORD2VEC
from unroll.errors import UnrollError
from unroll.models.recurrent.params import RecurrentParams
from unroll.params.load import parse

ROOT = Path(__file__).parents[2]
VECTORS = {"family": "vector_file", "tokenizer": "words", "oov_init": "mean", "analogies": "none", "keep": "all"}
GLOVE = VECTORS | {"file": {"source": "glove-6b"}}


def values(**changes: Any) -> dict[str, Any]:
    """params.yaml with GloVe vectors and an LSTM that begins from them; `changes` are the LSTM's."""
    found = copy.deepcopy(YAML(typ="safe", pure=True).load((ROOT / "params.yaml").read_text(encoding="utf-8")))
    lstm = found["models"]["lstm"] | {"vectors": "glove", "freeze_embeddings": True} | changes
    return found | {"vectors": {"glove": GLOVE}, "pretrained": {"tuned": lstm}}


def refused(found: dict[str, Any]) -> str:
    with pytest.raises(UnrollError) as caught:
        parse(found, "params.yaml")
    return str(caught.value).removeprefix("params.yaml: ")


def test_valid_and_evaluated_with_the_others() -> None:
    params = parse(values(), "params.yaml")
    assert {"glove", "tuned", "lstm"} <= set(params.experiments)
    assert isinstance(params.pretrained["tuned"], RecurrentParams)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"vectors": "glov"}, "pretrained.tuned.vectors: there is no glov; did you mean glove?"),
        (
            {"tokenizer": "chars"},
            "pretrained.tuned.vectors: glove has tokenizer words, but tokenizer is chars here; give one with",
        ),
        ({"freeze_embeddings": 1}, "pretrained.tuned.freeze_embeddings: input should be a valid boolean"),
        ({"family": "ngram"}, "pretrained.tuned.family: there is no ngram"),
        ({"embedding_size": 50}, "pretrained.tuned: tie_weights needs embedding_size (50) equal to hidden_size (128)"),
    ],
)
def test_a_model_that_does_not_fit_its_vectors(changes: dict[str, Any], sentence: str) -> None:
    assert refused(values(**changes)).startswith(sentence)


def test_one_name_for_two() -> None:
    found = values()
    found["vectors"]["lstm"] = GLOVE
    assert refused(found) == "vectors.lstm: models has an entry lstm, too; give one of them another name"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"file": {"source": "path", "path": "x.txt"}}, "vectors.glove.file.sha256: missing; add it"),
        ({"analogies": "some"}, "vectors.glove.analogies"),
        ({"keep": "none"}, "vectors.glove.keep: input should be 'vocabulary' or 'all', not 'none'"),
        ({"oov_init": "random"}, "vectors.glove.oov_init: input should be 'zeros', 'mean' or 'normal', not 'random'"),
    ],
)
def test_vectors_that_are_wrong(change: dict[str, Any], sentence: str) -> None:
    found = values()
    found["vectors"]["glove"] = GLOVE | change
    assert refused(found).startswith(sentence)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"objective": "softmax"}, "objective softmax draws no noise words; set negative to 0 and noise_exponent"),
        ({"negative": 0}, "objective negative_sampling needs noise words; raise negative, or set objective: softmax"),
        ({"batch_size": 2}, "objective negative_sampling is trained position by position; set batch_size to 1"),
    ],
)
def test_settings_of_word2vec_that_do_not_fit_the_objective(change: dict[str, Any], sentence: str) -> None:
    found = values()
    found["vectors"]["trained"] = WORD2VEC | {"tokenizer": "words"} | change
    assert refused(found).startswith(f"vectors.trained: {sentence}")


@pytest.mark.parametrize(
    ("model", "sentence"),
    [
        ({"hidden_size": 30}, "models.t: hidden_size (30) is not a multiple of twice the heads (4)"),
        ({"context": 0}, "models.t.context: input should be greater than or equal to 1"),
    ],
)
def test_a_transformer_that_is_wrong(model: dict[str, Any], sentence: str) -> None:
    found = values()
    lstm = {
        key: found["models"]["lstm"][key] for key in ("tokenizer", "tie_weights", "batching", "softmax", "training")
    }
    sizes = {"hidden_size": 32, "layers": 1, "heads": 4, "feedforward_size": 64, "context": 8, "dropout": 0.0}
    found["models"]["t"] = lstm | sizes | {"family": "transformer"}
    assert parse(found, "params.yaml").models["t"].family == "transformer"
    found["models"]["t"] |= model
    assert refused(found).startswith(sentence)
