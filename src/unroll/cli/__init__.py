"""The `unroll` command: one file per verb, or per pair of verbs that belong together.

A verb's file imports at its top nothing but the standard library, typer and `unroll.cli`: the library behind it is
imported when the verb runs, so that help is quick and an n-gram verb never waits for torch.
"""

import os
import sys
from importlib import import_module

from unroll.cli.app import app, inert
from unroll.errors import UnrollError

VERBS = [
    "score",
    "compare",
    "generate",
    "complete",
    "rescore",
    "judge",
    "spell",
    "translate",
    "classify",
    "similar",
    "search",
    "serve",
    "apply",
    "sync",
    "maintenance",
]
"""The files of the verbs, in the order of the help; importing one registers what it holds."""

for verb in VERBS:
    import_module(f"unroll.cli.{verb}")


INTERRUPTED = 130


def main() -> None:
    """Run a command; what a user did wrong is one sentence and exit code 1, and so is Ctrl-C with 130. A reader of the
    output that has seen enough, as `head`, is no error to speak of; of a full disk the system's own sentence is."""
    try:
        try:
            app()
        finally:
            sys.stdout.flush()  # here, where a closed pipe can be caught, and not when Python ends
    except UnrollError as error:
        sys.exit("unroll: " + "\n".join(map(inert, str(error).splitlines())))
    except BrokenPipeError:
        _discard_output()
        sys.exit(1)
    except OSError as error:
        _discard_output()
        sys.exit(f"unroll: {inert(str(error))}")
    except KeyboardInterrupt:
        sys.exit(_interrupted())
    except SystemExit as stop:
        sys.exit(_interrupted() if stop.code == INTERRUPTED else stop.code)


def _discard_output() -> None:
    """What is still to be flushed when Python ends has nowhere to go."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _interrupted() -> int:
    print("unroll: interrupted", file=sys.stderr)
    return INTERRUPTED
