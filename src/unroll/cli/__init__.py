"""The `unroll` command: one file per verb, or per pair of verbs that belong together.

A verb's file imports at its top nothing but the standard library, typer and `unroll.cli`: the library behind it is
imported when the verb runs, so that help is quick and an n-gram verb never waits for torch.
"""

import sys
from importlib import import_module

from unroll.cli.app import app
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


def main() -> None:
    """Run a command; what a user did wrong is one sentence and exit code 1."""
    try:
        app()
    except UnrollError as error:
        sys.exit(f"unroll: {error}")
