"""generate: texts from a model."""

from typing import Annotated

import typer

from unroll.cli.app import Model, app, folder, inert


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

    for text in load(folder(model)).generate(prompt, count, length, temperature, seed):
        print(inert(text))
