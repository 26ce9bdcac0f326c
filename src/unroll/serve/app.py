"""The web application: one page, its JSON API, the restrictions of access, and the server.

The server listens on this machine only, but any web page that is open in a browser can send it requests. Therefore the
Host header must name this machine (against DNS rebinding), requests are small, text of users and models never becomes
HTML, and the Content-Security-Policy allows only the page's own script and style, by their hashes.
"""

import base64
import contextlib
import hashlib
import re
import socket
import sys
import threading
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

import uvicorn
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from unroll.errors import UnrollError
from unroll.evaluation.generation import SamplingOptions
from unroll.models.base.storage import read_params
from unroll.serve import responses
from unroll.serve.schema import (
    GenerateRequest,
    GenerateResponse,
    ModelCard,
    PredictRequest,
    PredictResponse,
    TranslateRequest,
    TranslateResponse,
)
from unroll.use import TextModel
from unroll.use.capabilities import supported_verbs

ADDRESS = "127.0.0.1"
"""The address at which only this machine reaches the server."""

HOSTS = [ADDRESS, "localhost"]
MAX_BODY = 64 * 1024
"""The maximum number of bytes of a request."""


def create_app(models: Mapping[str, TextModel]) -> FastAPI:
    """Create the application.

    Args:
        models: The models by the names that the page shows.

    Returns:
        The application.
    """
    app = FastAPI(title="unroll", docs_url=None, redoc_url=None, openapi_url="/api/schema.json")
    lock = threading.Lock()  # one response at a time, since concurrent networks compete for the same cores
    page = files("unroll.serve").joinpath("page.html").read_text(encoding="utf-8")
    headers = {"Content-Security-Policy": _content_security_policy(page), "X-Content-Type-Options": "nosniff"}
    headers |= {"Referrer-Policy": "no-referrer", "X-Frame-Options": "DENY", "Cache-Control": "no-store"}
    cards = [
        ModelCard(name=name, family=read_params(model.folder)["params"]["family"], verbs=supported_verbs(model.model))
        for name, model in models.items()
    ]
    app.add_middleware(BodyLimit)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=HOSTS)

    def find_model(name: str) -> TextModel:
        if name not in models:
            raise UnrollError(f"no model {name!r} here; there are {', '.join(models)}")
        return models[name]

    @app.exception_handler(UnrollError)
    def handle_user_error(request: Request, error: UnrollError) -> JSONResponse:
        return JSONResponse({"detail": str(error)}, status_code=400)

    @app.exception_handler(RequestValidationError)
    def handle_invalid_request(request: Request, error: RequestValidationError) -> JSONResponse:
        # FastAPI's own response repeats the input, but a lone surrogate cannot be encoded.
        faults = [{key: fault[key] for key in ("type", "loc", "msg")} for fault in error.errors()]
        return JSONResponse({"detail": faults}, status_code=422)

    @app.get("/", include_in_schema=False)
    def index() -> HTMLResponse:
        return HTMLResponse(page, headers=headers)

    @app.get("/api/models")
    def list_models() -> list[ModelCard]:
        return cards

    @app.post("/api/predict")
    def predict(request: PredictRequest) -> list[PredictResponse]:
        with lock:
            return [responses.predict(find_model(name), name, request.text, request.count) for name in request.models]

    @app.post("/api/generate")
    def generate(request: GenerateRequest) -> GenerateResponse:
        options = SamplingOptions(
            top_k=request.top_k, top_p=request.top_p, repetition_penalty=request.repetition_penalty
        )
        with lock:
            texts = find_model(request.model).generate(
                request.prompt, request.count, request.length, request.temperature, request.seed, options
            )
            return GenerateResponse(texts=texts)

    @app.post("/api/translate")
    def translate(request: TranslateRequest) -> TranslateResponse:
        with lock:
            return responses.translate(find_model(request.model), request.text)

    return app


class BodyLimit:
    """Middleware that refuses a request of more than MAX_BODY bytes, with or without a Content-Length header."""

    def __init__(self, app: ASGIApp) -> None:
        """Set the application that receives the accepted requests."""
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read the body of a request, and pass the request on or refuse it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        body = b""
        while True:
            message = await receive()
            if message["type"] != "http.request":
                return
            body += message.get("body", b"")
            if len(body) > MAX_BODY:
                response = JSONResponse({"detail": f"a request has at most {MAX_BODY} bytes"}, status_code=413)
                await response(scope, receive, send)
                return
            if not message.get("more_body", False):
                break
        replayed = False

        async def replay() -> Message:
            nonlocal replayed
            if replayed:
                return await receive()
            replayed = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self.app(scope, replay, send)


def _content_security_policy(page: str) -> str:
    """Return the policy that allows only the page's own script and style, and requests to this server."""

    def hash_sources(tag: str) -> str:
        contents = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        digests = [base64.b64encode(hashlib.sha256(content.encode()).digest()).decode() for content in contents]
        return " ".join(f"'sha256-{digest}'" for digest in digests)

    directives: dict[str, Any] = {
        "default-src": "'none'",
        "script-src": hash_sources("script"),
        "style-src": hash_sources("style"),
        "connect-src": "'self'",
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in directives.items())


class AnnouncingServer(uvicorn.Server):
    """A server that prints its address when it accepts requests and handles Ctrl-C."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, then print the address."""
        await super().startup(sockets)
        print(f"http://{ADDRESS}:{self.config.port} (Ctrl-C ends it)", file=sys.stderr)


def run(models: Mapping[str, TextModel], port: int) -> None:
    """Serve the page until Ctrl-C.

    Args:
        models: The models by the names that the page shows.
        port: The port to listen on.

    Raises:
        UnrollError: The port is not available.
    """
    _check_port(port)
    config = uvicorn.Config(create_app(models), host=ADDRESS, port=port, log_level="warning", server_header=False)
    with contextlib.suppress(KeyboardInterrupt):
        AnnouncingServer(config).run()


def _check_port(port: int) -> None:
    """Raise UnrollError if the port is not available, which uvicorn would report by a long log."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((ADDRESS, port))
        except OSError as error:
            raise UnrollError(
                f"serve: port {port} is not available ({error.strerror}); choose another --port"
            ) from None
