"""generate: texts from a model."""

from typing import Annotated

import typer

from unroll.cli.app import Model, app, inert
from unroll.cli.text import Json, print_json


@app.command()
def generate(
    model: Model,
    prompt: Annotated[str, typer.Option(help="Text to continue.")] = "",
    count: Annotated[int, typer.Option(min=1, max=1000, help="Number of texts.")] = 1,
    length: Annotated[int, typer.Option(min=1, max=100_000, help="Tokens at most.")] = 50,
    temperature: Annotated[float, typer.Option(min=0, max=1e6, help="0 is greedy, 1 the model itself.")] = 1.0,
    top_k: Annotated[int, typer.Option(min=0, help="Only the k most probable tokens; 0 is all.")] = 0,
    nucleus: Annotated[float, typer.Option(min=0, max=1, help="Only the likeliest of this total probability.")] = 1.0,
    repetition_penalty: Annotated[
        float, typer.Option(min=1, max=1e6, help="log p of tokens used before, times this.")
    ] = 1.0,
    seed: Annotated[int, typer.Option(min=0)] = 1,
    json: Json = False,
) -> None:
    """Write texts.

    \b
    unroll generate lstm --prompt "the students opened their" --count 3 --nucleus 0.9
    """
    from unroll.evaluation.generation import SamplingOptions
    from unroll.use import load

    options = SamplingOptions(top_k, nucleus, repetition_penalty)
    for text in load(model).generate(prompt, count, length, temperature, seed, options):
        if json:
            print_json({"prompt": prompt, "text": text})
        else:
            print(inert(text))
