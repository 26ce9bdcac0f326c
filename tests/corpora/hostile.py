"""A local web server with faults for tests. Every response ends within seconds."""

import contextlib
import re
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

MAX_SECONDS = 5.0
"""The maximum duration of a response."""


class Request(BaseHTTPRequestHandler):
    """A request, which a behaviour answers."""

    protocol_version = "HTTP/1.1"
    timeout = MAX_SECONDS
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
        """Return the first byte of the requested range."""
        requested = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        return int(requested[1]) if requested else 0

    def log_message(self, *_: object) -> None:
        pass


Behaviour = Callable[[Request], None]


class Server(ThreadingHTTPServer):
    """A server with a behaviour for each path. `requests` has the path and the Range header of every request."""

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
        pass  # the client closed the connection, as expected


@contextlib.contextmanager
def serving(certificate: Path | None = None) -> Iterator[Server]:
    """Run a server. It uses https if a PEM file with a certificate and its key is given."""
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
    """Return a behaviour that serves the content and supports Range."""

    def behave(request: Request) -> None:
        if start := request.start():
            place = f"bytes {start}-{len(content) - 1}/{len(content)}"
            request.answer(206, content[start:], Content_Range=place)
        else:
            request.answer(200, content)

    return behave


def cutting(content: bytes, pieces: int) -> Behaviour:
    """Return a behaviour that closes the connection after each piece of the content, before the announced end."""

    def behave(request: Request) -> None:
        start = request.start()
        rest = content[start:]
        headers = {"Content_Range": f"bytes {start}-{len(content) - 1}/{len(content)}"} if start else {}
        request.answer(206 if start else 200, rest[: -(-len(content) // pieces)], Content_Length=len(rest), **headers)

    return behave


def dripping(head: bytes, body: bytes = b"") -> Behaviour:
    """Return a behaviour that sends the head at once and the body byte by byte (a slow loris)."""

    def behave(request: Request) -> None:
        end = time.monotonic() + MAX_SECONDS
        request.wfile.write(head)
        for byte in body:
            request.wfile.write(bytes([byte]))
            request.wfile.flush()
            time.sleep(0.05)
            if time.monotonic() > end:
                return

    return behave
