"""The application that every verb is registered with, and the arguments and options that several verbs share."""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # help without boxes does not import rich
    help="Train, compare and use language models: unroll VERB MODEL ...",
)

STDIN = Path("-")
"""The path that stands for standard input."""

ModelArgument = Annotated[
    Path, typer.Argument(help="A trained model: its folder, or its name under models/.", show_default=False)
]
FileArgument = Annotated[
    Path,
    typer.Argument(
        help='One text per line, or JSON lines with a "text" if the name ends in .jsonl; - is standard input.'
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON lines.")]
SeedOption = Annotated[int, typer.Option(min=0, help="The random seed.")]

Verb = TypeVar("Verb", bound=Callable[..., Any])


def verb(*examples: str) -> Callable[[Verb], Verb]:
    """Register a function as a verb of the command line.

    Args:
        examples: Command lines that follow the docstring of the function in its help.

    Returns:
        A decorator that returns the function unchanged.
    """

    def register(function: Verb) -> Verb:
        # Click does not wrap a paragraph that begins with a backspace.
        description, listing = inspect.getdoc(function) or "", "\n".join(["\b", *examples])
        return app.command(help=f"{description}\n\n{listing}")(function)

    return register
