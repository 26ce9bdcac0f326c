"""The JSON API and what it refuses."""

import math
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

import unroll
from unroll.serve.app import BODY, create
from unroll.serve.schema import TEXT

NAMES = ("trigram", "hmm", "lstm", "chars", "bayes")


@pytest.fixture(scope="module")
def client(workspace: Path) -> TestClient:
    models = {name: unroll.load(workspace / "models" / name) for name in NAMES}
    return TestClient(create(models), base_url="http://127.0.0.1:8000")


def test_a_reading_is_the_models_own(client: TestClient, workspace: Path) -> None:
    question = {"text": "The students  opened", "models": ["trigram", "hmm", "lstm", "chars"]}
    for found in client.post("/api/read", json=question).json():
        model = unroll.load(workspace / "models" / found["model"])
        (scores,) = model.token_scores([question["text"]])
        assert found["text"] == "the students opened"
        for token, score in zip(found["tokens"], scores, strict=False):
            assert token["token"] == score.token
            assert token["bits"] == pytest.approx(-score.log_prob / math.log(2), rel=1e-4)
            expected = [word["probability"] for word in token["next"]]
            assert expected == sorted(expected, reverse=True)
            assert sum(expected) < 1.0001
        assert [word["word"] for word in found["next"]] == [
            one.word for one in model.complete("the students opened", 8)
        ]


def test_generation_is_reproducible(client: TestClient) -> None:
    question = {"model": "lstm", "prompt": "the students", "count": 2, "seed": 5}
    one, two = (client.post("/api/generate", json=question).json()["texts"] for _ in range(2))
    assert one == two
    assert len(one) == 2


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("read", {"text": "a" * (TEXT + 1), "models": ["trigram"]}, 422),
        ("read", {"text": "a", "models": []}, 422),
        ("read", {"text": "a", "models": ["trigram"] * 9}, 422),
        ("read", {"text": "a", "models": ["trigram"], "more": 1}, 422),
        ("read", {"text": "a", "models": ["../../etc"]}, 400),
        ("read", {"text": "a", "models": ["bayes"]}, 400),
        ("generate", {"model": "trigram", "length": 100_000}, 422),
        ("generate", {"model": "trigram", "temperature": -1}, 422),
        ("translate", {"model": "trigram", "text": "a"}, 400),
        ("read", "no object", 422),
        ("nowhere", {}, 404),
    ],
)
def test_bad_questions_are_refused(client: TestClient, path: str, body: Any, status: int) -> None:
    answer = client.post(f"/api/{path}", json=body)
    assert answer.status_code == status
    assert answer.json()["detail"]


def test_half_a_surrogate_pair_is_refused(client: TestClient) -> None:
    answer = client.post("/api/read", content=b'{"text": "\\ud800", "models": ["trigram"]}')
    assert answer.status_code == 422
    assert answer.json()["detail"]


@pytest.mark.parametrize("text", ["", " ", "zebra", "\x00\x1b[31m", "é", "😀", "a" * TEXT])
def test_any_text_is_read(client: TestClient, text: str) -> None:
    answer = client.post("/api/read", json={"text": text, "models": ["trigram", "chars"]})
    assert answer.status_code == 200, answer.text


def test_a_long_request_is_refused_whether_it_says_so_or_not(client: TestClient) -> None:
    long = b'{"text": "' + b"a" * BODY + b'"}'
    assert client.post("/api/read", content=long).status_code == 413
    assert client.post("/api/read", content=iter([long[:100], long[100:]])).status_code == 413


@pytest.mark.parametrize("host", ["evil.example", "10.evil.example", "127.0.0.1.evil.example", "0.0.0.0", ""])
def test_only_this_machines_names_are_answered(client: TestClient, host: str) -> None:
    assert client.get("/api/models", headers={"Host": host}).status_code == 400
    assert client.get("/api/models", headers={"Host": "localhost:8000"}).status_code == 200


def test_the_page_may_run_nothing_but_its_own(client: TestClient) -> None:
    answer = client.get("/")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert policy.count("sha256-") == 2
    for banned in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "http://", "https://"):
        assert banned not in answer.text, banned


def test_the_api_has_a_schema(client: TestClient) -> None:
    paths = client.get("/api/schema.json").json()["paths"]
    assert {"/api/models", "/api/read", "/api/generate", "/api/translate"} <= set(paths)
    assert client.get("/docs").status_code == 404  # it would load scripts from elsewhere
