"""What every verb shares: the application it is registered with, its argument of a model, and what may be printed."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # a help without boxes, 0.1 s earlier
    help="Train, compare and use language models: unroll VERB MODEL ...",
)

Model = Annotated[
    Path, typer.Argument(help="A trained model: its folder, or its name under models/.", show_default=False)
]


def inert(text: str) -> str:
    """Control characters, which could drive a terminal, as visible escapes."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
