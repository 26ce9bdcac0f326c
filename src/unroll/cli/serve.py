"""The verb serve: a web page for trained models."""

from pathlib import Path
from typing import Annotated

import typer

from unroll.cli.app import verb
from unroll.errors import UnrollError


@verb("unroll serve lstm kneser5 hmm")
def serve(
    models: Annotated[list[Path], typer.Argument(help="Trained models: their folders, or their names under models/.")],
    port: Annotated[int, typer.Option(min=1, max=65535, help="The port of the page.")] = 8000,
) -> None:
    """Serve a web page with the predictions of several models.

    Only this machine can reach the page.
    """
    from unroll.serve.app import run
    from unroll.use import load
    from unroll.use.capabilities import raise_unsupported, supported_verbs

    loaded = {model.folder.name: model for model in map(load, models)}
    if len(loaded) < len(models):
        raise UnrollError("serve: two models have the same name; name each model once")
    for model in loaded.values():
        if not {"score", "translate"} & set(supported_verbs(model.model)):
            raise_unsupported(model.model, model.folder, "serve")
    run(loaded, port)
