"""compare: two models on one text."""

import sys
from typing import Annotated

import typer

from unroll.cli.app import Model, app, inert
from unroll.cli.text import STDIN, File, Json, print_json, read_texts

FEW = 12
"""Blocks: with fewer the interval is a guess."""


@app.command()
def compare(
    model: Model,
    other: Model,
    file: File = STDIN,
    block: Annotated[int, typer.Option(min=1, help="Bytes that are resampled together.")] = 3000,
    resamples: Annotated[int, typer.Option(min=100, max=1_000_000, help="Of the bootstrap and the test.")] = 2000,
    confidence: Annotated[float, typer.Option(min=0.01, max=0.9999, help="Of the interval.")] = 0.95,
    seed: Annotated[int, typer.Option(min=0)] = 1,
    json: Json = False,
) -> None:
    """Which of two models finds a text more probable: bits per byte, their difference, its interval by a paired
    bootstrap over blocks of the text, and the p of a permutation test.

    \b
    unroll compare lstm kneser5 my.txt
    """
    from unroll.params.evaluate import Statistics
    from unroll.use import load
    from unroll.use.comparison import compare as compared

    models = [load(name) for name in (model, other)]
    params = Statistics(block=block, resamples=resamples, confidence=confidence)
    found = compared(models[0], models[1], list(read_texts(file)), params, seed)
    if json:
        print_json(found)
        return
    between = found.difference
    print(f"{found.one:.4f}\t{inert(str(model))}\tbits per byte")
    print(f"{found.other:.4f}\t{inert(str(other))}\tbits per byte")
    interval = f"[{between.low:+.4f}, {between.high:+.4f}] at {confidence:.0%}"
    names = f"{inert(str(model))} - {inert(str(other))}"
    print(f"{between.mean:+.4f}\t{names}\t{interval}, p = {between.p:.4f}, {found.blocks} blocks")
    if found.blocks < FEW:
        print(f"{found.blocks} block(s) say little: bring more text, or make --block smaller", file=sys.stderr)
