"""One file over https into one place on disk, however bad the connection or the server.

A thread waits on the network and we watch its clock, so that a server that sends a byte a minute (before, in or after
the headers) cannot hold us. What arrived is kept in `<target>.part`, and the next attempt asks for the rest only. The
target appears by one rename, after an fsync, when every byte the server announced is there. Whether they are the
right bytes is for the caller, who knows the sha256.
"""

import contextlib
import os
import queue
import threading
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

from unroll.corpora import progress
from unroll.errors import UnrollError

PIECE = 1 << 16  # bytes read at a time
REDIRECTS = 5
PLAIN_HOSTS: frozenset[str] = frozenset()
"""Hosts that may speak http without TLS: none; tests put their own server here."""


@dataclass(frozen=True)
class Patience:
    """How long to bear with a server. Decides when we give up, never what we get."""

    connect: float
    """Seconds for a connection."""
    window: float
    """Seconds after which the speed is looked at."""
    slowest: float
    """Bytes per second, averaged over a window, below which a connection is dropped."""
    attempts: int
    """In a row that brought us no further."""
    pause: float
    """Seconds before the second attempt; doubles with each."""


PATIENCE = Patience(connect=10, window=30, slowest=1000, attempts=4, pause=1)


class Cut(Exception):
    """The transfer ended early; another attempt may go on from there, after `wait` seconds if the server says so."""

    def __init__(self, reason: str, wait: float = 0):
        super().__init__(reason)
        self.wait = wait


def download(url: str, target: Path, largest: int) -> bool:
    """Put what `url` serves, at most `largest` bytes, at `target`; true if in more than one piece (a resumed file may
    mix two versions). UnrollError says what the server did instead."""
    part = target.with_name(target.name + ".part")
    part.parent.mkdir(parents=True, exist_ok=True)
    patience = PATIENCE
    resumed, failures, furthest = False, 0, _size(part)
    while True:
        resumed |= _size(part) > 0
        try:
            _attempt(url, part, largest, patience)
            break
        except Cut as cut:
            failures = 0 if _size(part) - furthest > patience.slowest * patience.window else failures + 1
            furthest = max(furthest, _size(part))  # and not of this attempt: a server may send the same again and again
            if failures == patience.attempts:
                raise UnrollError(f"{shown(url)}: {cut}, {failures} times; try again later, or use a mirror") from cut
            pause = max(patience.pause * 2 ** max(failures - 1, 0), min(cut.wait, patience.window))
            progress.logger.info("%s: %s; trying again in %g s", shown(url), cut, pause)
            time.sleep(pause)
    _put(part, target)
    return resumed


def shown(url: str) -> str:
    """`url` as errors and logs print it: without password, query (which may hold a key) or control characters."""
    parts = urlsplit(url)
    return ascii(f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}")[1:-1]


def _attempt(url: str, part: Path, largest: int, patience: Patience) -> None:
    """Append to `part` what is missing of it."""
    start = _size(part)
    headers = {"User-Agent": "unroll", "Accept-Encoding": "identity"}  # as it is: the hash is of the stored bytes
    if start:
        headers["Range"] = f"bytes={start}-"
    with contextlib.closing(_received(url, headers, patience)) as received:
        response: Any = next(received)
        start, total = _extent(url, response, part, start)
        if total is not None and total > largest:
            raise UnrollError(f"{shown(url)}: {total} bytes are more than the {largest} expected; nothing was kept")
        with part.open("r+b" if start else "wb") as file, progress.bar(part.stem, start, total) as advance:
            file.seek(start)
            done = start
            for piece in received:
                done += len(piece)
                if done > largest:
                    file.close()
                    part.unlink()
                    raise UnrollError(
                        f"{shown(url)}: stopped at {largest} bytes, for no more are expected; nothing was kept"
                    )
                file.write(piece)
                advance(len(piece))
    if total is not None and done != total:
        raise Cut(f"the server announced {total} bytes and sent {done}")


def _extent(url: str, response: Any, part: Path, start: int) -> tuple[int, int | None]:
    """(offset of the first byte that will come, size of the whole file if announced)."""
    status, sent = response.status_code, response.headers
    if status == 200:  # perhaps in spite of a Range: from the start, then
        return 0, int(sent["Content-Length"]) if sent.get("Content-Length", "").isdigit() else None
    if status == 206:
        place, _, total = sent.get("Content-Range", "").removeprefix("bytes ").partition("/")
        if place.split("-")[0] == str(start) and total.isdigit():
            return start, int(total)
    if status in (206, 416):  # another part than we asked for, or there is none: what we have is not of this file
        part.unlink(missing_ok=True)
        raise Cut("the server does not continue where we left off")
    if status in (408, 425, 429) or status >= 500:
        wait = sent.get("Retry-After", "")
        raise Cut(f"the server answered {status}", float(wait) if wait.isdigit() else 0)
    raise UnrollError(f"{shown(url)}: the server answered {status}, so there is no such file for us; check the address")


def _received(url: str, headers: dict[str, str], patience: Patience) -> Generator[Any]:
    """The response, then the pieces of its body. Cut if they come too slowly or the connection breaks."""
    arrived: queue.Queue[Any] = queue.Queue(maxsize=16)
    over = threading.Event()

    def read() -> None:
        try:
            for item in _read(url, headers, patience):
                arrived.put(item)
                if over.is_set():
                    return
            arrived.put(None)
        except Exception as error:
            arrived.put(error)

    threading.Thread(target=read, daemon=True).start()
    since, size = time.monotonic(), 0
    try:
        while True:
            try:
                item = arrived.get(timeout=max(0.0, since + patience.window - time.monotonic()))
            except queue.Empty:
                raise Cut(f"nothing came for {patience.window:g} s") from None
            if item is None:
                return
            if isinstance(item, Exception):
                raise item
            yield item
            size += len(item) if isinstance(item, bytes) else 0
            if (passed := time.monotonic() - since) >= patience.window:
                if size < patience.slowest * passed:
                    raise Cut(f"only {size} bytes came in {passed:.0f} s")
                since, size = time.monotonic(), 0
    finally:
        over.set()
        with contextlib.suppress(queue.Empty):  # so that a reader who waits for room sees that it is over
            while True:
                arrived.get_nowait()


def _read(url: str, headers: dict[str, str], patience: Patience) -> Iterator[Any]:
    """As `_received`, but it may block for as long as the server likes."""
    import requests  # 0.1 s; only those who download pay it
    import urllib3

    try:
        for _ in range(REDIRECTS + 1):
            _permit(url)
            limits = (patience.connect, patience.window)
            with requests.get(url, headers=headers, timeout=limits, allow_redirects=False, stream=True) as response:
                if not response.is_redirect:
                    yield response
                    while piece := response.raw.read1(PIECE, decode_content=False):
                        yield piece
                    return
                url = urljoin(url, response.headers["Location"])
        raise UnrollError(f"{shown(url)}: more than {REDIRECTS} redirects; give the address where they end")
    except requests.exceptions.SSLError as error:
        if "certificate" not in str(error).lower():
            raise Cut(_reason(error)) from error
        raise UnrollError(
            f"{shown(url)}: no secure connection ({_reason(error)}); check the clock and proxy"
        ) from error
    except (requests.exceptions.ConnectionError, requests.exceptions.Timeout, urllib3.exceptions.HTTPError) as error:
        raise Cut(_reason(error)) from error
    except requests.exceptions.RequestException as error:
        raise UnrollError(f"{shown(url)}: {_reason(error)}; check the address") from error


def _permit(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in PLAIN_HOSTS):
        raise UnrollError(f"{shown(url)}: only https is trusted, also where a redirect leads; give an https address")


def _reason(error: Exception) -> str:
    """A few words out of the nested exceptions of requests and urllib3, which hold the whole address and more."""
    while isinstance(inner := getattr(error, "reason", None) or (error.args or [None])[0], Exception):
        error = inner
    text = str(error).rpartition(": ")[2].partition('")')[0]
    return ascii(text or type(error).__name__)[1:-1]


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _put(part: Path, target: Path) -> None:
    with part.open("rb") as file:
        os.fsync(file.fileno())
    part.replace(target)
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
