"""A server to download from, and a repository to download into."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.corpora.hostile import Server, serving
from unroll.corpora import download

SHARED = Path(__file__).parents[3] / "shared" / "corpora"


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, empty, with no mirror and no proxy."""
    monkeypatch.chdir(tmp_path)
    for variable in ("DVC_ROOT", "UNROLL_MIRROR", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(variable, raising=False)
        monkeypatch.delenv(variable.lower(), raising=False)
    return tmp_path


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server without TLS that downloads are allowed from, and little patience with it."""
    monkeypatch.setattr(download, "PLAIN_HOSTS", frozenset({"127.0.0.1"}))
    monkeypatch.setattr(
        download, "RETRY_POLICY", download.RetryPolicy(2, window=5, min_speed=1000, max_failures=2, pause=0.01)
    )
    with serving() as running:
        yield running


@pytest.fixture
def mirror(monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of real corpora."""
    folder = Path(os.environ.get("UNROLL_MIRROR") or SHARED)
    if not folder.is_dir():
        pytest.skip(f"no real corpora: set UNROLL_MIRROR or put them at {SHARED}")
    monkeypatch.setenv("UNROLL_MIRROR", str(folder.resolve()))
    return folder.resolve()
