"""The JSON API and the requests that it refuses."""

import math
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

import unroll
from tests.trained import TRIGRAM, train
from unroll.models.ngram.params import NgramParams
from unroll.params.tokenizers import BpeTokenizerParams
from unroll.serve.app import MAX_BODY, create_app
from unroll.serve.responses import predict
from unroll.serve.schema import MAX_TEXT
from unroll.text.tokenizers.unknown import UnknownWords
from unroll.use import TextModel

NAMES = ("trigram", "hmm", "lstm", "chars", "bayes")


@pytest.fixture(scope="module")
def client(workspace: Path) -> TestClient:
    models = {name: unroll.load(workspace / "models" / name) for name in NAMES}
    return TestClient(create_app(models), base_url="http://127.0.0.1:8000")


def test_predictions_are_those_of_the_model(client: TestClient, workspace: Path) -> None:
    request = {"text": "The students  opened", "models": ["trigram", "hmm", "lstm", "chars"]}
    for prediction in client.post("/api/predict", json=request).json():
        model = unroll.load(workspace / "models" / prediction["model"])
        (scores,) = model.token_scores([request["text"]])
        assert prediction["text"] == "the students opened"
        for token, score in zip(prediction["tokens"], scores, strict=False):
            assert token["token"] == score.token
            assert token["bits"] == pytest.approx(-score.log_prob / math.log(2), rel=1e-4)
            probabilities = [word["probability"] for word in token["next"]]
            assert probabilities == sorted(probabilities, reverse=True)
            assert sum(probabilities) < 1.0001
        assert [word["word"] for word in prediction["next"]] == [
            one.word for one in model.complete("the students opened", 8)
        ]


def test_the_word_for_unknown_words_is_one_token_at_its_place(workspace: Path) -> None:
    """A model of characters of a prepared corpus: "<unk>" is one token, and the next token is behind it."""
    model = unroll.load(workspace / "models" / "chars")
    model.tokenizer.unknown = UnknownWords("<unk>")
    with TestClient(create_app({"chars": model}), base_url="http://127.0.0.1:8000") as client:
        (prediction,) = client.post("/api/predict", json={"text": "a <unk> b", "models": ["chars"]}).json()
    assert [token["token"] for token in prediction["tokens"]] == ["a", " ", "<unk>", " ", "b"]
    assert [(token["start"], token["end"]) for token in prediction["tokens"]] == [
        (0, 1),
        (1, 2),
        (2, 7),
        (7, 8),
        (8, 9),
    ]


def test_the_word_for_unknown_words_is_one_token_of_a_word_model(workspace: Path) -> None:
    """Also with a tokenizer of punctuation, for which "<unk>" is three words."""
    model = unroll.load(workspace / "models" / "trigram")
    model.tokenizer.unknown = UnknownWords("<unk>")
    model.tokenizer.pretokenizer = "punctuation"
    response = predict(model, "trigram", "the <unk> students , zebra", 3)
    assert [token.token for token in response.tokens] == ["the", "<unk>", "students", ",", "zebra"]
    assert [token.start for token in response.tokens] == [0, 4, 10, 19, 21]


@pytest.fixture(scope="module")
def model_of_bytes(tmp_path_factory: pytest.TempPathFactory) -> TextModel:
    """A trigram model over byte pair encoding of bytes, whose merges know ASCII only."""
    folder = tmp_path_factory.mktemp("bytes")
    bpe = {"type": "bpe", "base_alphabet": "bytes", "vocabulary_size": 300, "max_training_characters": 10_000}
    settings = bpe | {"corpus": "toy", "sequence_length": 5, "shared_vocabulary": True}
    train(folder, "bytes", BpeTokenizerParams.model_validate(settings), NgramParams.model_validate(TRIGRAM))
    return unroll.load(folder / "models" / "bytes")


TEXTS = [
    "a€b the",
    "naïve café",
    "日本語 the",
    "👩\u200d👩\u200d👧 time",
    "é",
    "<0xE2> é<0xC3>",
    "e\u0301",
    "\u0e01\u0e33 the",
]


@pytest.mark.parametrize("text", TEXTS)
def test_tokens_of_bytes_are_at_their_place(model_of_bytes: TextModel, text: str) -> None:
    """The bytes of a character are tokens of their own in byte BPE; the tokens behind it stay at their place."""
    response = predict(model_of_bytes, "bytes", text, 3)
    cleaned, tokens = response.text, response.tokens
    assert "".join(cleaned[token.start : token.end] for token in tokens) == cleaned
    assert [token.start for token in tokens] == [0, *(token.end for token in tokens[:-1])]
    scores = model_of_bytes.token_scores([text])[0][:-1]
    for token, score in zip(tokens, scores, strict=True):
        shown = cleaned[token.start : token.end]
        assert shown == score.token or "<0x" in score.token
        assert token.token == (shown or score.token)
    assert any("<0x" in score.token for score in scores)


def test_models_are_listed_with_their_family_and_their_verbs(client: TestClient) -> None:
    cards = {card["name"]: card for card in client.get("/api/models").json()}
    families = {name: card["family"] for name, card in cards.items()}
    assert families == dict(zip(NAMES, ("ngram", "hmm", "recurrent", "ngram", "naive_bayes"), strict=True))
    assert cards["bayes"]["verbs"] == ["classify"]


def test_generation_is_reproducible(client: TestClient) -> None:
    request = {"model": "lstm", "prompt": "the students", "count": 2, "seed": 5}
    one, two = (client.post("/api/generate", json=request).json()["texts"] for _ in range(2))
    assert one == two
    assert len(one) == 2


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("predict", {"text": "a" * (MAX_TEXT + 1), "models": ["trigram"]}, 422),
        ("predict", {"text": "a", "models": []}, 422),
        ("predict", {"text": "a", "models": ["trigram"] * 9}, 422),
        ("predict", {"text": "a", "models": ["trigram"], "more": 1}, 422),
        ("predict", {"text": "a", "models": ["../../etc"]}, 400),
        ("predict", {"text": "a", "models": ["bayes"]}, 400),
        ("generate", {"model": "trigram", "length": 100_000}, 422),
        ("generate", {"model": "trigram", "temperature": -1}, 422),
        ("translate", {"model": "trigram", "text": "a"}, 400),
        ("predict", "no object", 422),
        ("nowhere", {}, 404),
    ],
)
def test_bad_requests_are_refused(client: TestClient, path: str, body: Any, status: int) -> None:
    response = client.post(f"/api/{path}", json=body)
    assert response.status_code == status
    assert response.json()["detail"]


def test_a_lone_surrogate_is_refused(client: TestClient) -> None:
    response = client.post("/api/predict", content=b'{"text": "\\ud800", "models": ["trigram"]}')
    assert response.status_code == 422
    assert response.json()["detail"]


@pytest.mark.parametrize("text", ["", " ", "zebra", "\x00\x1b[31m", "é", "😀", "a" * MAX_TEXT])
def test_any_text_is_accepted(client: TestClient, text: str) -> None:
    response = client.post("/api/predict", json={"text": text, "models": ["trigram", "chars"]})
    assert response.status_code == 200, response.text


def test_a_long_request_is_refused_with_and_without_its_length(client: TestClient) -> None:
    long = b'{"text": "' + b"a" * MAX_BODY + b'"}'
    assert client.post("/api/predict", content=long).status_code == 413
    assert client.post("/api/predict", content=iter([long[:100], long[100:]])).status_code == 413


@pytest.mark.parametrize("host", ["evil.example", "10.evil.example", "127.0.0.1.evil.example", "0.0.0.0", ""])
def test_only_the_names_of_this_machine_are_accepted(client: TestClient, host: str) -> None:
    assert client.get("/api/models", headers={"Host": host}).status_code == 400
    assert client.get("/api/models", headers={"Host": "localhost:8000"}).status_code == 200


def test_the_page_can_run_only_its_own_script(client: TestClient) -> None:
    response = client.get("/")
    policy = response.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert policy.count("sha256-") == 2
    for banned in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "http://", "https://"):
        assert banned not in response.text, banned


def test_the_api_has_a_schema(client: TestClient) -> None:
    paths = client.get("/api/schema.json").json()["paths"]
    assert {"/api/models", "/api/predict", "/api/generate", "/api/translate"} <= set(paths)
    assert client.get("/docs").status_code == 404  # it would load scripts from elsewhere
