"""score and evaluate: how probable a model finds a text."""

import sys
from typing import Annotated

import typer

from unroll.cli.app import Model, app, inert
from unroll.cli.text import STDIN, File, Json, batches, print_json, read_texts

BATCH = 256


@app.command()
def score(
    model: Model,
    file: File = STDIN,
    tokens: Annotated[bool, typer.Option("--tokens", help="Also the log-probability of each token.")] = False,
    only_sum: Annotated[bool, typer.Option("--sum", help="Only the total.")] = False,
    json: Json = False,
) -> None:
    """Log-likelihood of each line in nats, and the total.

    \b
    unroll score trigram my.txt
    echo "the students opened their books" | unroll score lstm --tokens
    """
    from unroll.use import load
    from unroll.use.scoring import total

    loaded, scores = load(model), []
    for texts in batches(read_texts(file), BATCH, not only_sum):
        found = loaded.score(texts)
        scores += found
        if only_sum:
            continue
        spelt = loaded.token_scores(texts) if tokens else [[] for _ in texts]
        for text, line, parts in zip(texts, found, spelt, strict=True):
            if json:
                printed = {"text": text, "log_likelihood": line.log_likelihood, "perplexity": line.perplexity}
                printed |= {"tokens": line.tokens, "unknown": line.unknown}
                print_json(printed | ({"token_scores": parts} if tokens else {}))
            else:
                print(f"{line.log_likelihood:.4f}\t{inert(text)}")
                for part in parts:
                    written = f" {inert(part.unknown)}" if part.unknown else ""
                    print(f"  {part.log_prob:.4f}\t{inert(part.token)}{written}")
    summed = total(scores)
    if only_sum and json:
        print_json(summed)
        return
    print(
        f"total {summed.log_likelihood:.4f} nats, {summed.tokens} tokens ({summed.unknown} unknown), "
        f"perplexity {summed.perplexity:.4f}",
        file=sys.stdout if only_sum else sys.stderr,
    )


@app.command()
def evaluate(model: Model, file: File = STDIN, json: Json = False) -> None:
    """Perplexity, bits per byte and unknown words of any text.

    \b
    unroll evaluate kneser5 my.txt
    """
    from unroll.use import load
    from unroll.use.scoring import total

    loaded = load(model)
    found = total(
        [line for texts in batches(read_texts(file), BATCH, False) for line in loaded.score(texts, "evaluate")]
    )
    if json:
        print_json(found)
        return
    print(f"perplexity     {found.perplexity:.4f}")
    print(f"bits per byte  {found.bits_per_byte:.4f}")
    print(f"log-likelihood {found.log_likelihood:.4f} nats")
    print(f"unknown        {found.unknown} of {found.tokens} tokens ({found.oov_rate:.2%})")
    print(f"lines          {found.lines}")
