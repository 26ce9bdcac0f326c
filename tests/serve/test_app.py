"""The JSON API and the requests that it refuses."""

import math
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

import unroll
from unroll.serve.app import MAX_BODY, create_app
from unroll.serve.schema import MAX_TEXT
from unroll.text.tokenizers.unknown import UnknownWords

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
