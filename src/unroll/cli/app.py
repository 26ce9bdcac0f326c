"""The application that every verb is registered with, and the arguments and options that several verbs share."""

import inspect
import os
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, TypeVar, cast, get_args

import typer

from unroll.arithmetic.pins import is_supported, pin
from unroll.errors import UnrollError
from unroll.params.arithmetic import Arithmetic

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
ThreadsOption = Annotated[
    int | None,
    typer.Option(min=1, max=256, envvar="UNROLL_THREADS", help="Threads; by default one per core, at most 8."),
]
ArithmeticOption = Annotated[
    str | None,
    typer.Option(envvar="UNROLL_ARITHMETIC", help="portable or native; by default portable where it can be had."),
]


def decode_text(text: str) -> str:
    """Decode an argument that is a text as UTF-8, which is not the encoding of every locale.

    Args:
        text: The argument as Python decoded it.

    Returns:
        The text.

    Raises:
        UnrollError: The bytes of the argument are not UTF-8.
    """
    try:
        return os.fsencode(text).decode("utf-8")
    except UnicodeDecodeError:
        raise UnrollError(f"the argument {text!a} is not UTF-8; set the terminal to UTF-8") from None


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
        app.command(help=f"{description}\n\n{listing}")(_pinned(function))
        return function

    return register


def _pinned(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function with the options that choose threads and arithmetic before it imports numpy or torch."""

    @wraps(function)
    def run(*, threads: int | None, arithmetic: str | None, **named: Any) -> Any:
        if arithmetic not in (None, *get_args(Arithmetic)):
            raise UnrollError(f"--arithmetic is {arithmetic}; give portable or native")
        pin(cast(Arithmetic, arithmetic) or ("portable" if is_supported() else "native"), threads)
        return function(**named)

    options = {"threads": ThreadsOption, "arithmetic": ArithmeticOption}
    run.__annotations__ = function.__annotations__ | options
    added = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)
        for name, annotation in options.items()
    ]
    signature = inspect.signature(function)
    run.__signature__ = signature.replace(parameters=[*signature.parameters.values(), *added])  # type: ignore[attr-defined]
    return run
