"""serve: a page for trained models."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from unroll.cli.app import app
from unroll.errors import UnrollError


@app.command()
def serve(
    models: Annotated[list[Path], typer.Argument(help="Trained models: folders, or names under models/.")],
    port: Annotated[int, typer.Option(min=1, max=65535)] = 8000,
) -> None:
    """A page on this machine: type, and see what each model expects next, side by side.

    \b
    unroll serve lstm kneser5 hmm
    """
    import socket

    import uvicorn

    from unroll.serve.app import create
    from unroll.use import load
    from unroll.use.capabilities import refuse, verbs

    named = {loaded.folder.name: loaded for loaded in map(load, models)}
    if len(named) < len(models):
        raise UnrollError("serve: two models have the same name; give each once")
    for one in named.values():
        if not {"score", "translate"} & set(verbs(one.model)):
            refuse(one.model, one.folder, "serve")
    with socket.socket() as attempt:  # before uvicorn, whose own error is a page of log
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            attempt.bind(("127.0.0.1", port))
        except OSError as error:
            raise UnrollError(f"serve: port {port} cannot be had ({error.strerror}); choose another --port") from None
    print(f"http://127.0.0.1:{port} (Ctrl-C ends it)", file=sys.stderr)
    uvicorn.run(create(named), host="127.0.0.1", port=port, log_level="warning", server_header=False)
