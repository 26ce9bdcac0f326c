"""The `unroll` command."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from unroll.errors import UnrollError

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)

LONGEST = 1_000_000
"""Characters of a line that is scored; a longer one is refused by name, not by running out of memory."""

Model = Annotated[
    Path, typer.Argument(help="A trained model: its folder, or its name under models/.", show_default=False)
]


@app.command()
def doctor() -> None:
    """Heal what a killed run left behind, and prepare the tracking store; says what it did."""
    from unroll.doctor import heal

    for line in heal(Path.cwd()):
        print(line)


@app.command()
def generate(
    model: Model,
    prompt: Annotated[str, typer.Option(help="Text to continue.")] = "",
    count: Annotated[int, typer.Option(min=1, max=1000, help="Number of texts.")] = 1,
    length: Annotated[int, typer.Option(min=1, max=100_000, help="Tokens at most.")] = 50,
    temperature: Annotated[float, typer.Option(min=0, help="0 is greedy, 1 the model itself.")] = 1.0,
    seed: Annotated[int, typer.Option(min=0)] = 1,
) -> None:
    """Write texts: unroll generate lstm --prompt "the students opened their"."""
    from unroll.use import load

    for text in load(_folder(model)).generate(prompt, count, length, temperature, seed):
        print(_inert(text))


@app.command()
def score(
    model: Model,
    file: Annotated[Path, typer.Argument(help="A text file, one document per line; - is standard input.")],
) -> None:
    """Log-probability of each line, their total and the perplexity: unroll score trigram my.txt."""
    from unroll.evaluation.perplexity import Score
    from unroll.text.encoding import lines
    from unroll.use import load

    loaded, total, tokens, unknown = load(_folder(model)), 0.0, 0, 0
    if str(file) == "-" or file.is_fifo():  # a pipe can be read only once, so its start is not looked at first
        read = sys.stdin if str(file) == "-" else file.open(encoding="utf-8")
    else:
        read = lines(file, "utf-8", "strict", LONGEST)
    texts = [text.rstrip("\n") for text in read if text.strip()]
    if not texts:
        raise UnrollError(f"{file}: has no text to score")
    for text, line in zip(texts, loaded.score(texts), strict=True):
        print(f"{line.log_likelihood:.4f}\t{_inert(text)}")
        total, tokens, unknown = total + line.log_likelihood, tokens + line.tokens, unknown + line.unknown
    summed = Score(tokens, -total, unknown, 0.0, 0)
    print(
        f"total {total:.4f} nats, {tokens} tokens ({unknown} unknown), perplexity {summed.perplexity:.4f}",
        file=sys.stderr,
    )


@app.command()
def verify() -> None:
    """Hash every output again and compare it with dvc.lock."""
    from unroll.verify import damaged, outputs

    if paths := damaged(Path()):
        raise UnrollError(f"{', '.join(paths)}: not what dvc.lock says; `dvc repro` makes them again")
    print(f"{len(outputs(Path('dvc.lock')))} outputs are what dvc.lock says")


@app.command()
def compare_locks(one: Path, other: Path) -> None:
    """Compare the output hashes of two runs of the pipeline, by their dvc.lock files."""
    from unroll.verify import differences

    equal, differing = differences(one, other)
    if differing:
        raise UnrollError(f"{equal} outputs are equal, {len(differing)} differ: {', '.join(differing)}")
    print(f"all {equal} outputs have equal hashes")


def _folder(model: Path) -> Path:
    named = Path("models") / model
    return named if not model.exists() and (named.exists() or len(model.parts) == 1) else model


def _inert(text: str) -> str:
    """Control characters, which could drive a terminal, as visible escapes."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def main() -> None:
    """Run a command; what a user did wrong is one sentence and exit code 1."""
    try:
        app()
    except UnrollError as error:
        sys.exit(f"unroll: {error}")


if __name__ == "__main__":
    main()
