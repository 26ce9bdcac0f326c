"""The verbs score, evaluate and compare: how probable texts are under a model."""

import math
import sys
from typing import Annotated

import typer

from unroll.cli.app import STDIN, FileArgument, JsonOption, ModelArgument, SeedOption, verb
from unroll.cli.io import batch_items, escape_control, print_json, read_texts

BATCH_SIZE = 256
RELIABLE_BLOCKS = 12
"""The minimum number of blocks for which the interval of a comparison is reliable."""


@verb(
    "unroll score trigram my.txt",
    'echo "the students opened their books" | unroll score lstm --tokens',
)
def score(
    model: ModelArgument,
    file: FileArgument = STDIN,
    tokens: Annotated[bool, typer.Option("--tokens", help="Also print the log-probability of each token.")] = False,
    only_sum: Annotated[bool, typer.Option("--sum", help="Print only the total.")] = False,
    json: JsonOption = False,
) -> None:
    """Print the log-likelihood of each line in nats, and the total."""
    from unroll.use import load
    from unroll.use.scoring import sum_scores

    loaded, scores = load(model), []
    for texts in batch_items(read_texts(file), BATCH_SIZE, not only_sum):
        lines = loaded.score(texts)
        scores += lines
        if only_sum:
            continue
        token_scores = loaded.token_scores(texts) if tokens else [[] for _ in texts]
        for text, line, parts in zip(texts, lines, token_scores, strict=True):
            if json:
                row = {"text": text, "log_likelihood": line.log_likelihood, "perplexity": line.perplexity}
                row |= {"tokens": line.tokens, "unknown": line.unknown}
                print_json(row | ({"token_scores": parts} if tokens else {}))
            else:
                print(f"{line.log_likelihood:.4f}\t{escape_control(text)}")
                for part in parts:
                    unknown = f" {escape_control(part.unknown)}" if part.unknown else ""
                    print(f"  {part.log_prob:.4f}\t{escape_control(part.token)}{unknown}")
    total = sum_scores(scores)
    if only_sum and json:
        print_json(total)
        return
    print(
        f"total {total.log_likelihood:.4f} nats, {total.tokens} tokens ({total.unknown} unknown), "
        f"perplexity {total.perplexity:.4f}",
        file=sys.stdout if only_sum else sys.stderr,
    )


@verb("unroll evaluate kneser5 my.txt")
def evaluate(model: ModelArgument, file: FileArgument = STDIN, json: JsonOption = False) -> None:
    """Print perplexity, bits per byte and the rate of unknown words."""
    from unroll.use import load
    from unroll.use.scoring import sum_scores

    loaded = load(model)
    batches = batch_items(read_texts(file), BATCH_SIZE, printing=False)
    total = sum_scores([line for texts in batches for line in loaded.score(texts, "evaluate")])
    if json:
        print_json(total)
        return
    print(f"perplexity     {total.perplexity:.4f}")
    parts = (total.bits_per_byte_tokens, total.bits_per_byte_spelling, total.bits_per_byte_spacing)
    print(
        "bits per byte  {:.4f} (tokens {:.4f}, spelling of unknown words {:.4f}, spacing {:.4f})".format(
            total.bits_per_byte, *parts
        )
    )
    if math.isnan(total.bits_per_byte):
        print(
            "the tokenizer is from an earlier release and has no model of spacing, which bits per byte need; run "
            "`dvc repro` for this model",
            file=sys.stderr,
        )
    print(f"log-likelihood {total.log_likelihood:.4f} nats")
    print(f"unknown        {total.unknown} of {total.tokens} tokens ({total.oov_rate:.2%})")
    print(f"lines          {total.lines}")


@verb("unroll compare lstm kneser5 my.txt")
def compare(
    model: ModelArgument,
    other: ModelArgument,
    file: FileArgument = STDIN,
    block: Annotated[int, typer.Option(min=1, help="The number of bytes that are resampled together.")] = 3000,
    resamples: Annotated[
        int, typer.Option(min=100, max=1_000_000, help="The number of resamples of the bootstrap and the test.")
    ] = 2000,
    confidence: Annotated[
        float, typer.Option(min=0.01, max=0.9999, help="The confidence level of the interval.")
    ] = 0.95,
    seed: SeedOption = 1,
    json: JsonOption = False,
) -> None:
    """Compare two models on a text by their bits per byte.

    The difference is negative if the first model is better. Its confidence interval is a paired bootstrap over blocks
    of the text, and its p value that of a permutation test.
    """
    from unroll.params.evaluate import Statistics
    from unroll.use import comparison, load

    first, second = load(model), load(other)
    params = Statistics(block=block, resamples=resamples, confidence=confidence)
    result = comparison.compare(first, second, list(read_texts(file)), params, seed)
    if json:
        print_json(result)
        return
    names = [escape_control(str(name)) for name in (model, other)]
    difference = result.difference
    print(f"{result.first:.4f}\t{names[0]}\tbits per byte")
    print(f"{result.second:.4f}\t{names[1]}\tbits per byte")
    interval = f"[{difference.low:+.4f}, {difference.high:+.4f}] at {confidence:.0%}"
    print(
        f"{difference.mean:+.4f}\t{names[0]} - {names[1]}\t{interval}, p = {difference.p:.4f}, {result.blocks} blocks"
    )
    if result.blocks < RELIABLE_BLOCKS:
        print(
            f"the interval is not reliable with {result.blocks} block(s); give more text, or a smaller --block",
            file=sys.stderr,
        )
