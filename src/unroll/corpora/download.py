"""Download one file over https, with resumption, a limit on its size and a minimum speed.

A thread reads from the network while the caller's thread measures the speed, so a slow server cannot block a run
before, in or after the headers. The received bytes are kept in `<target>.part`, and the next attempt requests the rest
only. The target appears by one rename after fsync, when all announced bytes are there. The caller checks the SHA-256.
"""

import contextlib
import logging
import os
import queue
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

from unroll.errors import UnrollError

CHUNK_BYTES = 1 << 16
MAX_REDIRECTS = 5
PLAIN_HOSTS: frozenset[str] = frozenset()
"""The hosts that may use http without TLS. It is empty; the tests add their own server."""
LOG_SECONDS = 10.0
"""The time between two lines of progress in a log."""

logger = logging.getLogger("unroll")


@dataclass(frozen=True)
class RetryPolicy:
    """When a connection or a download is given up. It cannot change the downloaded bytes."""

    connect_timeout: float
    """The maximum time for a connection, in seconds."""
    window: float
    """The time over which the speed is measured, in seconds."""
    min_speed: float
    """The speed in bytes per second, averaged over a window, below which a connection is dropped."""
    max_failures: int
    """The number of consecutive attempts without progress after which the download is given up."""
    pause: float
    """The time before the second attempt, in seconds. It doubles with each further attempt."""


RETRY_POLICY = RetryPolicy(connect_timeout=10, window=30, min_speed=1000, max_failures=4, pause=1)


class TransferInterrupted(Exception):
    """The transfer ended early, and another attempt may continue it."""

    def __init__(self, reason: str, retry_after: float = 0):
        """Set the reason, and the pause in seconds that the server requires before the next attempt."""
        super().__init__(reason)
        self.retry_after = retry_after


def download(url: str, target: Path, max_bytes: int) -> bool:
    """Download a file.

    Args:
        url: The address of the file.
        target: The path that the file gets.
        max_bytes: The maximum size of the file.

    Returns:
        Whether the file was received in more than one part. Such a file may mix two versions.

    Raises:
        UnrollError: The server does not have the file, fails again and again, is too slow or sends too many bytes.
    """
    part = target.with_name(target.name + ".part")
    part.parent.mkdir(parents=True, exist_ok=True)
    policy = RETRY_POLICY
    resumed, failures, most = False, 0, _size(part)
    while True:
        resumed |= _size(part) > 0
        try:
            _download_rest(url, part, max_bytes, policy)
            break
        except TransferInterrupted as error:
            # Progress is measured against all attempts: a server may send the same bytes again and again.
            failures = 0 if _size(part) - most > policy.min_speed * policy.window else failures + 1
            most = max(most, _size(part))
            if failures == policy.max_failures:
                raise UnrollError(
                    f"{redact(url)}: {error}, {failures} times; try again later, or use a mirror"
                ) from error
            pause = max(policy.pause * 2 ** max(failures - 1, 0), min(error.retry_after, policy.window))
            logger.info("%s: %s; trying again in %g s", redact(url), error, pause)
            time.sleep(pause)
    _publish(part, target)
    return resumed


def redact(url: str) -> str:
    """Return an address for errors and logs, without password, query (it may hold a key) and control characters."""
    parts = urlsplit(url)
    return ascii(f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}")[1:-1]


def _download_rest(url: str, part: Path, max_bytes: int, policy: RetryPolicy) -> None:
    """Append the missing bytes to `part`."""
    start = _size(part)
    headers = {"User-Agent": "unroll", "Accept-Encoding": "identity"}  # the SHA-256 is of the bytes without encoding
    if start:
        headers["Range"] = f"bytes={start}-"
    with contextlib.closing(_receive(url, headers, policy)) as received:
        response: Any = next(received)
        start, total = _range(url, response, part, start)
        if total is not None and total > max_bytes:
            raise UnrollError(f"{redact(url)}: {total} bytes are more than the {max_bytes} expected; nothing was kept")
        with part.open("r+b" if start else "wb") as file, _progress_bar(part.stem, start, total) as advance:
            file.seek(start)
            done = start
            for chunk in received:
                done += len(chunk)
                if done > max_bytes:
                    file.close()
                    part.unlink()
                    raise UnrollError(
                        f"{redact(url)}: stopped after {max_bytes} bytes, because no more were expected; "
                        "nothing was kept"
                    )
                file.write(chunk)
                advance(len(chunk))
    if total is not None and done != total:
        raise TransferInterrupted(f"the server announced {total} bytes and sent {done}")


def _range(url: str, response: Any, part: Path, start: int) -> tuple[int, int | None]:
    """Return the offset of the first byte in the response, and the size of the whole file if it is announced."""
    status, headers = response.status_code, response.headers
    if status == 200:  # a server may ignore Range and send the whole file
        return 0, int(headers["Content-Length"]) if headers.get("Content-Length", "").isdigit() else None
    if status == 206:
        place, _, total = headers.get("Content-Range", "").removeprefix("bytes ").partition("/")
        if place.split("-")[0] == str(start) and total.isdigit():
            return start, int(total)
    if status in (206, 416):  # the server sends another range, or none: the partial file is not a part of this file
        part.unlink(missing_ok=True)
        raise TransferInterrupted("the server does not continue at the requested byte")
    if status in (408, 425, 429) or status >= 500:
        retry_after = headers.get("Retry-After", "")
        raise TransferInterrupted(f"the server answered {status}", float(retry_after) if retry_after.isdigit() else 0)
    raise UnrollError(f"{redact(url)}: the server answered {status}, so the file is not available; check the address")


def _receive(url: str, headers: dict[str, str], policy: RetryPolicy) -> Generator[Any]:
    """Yield the response, then the chunks of its body.

    Raises:
        TransferInterrupted: The chunks come too slowly, or the connection breaks.
    """
    arrived: queue.Queue[Any] = queue.Queue(maxsize=16)
    stop = threading.Event()

    def read() -> None:
        try:
            for item in _read(url, headers, policy):
                arrived.put(item)
                if stop.is_set():
                    return
            arrived.put(None)
        except Exception as error:
            arrived.put(error)

    threading.Thread(target=read, daemon=True).start()
    since, size = time.monotonic(), 0
    try:
        while True:
            try:
                item = arrived.get(timeout=max(0.0, since + policy.window - time.monotonic()))
            except queue.Empty:
                raise TransferInterrupted(f"nothing arrived for {policy.window:g} s") from None
            if item is None:
                return
            if isinstance(item, Exception):
                raise item
            yield item
            size += len(item) if isinstance(item, bytes) else 0
            if (elapsed := time.monotonic() - since) >= policy.window:
                if size < policy.min_speed * elapsed:
                    raise TransferInterrupted(f"only {size} bytes arrived in {elapsed:.0f} s")
                since, size = time.monotonic(), 0
    finally:
        stop.set()
        with contextlib.suppress(queue.Empty):  # unblock the reading thread if the queue is full
            while True:
                arrived.get_nowait()


def _read(url: str, headers: dict[str, str], policy: RetryPolicy) -> Iterator[Any]:
    """Yield the response, then the chunks of its body. It can block for as long as the server sends single bytes."""
    import requests
    import urllib3

    try:
        for _ in range(MAX_REDIRECTS + 1):
            _check_scheme(url)
            timeout = (policy.connect_timeout, policy.window)
            with requests.get(url, headers=headers, timeout=timeout, allow_redirects=False, stream=True) as response:
                if not response.is_redirect:
                    yield response
                    while chunk := response.raw.read1(CHUNK_BYTES, decode_content=False):
                        yield chunk
                    return
                url = urljoin(url, response.headers["Location"])
        raise UnrollError(f"{redact(url)}: more than {MAX_REDIRECTS} redirects; give the final address")
    except requests.exceptions.SSLError as error:
        if "certificate" not in str(error).lower():
            raise TransferInterrupted(_reason(error)) from error
        raise UnrollError(
            f"{redact(url)}: no secure connection ({_reason(error)}); check the clock and the proxy"
        ) from error
    except (requests.exceptions.ConnectionError, requests.exceptions.Timeout, urllib3.exceptions.HTTPError) as error:
        raise TransferInterrupted(_reason(error)) from error
    except requests.exceptions.RequestException as error:
        raise UnrollError(f"{redact(url)}: {_reason(error)}; check the address") from error


def _check_scheme(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in PLAIN_HOSTS):
        raise UnrollError(
            f"{redact(url)}: only https is allowed, for redirects, too; give an address that begins with https"
        )


def _reason(error: Exception) -> str:
    """Return the innermost reason of an error of requests or urllib3, without the whole address."""
    while isinstance(inner := getattr(error, "reason", None) or (error.args or [None])[0], Exception):
        error = inner
    text = str(error).rpartition(": ")[2].partition('")')[0]
    return ascii(text or type(error).__name__)[1:-1]


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _publish(part: Path, target: Path) -> None:
    """Rename the complete file durably."""
    with part.open("rb") as file:
        os.fsync(file.fileno())
    part.replace(target)
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@contextlib.contextmanager
def _progress_bar(name: str, done: int, total: int | None) -> Iterator[Callable[[int], None]]:
    """Show a progress bar on a terminal, and log lines elsewhere.

    Args:
        name: The name of the file.
        done: The number of bytes that arrived earlier.
        total: The size of the file; None if it is not known.

    Yields:
        A function to call with the number of bytes in each chunk.
    """
    if not sys.stderr.isatty():
        yield _log_progress(name, done, total)
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    columns = TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn()
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True)) as progress:
        task = progress.add_task(escape(name), total=total, completed=done)
        yield lambda size: progress.advance(task, size)


def _log_progress(name: str, done: int, total: int | None) -> Callable[[int], None]:
    """Return a function that counts bytes and logs a line every `LOG_SECONDS`."""
    last = time.monotonic()

    def advance(size: int) -> None:
        nonlocal done, last
        done += size
        if (now := time.monotonic()) - last >= LOG_SECONDS:
            last = now
            logger.info("%s: %.1f MB%s", name, done / 1e6, f" of {total / 1e6:.1f}" if total else "")

    return advance
