"""Fixtures: a server, an empty repository and the mirror of public corpora."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.corpora.hostile import Server, serving
from unroll.corpora import download

SHARED = Path(__file__).parents[3] / "shared" / "corpora"


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make an empty folder the current folder, without a mirror and proxies."""
    monkeypatch.chdir(tmp_path)
    for variable in ("DVC_ROOT", "UNROLL_MIRROR", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(variable, raising=False)
        monkeypatch.delenv(variable.lower(), raising=False)
    return tmp_path


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """Run a server without TLS that downloads accept, with short timeouts."""
    monkeypatch.setattr(download, "PLAIN_HOSTS", frozenset({"127.0.0.1"}))
    monkeypatch.setattr(
        download, "RETRY_POLICY", download.RetryPolicy(2, window=5, min_speed=1000, max_failures=2, pause=0.01)
    )
    with serving() as running:
        yield running


@pytest.fixture
def mirror(monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of public corpora; skip the test if it does not exist."""
    folder = Path(os.environ.get("UNROLL_MIRROR") or SHARED)
    if not folder.is_dir():
        pytest.skip(f"no public corpora: set UNROLL_MIRROR or put them at {SHARED}")
    monkeypatch.setenv("UNROLL_MIRROR", str(folder.resolve()))
    return folder.resolve()
