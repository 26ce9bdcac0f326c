"""The application: one page, its JSON API, and what keeps strangers out.

It listens on this machine only, and any page a browser has open can reach such a server. So: the Host header must name
this machine (against DNS rebinding), requests are small, nothing a user typed is ever HTML, and the page itself may run
no script and load nothing but its own (Content-Security-Policy by hash).
"""

import base64
import hashlib
import re
import threading
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from unroll.errors import UnrollError
from unroll.evaluation.generation import SamplingOptions
from unroll.serve import reading
from unroll.serve.schema import Generate, Generated, ModelCard, Read, Reading, Translate, Translation
from unroll.use import TextModel
from unroll.use.capabilities import verbs

HOSTS = ["127.0.0.1", "localhost"]
BODY = 64 * 1024
"""Bytes of a request at most."""


def create(models: Mapping[str, TextModel]) -> FastAPI:
    """The application for these models, by the names the page shows."""
    app = FastAPI(title="unroll", docs_url=None, redoc_url=None, openapi_url="/api/schema.json")
    turn = threading.Lock()  # one answer at a time: two networks at once on the same cores are slower than in turns
    page = files("unroll.serve").joinpath("page.html").read_text(encoding="utf-8")
    headers = {"Content-Security-Policy": _policy(page), "X-Content-Type-Options": "nosniff"}
    headers |= {"Referrer-Policy": "no-referrer", "X-Frame-Options": "DENY", "Cache-Control": "no-store"}
    app.add_middleware(Bounded)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=HOSTS)

    def named(name: str) -> TextModel:
        if name not in models:
            raise UnrollError(f"no model {name!r} here; there are {', '.join(models)}")
        return models[name]

    @app.exception_handler(UnrollError)
    def mistake(request: Request, error: UnrollError) -> JSONResponse:
        return JSONResponse({"detail": str(error)}, status_code=400)

    @app.exception_handler(RequestValidationError)
    def misunderstood(request: Request, error: RequestValidationError) -> JSONResponse:
        # Without what was sent, which FastAPI's own answer repeats: half a surrogate pair cannot be sent back.
        faults = [{key: fault[key] for key in ("type", "loc", "msg")} for fault in error.errors()]
        return JSONResponse({"detail": faults}, status_code=422)

    @app.get("/", include_in_schema=False)
    def index() -> HTMLResponse:
        return HTMLResponse(page, headers=headers)

    @app.get("/api/models")
    def cards() -> list[ModelCard]:
        return [ModelCard(name=name, family=_family(one), verbs=verbs(one.model)) for name, one in models.items()]

    @app.post("/api/read")
    def read(question: Read) -> list[Reading]:
        with turn:
            return [reading.read(named(name), name, question.text, question.count) for name in question.models]

    @app.post("/api/generate")
    def generate(question: Generate) -> Generated:
        options = SamplingOptions(question.top_k, question.nucleus, question.repetition_penalty)
        with turn:
            return Generated(
                texts=named(question.model).generate(
                    question.prompt, question.count, question.length, question.temperature, question.seed, options
                )
            )

    @app.post("/api/translate")
    def translate(question: Translate) -> Translation:
        with turn:
            return reading.translate(named(question.model), question.text)

    return app


class Bounded:
    """Refuses a request whose body is longer than BODY, whether or not it says so beforehand."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        body = b""
        while True:
            message = await receive()
            if message["type"] != "http.request":
                return
            body += message.get("body", b"")
            if len(body) > BODY:
                refused = JSONResponse({"detail": f"a request has {BODY} bytes at most"}, status_code=413)
                await refused(scope, receive, send)
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


def _family(model: TextModel) -> str:
    return str(type(model.model).__module__.rsplit(".", 1)[-1])


def _policy(page: str) -> str:
    """Only the page's own script and style, by their hashes, and requests to this server."""

    def hashes(tag: str) -> str:
        found = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        return " ".join(f"'sha256-{base64.b64encode(hashlib.sha256(one.encode()).digest()).decode()}'" for one in found)

    parts: dict[str, Any] = {"default-src": "'none'", "script-src": hashes("script"), "style-src": hashes("style")}
    parts |= {"connect-src": "'self'", "img-src": "data:", "base-uri": "'none'", "form-action": "'none'"}
    return "; ".join(f"{name} {value}" for name, value in (parts | {"frame-ancestors": "'none'"}).items())
