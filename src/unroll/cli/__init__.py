"""The command `unroll`: one module for each verb, or for a few verbs that belong together.

The module of a verb imports only the standard library, typer and `unroll.cli` at its top, and the rest of the library
when the verb runs. So help is fast, and a verb loads only what it needs.
"""

import os
import sys
from importlib import import_module

from unroll.cli.app import app
from unroll.errors import UnrollError
from unroll.garbage import collect_rarely
from unroll.pipeline.console import set_up_streams
from unroll.printing import escape_lines

MODULES = [
    "score",
    "generate",
    "rescore",
    "judge",
    "spell",
    "translate",
    "classify",
    "vectors",
    "search",
    "serve",
    "tables",
    "running",
    "pipeline",
]
"""The modules of the verbs, in the order of the help. The import of a module registers its verbs."""

for module in MODULES:
    import_module(f"unroll.cli.{module}")

INTERRUPTED = 130
"""The exit code after Ctrl-C."""


def main() -> None:
    """Run the command of `sys.argv`.

    An error of the user is printed as one sentence, with exit code 1. Ctrl-C gives exit code 130. If the reader of the
    output has closed its end of the pipe, as `head` does, nothing is printed. If the disk is full, the message of the
    system is printed.
    """
    collect_rarely()
    set_up_streams()
    try:
        try:
            app()
        finally:
            sys.stdout.flush()  # a closed pipe is caught below; the flush at the exit of Python cannot be caught
    except UnrollError as error:
        sys.exit(escape_lines(f"unroll: {error}"))
    except BrokenPipeError:
        _discard_output()
        sys.exit(1)
    except OSError as error:
        _discard_output()
        sys.exit(escape_lines(f"unroll: {error}"))
    except KeyboardInterrupt:
        sys.exit(_report_interrupt())
    except SystemExit as stop:
        sys.exit(_report_interrupt() if stop.code == INTERRUPTED else stop.code)


def _discard_output() -> None:
    """Redirect standard output to the null device, so that the flush at the exit of Python does not fail."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _report_interrupt() -> int:
    print("unroll: interrupted", file=sys.stderr)
    return INTERRUPTED
