"""Downloads from a server with faults."""

import hashlib
import json
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from tests.corpora import hostile
from tests.corpora.settings import TEXT as SETTINGS
from unroll.corpora import cache, download, fetch
from unroll.errors import UnrollError
from unroll.params.corpora import UrlCorpus

TEXT = b"".join(b"line %d of a text that is long enough to be cut\n" % n for n in range(4000))
SHA256 = hashlib.sha256(TEXT).hexdigest()
MAX_BYTES = 1 << 20
pytestmark = pytest.mark.usefixtures("repository")


def obtain(url: str, sha256: str = SHA256, max_bytes: int = MAX_BYTES) -> bytes:
    return cache.obtain("a/text.txt", [url], sha256, max_bytes, "set sha256: {sha256}").read_bytes()


def cached() -> list[str]:
    """Return the names of the files in the cache, without locks."""
    files = Path("data/downloads").rglob("*")
    return sorted(file.name for file in files if file.is_file() and file.suffix != ".lock")


def refusal(url: str, **arguments: object) -> str:
    """Return the error of a download, after a check that it is one sentence and the file does not exist."""
    with pytest.raises(UnrollError) as caught:
        obtain(url, **arguments)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)
    assert not Path("data/downloads/a/text.txt").exists()
    return str(caught.value)


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_a_missing_file_is_refused_at_once(server: hostile.Server, status: int) -> None:
    server.behaviours["/t"] = lambda request: request.answer(status, b"no")
    assert f"answered {status}" in refusal(server.url("/t"))
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_failing_server_is_tried_again_and_then_given_up(server: hostile.Server, status: int) -> None:
    server.behaviours["/t"] = lambda request: request.answer(status, b"", Retry_After=0)
    assert f"answered {status}, 2 times" in refusal(server.url("/t"))
    assert len(server.requests) == 2


def test_a_server_that_recovers_gives_the_file(server: hostile.Server) -> None:
    def behave(request: hostile.Request) -> None:
        (hostile.good(TEXT) if len(server.requests) > 1 else lambda r: r.answer(503))(request)

    server.behaviours["/t"] = behave
    assert obtain(server.url("/t")) == TEXT


@pytest.mark.mirror
@pytest.mark.parametrize(
    ("file", "what"),
    [
        ("captive-portal-saved-as-timemachine.txt", "an HTML page"),
        ("s3-access-denied.zip", "an S3 error in XML (AccessDenied)"),
        ("s3-permanent-redirect.zip", "an S3 error in XML (PermanentRedirect)"),
    ],
)
def test_a_web_page_from_the_mirror_is_described(server: hostile.Server, mirror: Path, file: str, what: str) -> None:
    server.behaviours["/t"] = hostile.good((mirror / "bad-downloads" / file).read_bytes())
    assert what in refusal(server.url("/t"))
    assert cached() == ["text.txt.rejected"]


def test_a_web_page_and_an_empty_file_are_described(server: hostile.Server) -> None:
    server.behaviours["/t"] = hostile.good(b"\xef\xbb\xbf\r\n <!DOCTYPE html><title>Log in</title>")
    assert "an HTML page" in refusal(server.url("/t"))
    server.behaviours["/t"] = hostile.good(b"")
    assert "an empty file" in refusal(server.url("/t"))


@pytest.mark.parametrize("pieces", [2, 3, 7])
def test_an_interrupted_download_is_resumed(server: hostile.Server, pieces: int) -> None:
    server.behaviours["/t"] = hostile.cutting(TEXT, pieces)
    assert obtain(server.url("/t")) == TEXT
    piece = -(-len(TEXT) // pieces)
    assert [asked for _, asked in server.requests] == [None] + [f"bytes={n * piece}-" for n in range(1, pieces)]


def test_a_run_resumes_the_partial_file_of_a_killed_run(server: hostile.Server) -> None:
    part = Path("data/downloads/a/text.txt.part")
    part.parent.mkdir(parents=True)
    part.write_bytes(TEXT[:1000])
    server.behaviours["/t"] = hostile.good(TEXT)
    assert obtain(server.url("/t")) == TEXT
    assert server.requests == [("/t", "bytes=1000-")]
    assert cached() == ["text.txt"]


@pytest.mark.parametrize("stale", [b"of another version " * 50, TEXT + b"longer than the file"])
def test_a_partial_file_of_another_version_is_removed(server: hostile.Server, stale: bytes) -> None:
    part = Path("data/downloads/a/text.txt.part")
    part.parent.mkdir(parents=True)
    part.write_bytes(stale)

    def behave(request: hostile.Request) -> None:
        if request.start() >= len(TEXT):
            request.answer(416, b"", Content_Range=f"bytes */{len(TEXT)}")
        else:
            hostile.good(TEXT)(request)

    server.behaviours["/t"] = behave
    assert obtain(server.url("/t")) == TEXT


def test_the_download_restarts_if_the_server_ignores_range(server: hostile.Server) -> None:
    def behave(request: hostile.Request) -> None:
        shown = TEXT if len(server.requests) > 1 else TEXT[:70_000]
        request.answer(200, shown, Content_Length=len(TEXT))

    server.behaviours["/t"] = behave
    assert obtain(server.url("/t")) == TEXT
    assert server.requests[1][1] is not None


def test_the_download_restarts_if_the_server_sends_another_range(server: hostile.Server) -> None:
    def behave(request: hostile.Request) -> None:
        if request.start():
            request.answer(206, TEXT[5:], Content_Range=f"bytes 5-{len(TEXT) - 1}/{len(TEXT)}")
        else:
            request.answer(200, TEXT[: 70_000 if len(server.requests) == 1 else None], Content_Length=len(TEXT))

    server.behaviours["/t"] = behave
    assert obtain(server.url("/t")) == TEXT


def test_a_server_without_progress_is_given_up(server: hostile.Server) -> None:
    def behave(request: hostile.Request) -> None:
        if request.start():
            request.answer(206, b"", Content_Range="bytes 5-6/7")
        else:
            request.answer(200, TEXT[:70_000], Content_Length=len(TEXT))

    server.behaviours["/t"] = behave
    assert "2 times" in refusal(server.url("/t"))
    assert len(server.requests) == 3


def test_a_file_with_a_wrong_length_is_refused(server: hostile.Server) -> None:
    server.behaviours["/t"] = lambda request: request.answer(200, TEXT[:1000], Content_Length=len(TEXT))
    assert "2 times" in refusal(server.url("/t"))
    server.behaviours["/t"] = lambda request: request.answer(200, TEXT, Content_Length=len(TEXT) - 1)
    assert "another file" in refusal(server.url("/t"))


def test_a_file_with_a_wrong_hash_is_refused_and_kept_under_another_name(server: hostile.Server) -> None:
    server.behaviours["/t"] = hostile.good(TEXT + b"!")
    actual = hashlib.sha256(TEXT + b"!").hexdigest()
    assert f"set sha256: {actual}" in refusal(server.url("/t"))
    assert cached() == ["text.txt.rejected"]
    assert Path("data/downloads/a/text.txt.rejected").read_bytes() == TEXT + b"!"


def test_the_next_address_is_tried(server: hostile.Server) -> None:
    server.behaviours |= {"/wrong": hostile.good(b"wrong"), "/right": hostile.good(TEXT)}
    urls = [server.url("/wrong"), server.url("/none"), server.url("/right")]
    assert cache.obtain("a/text.txt", urls, SHA256, MAX_BYTES, "").read_bytes() == TEXT


def _url_corpus(url: str, sha256: str) -> UrlCorpus:
    # The schema requires https, but the test server uses http.
    source = {"source": "url", "url": url, "sha256": sha256, "format": "text", "unknown_word": "none"}
    return UrlCorpus.model_construct(**SETTINGS | source)


def test_without_a_hash_the_error_shows_the_hash(server: hostile.Server, tmp_path: Path) -> None:
    server.behaviours["/some/text.txt"] = hostile.good(TEXT)
    (folder := tmp_path / "raw").mkdir()
    with pytest.raises(UnrollError, match=f"set sha256: {SHA256}"):
        fetch(_url_corpus(server.url("/some/text.txt"), ""), folder)
    assert list(folder.iterdir()) == []
    fetch(_url_corpus(server.url("/some/text.txt"), SHA256), folder)  # the rejected file is accepted
    assert len(server.requests) == 1
    assert (folder / "text.txt").read_bytes() == TEXT
    entry = {"file": "text.txt", "format": "text", "split": None, "documents": "paragraph", "sha256": SHA256}
    entry |= {"unknown_word": None}
    assert json.loads((folder / "raw.json").read_text()) == [entry]


@pytest.mark.parametrize("announced", [True, False])
def test_a_file_above_the_limit_is_stopped_at_the_limit(server: hostile.Server, announced: bool) -> None:
    sent = []

    def behave(request: hostile.Request) -> None:
        request.answer(200, b"", Content_Length=100 * MAX_BYTES if announced else None)
        for _ in range(100):
            request.wfile.write(b"x" * MAX_BYTES)
            sent.append(MAX_BYTES)

    server.behaviours["/t"] = behave
    assert "expected; nothing was kept" in refusal(server.url("/t"))
    assert len(sent) < 50
    assert cached() == []


HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("head", "body"),
    [
        (b"", b""),
        (b"", b"HTTP/1.1 200 OK and so on" * 10),
        (b"HTTP/1.1 200 OK\r\n", b"X-Header: x\r\n" * 20),
        (HEAD, TEXT[:200]),
        (HEAD + TEXT[:2000], TEXT[2000:2200]),
        (CHUNKED, b"0" * 200),
    ],
    ids=["silent", "status", "headers", "body", "later", "chunk"],
)
def test_a_slow_loris_is_dropped(
    server: hostile.Server, head: bytes, body: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "RETRY_POLICY", replace(download.RETRY_POLICY, window=0.3))

    def silent(request: hostile.Request) -> None:
        time.sleep(1)

    server.behaviours["/t"] = hostile.dripping(head, body) if body else silent
    since = time.monotonic()
    assert "2 times" in refusal(server.url("/t"))
    assert time.monotonic() - since < 5


def test_the_cached_file_is_used_offline(server: hostile.Server) -> None:
    server.behaviours["/t"] = hostile.good(TEXT)
    assert obtain(server.url("/t")) == TEXT
    server.shutdown()
    assert obtain(server.url("/t")) == TEXT
    assert len(server.requests) == 1


def test_a_damaged_file_in_the_cache_is_downloaded_again(server: hostile.Server) -> None:
    server.behaviours["/t"] = hostile.good(TEXT)
    obtain(server.url("/t"))
    Path("data/downloads/a/text.txt").write_bytes(TEXT[:-1] + b"?")
    assert obtain(server.url("/t")) == TEXT


def test_a_file_that_is_not_cached_is_refused_offline(server: hostile.Server) -> None:
    server.server_close()
    assert "Connection refused, 2 times" in refusal(server.url("/t"))


def test_two_workers_download_once(server: hostile.Server) -> None:
    def behave(request: hostile.Request) -> None:
        time.sleep(0.2)
        hostile.good(TEXT)(request)

    server.behaviours["/t"] = behave
    contents: list[bytes] = []
    workers = [threading.Thread(target=lambda: contents.append(obtain(server.url("/t")))) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert contents == [TEXT] * 4
    assert len(server.requests) == 1


def test_a_full_disk_keeps_the_partial_file(server: hostile.Server, monkeypatch: pytest.MonkeyPatch) -> None:
    server.behaviours["/t"] = hostile.good(TEXT)

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        with pytest.raises(OSError, match="No space left"):
            obtain(server.url("/t"))
    assert cached() == ["text.txt.part"]
    assert obtain(server.url("/t")) == TEXT


def test_passwords_keys_and_escape_sequences_of_an_address_are_not_shown() -> None:
    assert download.redact("https://me:secret@a.org/b\x1b[2J?key=secret") == "https://a.org/b\\x1b[2J"
