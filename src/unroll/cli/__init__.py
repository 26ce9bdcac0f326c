"""The `unroll` command: one file per verb, or per pair of verbs that belong together.

A verb's file imports at its top nothing but the standard library, typer and `unroll.cli`: the library behind it is
imported when the verb runs, so that help is quick and an n-gram verb never waits for torch.
"""

import sys

from unroll.cli import apply, complete, generate, judge, maintenance, rescore, score, spell
from unroll.cli.app import app
from unroll.errors import UnrollError

VERBS = (score, generate, complete, rescore, judge, spell, apply, maintenance)
"""The modules of the verbs; importing one registers what it holds."""


def main() -> None:
    """Run a command; what a user did wrong is one sentence and exit code 1."""
    try:
        app()
    except UnrollError as error:
        sys.exit(f"unroll: {error}")
