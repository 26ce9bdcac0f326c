"""score: the log-likelihood of lines."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from unroll.cli.app import Model, app, folder, inert
from unroll.errors import UnrollError

LONGEST = 1_000_000
"""Characters of a line that is scored; a longer one is refused by name, not by running out of memory."""


@app.command()
def score(
    model: Model,
    file: Annotated[Path, typer.Argument(help="A text file, one document per line; - is standard input.")],
) -> None:
    """Log-probability of each line, their total and the perplexity: unroll score trigram my.txt."""
    from unroll.evaluation.perplexity import Score
    from unroll.text.encoding import lines
    from unroll.use import load

    loaded, total, tokens, unknown = load(folder(model)), 0.0, 0, 0
    if str(file) == "-" or file.is_fifo():  # a pipe can be read only once, so its start is not looked at first
        read = sys.stdin if str(file) == "-" else file.open(encoding="utf-8")
    else:
        read = lines(file, "utf-8", "strict", LONGEST)
    texts = [text.rstrip("\n") for text in read if text.strip()]
    if not texts:
        raise UnrollError(f"{file}: has no text to score")
    for text, line in zip(texts, loaded.score(texts), strict=True):
        print(f"{line.log_likelihood:.4f}\t{inert(text)}")
        total, tokens, unknown = total + line.log_likelihood, tokens + line.tokens, unknown + line.unknown
    summed = Score(tokens, -total, unknown, 0.0, 0)
    print(
        f"total {total:.4f} nats, {tokens} tokens ({unknown} unknown), perplexity {summed.perplexity:.4f}",
        file=sys.stderr,
    )
