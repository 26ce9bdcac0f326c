"""A web server on this machine that misbehaves as told. Everything it does ends by itself within seconds."""

import contextlib
import re
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

LONGEST = 5.0  # seconds any answer may take


class Request(BaseHTTPRequestHandler):
    """What a behaviour gets: the request, with short ways to answer it."""

    protocol_version = "HTTP/1.1"
    timeout = LONGEST
    server: "Server"

    def do_GET(self) -> None:
        self.server.requests.append((self.path, self.headers.get("Range")))
        self.close_connection = True
        with contextlib.suppress(ConnectionError):
            self.server.behaviours.get(self.path, missing)(self)

    def answer(self, status: int, body: bytes = b"", **headers: object) -> None:
        self.send_response(status)
        for name, value in ({"Content_Length": len(body)} | headers).items():
            if value is not None:
                self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()
        self.wfile.write(body)

    def start(self) -> int:
        """Where the client wants to go on."""
        found = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        return int(found[1]) if found else 0

    def log_message(self, *_: object) -> None:
        pass


Behaviour = Callable[[Request], None]


class Server(ThreadingHTTPServer):
    """`behaviours` by path; `requests` seen so far as (path, Range header)."""

    block_on_close = False
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Request)
        self.behaviours: dict[str, Behaviour] = {}
        self.requests: list[tuple[str, str | None]] = []
        self.scheme = "http"

    def url(self, path: str) -> str:
        return f"{self.scheme}://127.0.0.1:{self.server_port}{path}"

    def handle_error(self, request: object, client_address: object) -> None:
        pass  # the client hung up, as it should


@contextlib.contextmanager
def serving(certificate: Path | None = None) -> Iterator[Server]:
    """A running server; with a certificate (and key, in one PEM file) it speaks https."""
    with Server() as server:
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            server.socket = context.wrap_socket(server.socket, server_side=True)
            server.scheme = "https"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def missing(request: Request) -> None:
    request.answer(404, b"<html>not here</html>")


def good(content: bytes) -> Behaviour:
    """Answers Range as it should."""

    def behave(request: Request) -> None:
        if start := request.start():
            place = f"bytes {start}-{len(content) - 1}/{len(content)}"
            request.answer(206, content[start:], Content_Range=place)
        else:
            request.answer(200, content)

    return behave


def cutting(content: bytes, pieces: int) -> Behaviour:
    """Hangs up after each of `pieces` pieces, whatever it announced; continues where asked."""

    def behave(request: Request) -> None:
        start = request.start()
        rest = content[start:]
        headers = {"Content_Range": f"bytes {start}-{len(content) - 1}/{len(content)}"} if start else {}
        request.answer(206 if start else 200, rest[: -(-len(content) // pieces)], Content_Length=len(rest), **headers)

    return behave


def dripping(head: bytes, body: bytes = b"") -> Behaviour:
    """A slow loris: sends `head` at once, then `body` byte by byte."""

    def behave(request: Request) -> None:
        end = time.monotonic() + LONGEST
        request.wfile.write(head)
        for byte in body:
            request.wfile.write(bytes([byte]))
            request.wfile.flush()
            time.sleep(0.05)
            if time.monotonic() > end:
                return

    return behave
