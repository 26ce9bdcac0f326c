"""`unroll.load` and its errors."""

import shutil
from pathlib import Path

import pytest

import unroll
from unroll.errors import UnrollError


def test_a_name_is_looked_up_under_models(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(workspace)
    assert unroll.load("trigram").folder == unroll.load("models/trigram").folder == Path("models/trigram")
    with pytest.raises(UnrollError, match=r"^models/trigrm: no model here; there are .*bayes, "):
        unroll.load("trigrm")


@pytest.mark.parametrize(
    ("file", "content", "sentence"),
    [
        ("manifest.json", b"{", r"manifest\.json: damaged"),
        ("manifest.json", b"[]", r"manifest\.json: damaged"),
        ("manifest.json", None, r"manifest\.json: unreadable"),
        ("weights.safetensors", None, r"weights\.safetensors: unreadable"),
        ("weights.safetensors", b"x", r"weights\.safetensors: does not match manifest\.json"),
        ("params.json", b"{}", r"params\.json: does not match manifest\.json"),
    ],
)
def test_the_error_names_the_damaged_file(
    workspace: Path, tmp_path: Path, file: str, content: bytes | None, sentence: str
) -> None:
    folder = tmp_path / "trigram"
    shutil.copytree(workspace / "models" / "trigram", folder)
    (folder / file).unlink()
    if content is not None:
        (folder / file).write_bytes(content)
    with pytest.raises(UnrollError, match=sentence):
        unroll.load(folder)


def test_a_string_and_an_empty_list(workspace: Path) -> None:
    trigram, bayes = (unroll.load(workspace / "models" / name) for name in ("trigram", "bayes"))
    for method in (trigram.score, trigram.evaluate, trigram.token_scores, trigram.predict, bayes.classify):
        with pytest.raises(UnrollError, match="a list of texts is required"):
            method("the students")
    with pytest.raises(UnrollError, match="give at least one"):
        trigram.evaluate([])
    assert trigram.score([]) == []
