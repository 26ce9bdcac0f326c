"""Downloads against a hostile server: cases 81-87, 91 and 92 of the reliability list, and what holds between them."""

import hashlib
import json
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from tests.corpora import hostile
from unroll.corpora import cache, download, fetch
from unroll.errors import UnrollError
from unroll.params.corpora import UrlCorpus
from unroll.params.load import load

TEXT = b"".join(b"line %d of a text that is long enough to be cut\n" % n for n in range(4000))
SHA256 = hashlib.sha256(TEXT).hexdigest()
LARGEST = 1 << 20
pytestmark = pytest.mark.usefixtures("repository")


def obtain(url: str, sha256: str = SHA256, largest: int = LARGEST) -> bytes:
    return cache.obtain("a/text.txt", [url], sha256, largest, "set sha256: {sha256}").read_bytes()


def left() -> list[str]:
    """What is in the store, less locks."""
    files = Path("data/downloads").rglob("*")
    return sorted(file.name for file in files if file.is_file() and file.suffix != ".lock")


def refusal(url: str, **arguments: object) -> str:
    """The one sentence that a download ends with."""
    with pytest.raises(UnrollError) as caught:
        obtain(url, **arguments)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)
    assert not Path("data/downloads/a/text.txt").exists()
    return str(caught.value)


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_case_81_a_missing_file_is_refused_at_once(server: hostile.Server, status: int) -> None:
    server.behaviours["/t"] = lambda request: request.answer(status, b"no")
    assert f"answered {status}" in refusal(server.url("/t"))
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [429, 500, 503])
def test_case_81_a_failing_server_is_tried_again_and_then_given_up(server: hostile.Server, status: int) -> None:
    server.behaviours["/t"] = lambda request: request.answer(status, b"", Retry_After=0)
    assert f"answered {status}, 2 times" in refusal(server.url("/t"))
    assert len(server.requests) == 2


def test_case_81_a_server_that_recovers_is_forgiven(server: hostile.Server) -> None:
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
def test_case_81_a_page_instead_of_data_is_refused_by_name(
    server: hostile.Server, mirror: Path, file: str, what: str
) -> None:
    server.behaviours["/t"] = hostile.good((mirror / "bad-downloads" / file).read_bytes())
    assert what in refusal(server.url("/t"))
    assert left() == ["text.txt.rejected"]


def test_case_81_a_page_instead_of_data_is_refused_without_the_mirror_too(server: hostile.Server) -> None:
    server.behaviours["/t"] = hostile.good(b"\xef\xbb\xbf\r\n <!DOCTYPE html><title>Log in</title>")
    assert "an HTML page" in refusal(server.url("/t"))
    server.behaviours["/t"] = hostile.good(b"")
    assert "an empty file" in refusal(server.url("/t"))


@pytest.mark.parametrize("pieces", [2, 3, 7])
def test_case_82_a_cut_connection_is_resumed(server: hostile.Server, pieces: int) -> None:
    server.behaviours["/t"] = hostile.cutting(TEXT, pieces)
    assert obtain(server.url("/t")) == TEXT
    piece = -(-len(TEXT) // pieces)
    assert [asked for _, asked in server.requests] == [None] + [f"bytes={n * piece}-" for n in range(1, pieces)]


def test_case_82_another_run_resumes_what_a_killed_one_left(server: hostile.Server) -> None:
    part = Path("data/downloads/a/text.txt.part")
    part.parent.mkdir(parents=True)
    part.write_bytes(TEXT[:1000])
    server.behaviours["/t"] = hostile.good(TEXT)
    assert obtain(server.url("/t")) == TEXT
    assert server.requests == [("/t", "bytes=1000-")]
    assert left() == ["text.txt"]


@pytest.mark.parametrize("stale", [b"of another version " * 50, TEXT + b"longer than the file"])
def test_case_82_a_part_of_another_version_is_thrown_away(server: hostile.Server, stale: bytes) -> None:
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


def test_case_83_a_server_that_ignores_range_makes_it_restart(server: hostile.Server) -> None:
    def behave(request: hostile.Request) -> None:
        shown = TEXT if len(server.requests) > 1 else TEXT[:70_000]
        request.answer(200, shown, Content_Length=len(TEXT))

    server.behaviours["/t"] = behave
    assert obtain(server.url("/t")) == TEXT
    assert server.requests[1][1] is not None


def test_case_83_a_server_that_continues_elsewhere_makes_it_restart(server: hostile.Server) -> None:
    def behave(request: hostile.Request) -> None:
        if request.start():
            request.answer(206, TEXT[5:], Content_Range=f"bytes 5-{len(TEXT) - 1}/{len(TEXT)}")
        else:
            request.answer(200, TEXT[: 70_000 if len(server.requests) == 1 else None], Content_Length=len(TEXT))

    server.behaviours["/t"] = behave
    assert obtain(server.url("/t")) == TEXT


def test_case_83_a_server_that_never_gets_further_is_given_up(server: hostile.Server) -> None:
    def behave(request: hostile.Request) -> None:
        if request.start():
            request.answer(206, b"", Content_Range="bytes 5-6/7")
        else:
            request.answer(200, TEXT[:70_000], Content_Length=len(TEXT))

    server.behaviours["/t"] = behave
    assert "2 times" in refusal(server.url("/t"))
    assert len(server.requests) == 3


def test_case_83_a_wrong_length_never_passes_for_the_file(server: hostile.Server) -> None:
    server.behaviours["/t"] = lambda request: request.answer(200, TEXT[:1000], Content_Length=len(TEXT))
    assert "2 times" in refusal(server.url("/t"))
    server.behaviours["/t"] = lambda request: request.answer(200, TEXT, Content_Length=len(TEXT) - 1)
    assert "another file" in refusal(server.url("/t"))


def test_case_84_a_wrong_hash_is_refused_and_kept_aside(server: hostile.Server) -> None:
    server.behaviours["/t"] = hostile.good(TEXT + b"!")
    found = hashlib.sha256(TEXT + b"!").hexdigest()
    assert f"set sha256: {found}" in refusal(server.url("/t"))
    assert left() == ["text.txt.rejected"]
    assert Path("data/downloads/a/text.txt.rejected").read_bytes() == TEXT + b"!"


def test_case_84_the_next_address_is_tried(server: hostile.Server) -> None:
    server.behaviours |= {"/wrong": hostile.good(b"wrong"), "/right": hostile.good(TEXT)}
    urls = [server.url("/wrong"), server.url("/none"), server.url("/right")]
    assert cache.obtain("a/text.txt", urls, SHA256, LARGEST, "").read_bytes() == TEXT


def _url_corpus(url: str, sha256: str) -> UrlCorpus:
    # The schema takes https only; here the server is ours and speaks plain http.
    prose = load(Path(__file__).parents[2] / "params.yaml").corpora["prose"]
    return UrlCorpus.model_construct(**dict(prose) | {"source": "url", "url": url, "sha256": sha256, "format": "text"})


def test_case_85_without_a_hash_nothing_is_used_and_the_hash_is_printed(server: hostile.Server, tmp_path: Path) -> None:
    server.behaviours["/some/text.txt"] = hostile.good(TEXT)
    (folder := tmp_path / "raw").mkdir()
    with pytest.raises(UnrollError, match=f"set sha256: {SHA256}"):
        fetch(_url_corpus(server.url("/some/text.txt"), ""), 1, folder)
    assert list(folder.iterdir()) == []
    fetch(_url_corpus(server.url("/some/text.txt"), SHA256), 1, folder)  # pasted: what was kept aside is taken
    assert len(server.requests) == 1
    assert (folder / "text.txt").read_bytes() == TEXT
    entry = {"file": "text.txt", "format": "text", "split": None, "documents": "paragraph", "sha256": SHA256}
    assert json.loads((folder / "raw.json").read_text()) == [entry]


@pytest.mark.parametrize("announced", [True, False])
def test_case_86_more_than_the_cap_is_stopped_at_the_cap(server: hostile.Server, announced: bool) -> None:
    sent = []

    def behave(request: hostile.Request) -> None:
        request.answer(200, b"", Content_Length=100 * LARGEST if announced else None)
        for _ in range(100):
            request.wfile.write(b"x" * LARGEST)
            sent.append(LARGEST)

    server.behaviours["/t"] = behave
    assert "expected; nothing was kept" in refusal(server.url("/t"))
    assert len(sent) < 50
    assert left() == []


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
def test_case_87_a_slow_loris_is_dropped(
    server: hostile.Server, head: bytes, body: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "RETRY_POLICY", replace(download.RETRY_POLICY, window=0.3))

    def silent(request: hostile.Request) -> None:
        time.sleep(1)

    server.behaviours["/t"] = hostile.dripping(head, body) if body else silent
    since = time.monotonic()
    assert "2 times" in refusal(server.url("/t"))
    assert time.monotonic() - since < 5


def test_case_91_offline_what_was_downloaded_is_used(server: hostile.Server) -> None:
    server.behaviours["/t"] = hostile.good(TEXT)
    assert obtain(server.url("/t")) == TEXT
    server.shutdown()
    assert obtain(server.url("/t")) == TEXT
    assert len(server.requests) == 1


def test_case_91_a_damaged_download_is_not_used(server: hostile.Server) -> None:
    server.behaviours["/t"] = hostile.good(TEXT)
    obtain(server.url("/t"))
    Path("data/downloads/a/text.txt").write_bytes(TEXT[:-1] + b"?")
    assert obtain(server.url("/t")) == TEXT


def test_case_92_offline_what_was_not_downloaded_is_refused(server: hostile.Server) -> None:
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


def test_case_22_a_full_disk_leaves_what_came_to_go_on_from(
    server: hostile.Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.behaviours["/t"] = hostile.good(TEXT)

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        with pytest.raises(OSError, match="No space left"):
            obtain(server.url("/t"))
    assert left() == ["text.txt.part"]
    assert obtain(server.url("/t")) == TEXT


def test_passwords_keys_and_escapes_of_an_address_are_not_shown() -> None:
    assert download.redact("https://me:secret@a.org/b\x1b[2J?key=secret") == "https://a.org/b\\x1b[2J"
