"""The verbs score, evaluate and compare: how probable texts are under a model."""

import math
import sys
from dataclasses import asdict
from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from unroll.cli.app import STDIN, FileArgument, JsonOption, ModelArgument, SeedOption, decode_text, verb
from unroll.cli.io import batch_items, print_json, read_texts, save_figure, skip_blank, write_text
from unroll.errors import UnrollError
from unroll.printing import escape_column, print_row

if TYPE_CHECKING:
    from unroll.use import TextModel
    from unroll.use.scoring import LineScore

BATCH_SIZE = 256
RELIABLE_BLOCKS = 12
"""The minimum number of blocks for which the interval of a comparison is reliable."""


@verb(
    "unroll score trigram my.txt",
    'echo "the students opened their books" | unroll score lstm --tokens',
    'echo "the students opened their books" | unroll score gru_general --attention attention.png',
    'echo "the students opened their books" | unroll score lstm --influence influence.svg',
)
def score(
    model: ModelArgument,
    file: FileArgument = STDIN,
    tokens: Annotated[bool, typer.Option("--tokens", help="Also print the log-probability of each token.")] = False,
    only_sum: Annotated[bool, typer.Option("--sum", help="Print only the total.")] = False,
    attention: Annotated[
        Path | None,
        typer.Option(help="Draw the attention to earlier states of the first line to this file (.png or .svg)."),
    ] = None,
    influence: Annotated[
        Path | None,
        typer.Option(
            help="Draw to this file how much each earlier token of the first line moves each prediction (.png or "
            ".svg), or write the numbers (.json)."
        ),
    ] = None,
    replacement: Annotated[
        str | None,
        typer.Option(
            metavar="TOKEN",
            callback=lambda token: token if token is None else decode_text(token),
            help="The token that --influence replaces an earlier token by, for example <unk>; without it, the earlier "
            "token is left out.",
        ),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Print the log-likelihood of each line in nats, and the total.

    A blank line has no log-likelihood and is not counted, as it is no document of a corpus.
    """
    from unroll.use import load
    from unroll.use.scoring import sum_scores

    if replacement is not None and influence is None:
        raise UnrollError("--replacement needs --influence, whose tokens it replaces; give both")
    loaded, scores, blank = load(model), [], 0
    # An empty text raises the errors of the model and of the options before any input is read.
    if attention:
        _draw_attention(loaded, "", None)
    if influence:
        _draw_influence(loaded, "", None, replacement)
    drawn = not (attention or influence)
    for texts in batch_items(read_texts(file), BATCH_SIZE, not only_sum):
        if not drawn and (first := next((text for text in texts if text.strip()), None)) is not None:
            if attention:
                _draw_attention(loaded, first, attention)
            if influence:
                _draw_influence(loaded, first, influence, replacement)
            drawn = True
        lines = skip_blank(loaded.score, texts)
        scores += [line for line in lines if line]
        blank += lines.count(None)
        if only_sum:
            continue
        token_scores = skip_blank(loaded.token_scores, texts) if tokens else [None] * len(texts)
        for text, line, parts in zip(texts, lines, token_scores, strict=True):
            if json:
                print_json(_describe(text, line) | ({"token_scores": parts or []} if tokens else {}))
            else:
                print_row(f"{line.log_likelihood:.4f}" if line else "", text)
                for part in parts or ():
                    unknown = f" {part.unknown}" if part.unknown else ""
                    print_row(f"  {part.log_prob:.4f}", escape_column(part.token + unknown))
    total = sum_scores(scores)
    if only_sum and json:
        print_json(asdict(total) | {"blank_lines": blank})
        return
    print(
        f"total {total.log_likelihood:.4f} nats, {total.tokens} tokens ({total.unknown} unknown), "
        f"perplexity {total.perplexity:.4f}{_say_blank('; ', blank)}",
        file=sys.stdout if only_sum else sys.stderr,
    )


def _draw_attention(loaded: "TextModel", text: str, path: Path | None) -> None:
    """Draw the attention to earlier states of a text; without a path, only check that the model has it."""
    from unroll.report.figures import MAX_TOKENS, draw_attention
    from unroll.use.past_attention import map_past_attention

    found = map_past_attention(loaded, text, MAX_TOKENS)
    if path is not None:
        save_figure(draw_attention(found.source, found.target, found.weights), path)


def _draw_influence(loaded: "TextModel", text: str, path: Path | None, replacement: str | None) -> None:
    """Draw or write the influences in a text; without a path, only check the model and the replacement."""
    from unroll.evaluation.result import json_value
    from unroll.report.figures import MAX_TOKENS, draw_influence
    from unroll.use.influence import map_influence

    found = map_influence(loaded, text, MAX_TOKENS, replacement)
    if path is None:
        return
    if path.suffix == ".json":
        write_text(path, dumps(json_value(asdict(found)), ensure_ascii=False) + "\n")
    else:
        save_figure(draw_influence(found.tokens, found.nats), path)


def _describe(text: str, line: "LineScore | None") -> dict[str, Any]:
    """Return the values of a line in JSON; those of a blank line are null, and it has no tokens."""
    if line is None:
        return {"text": text, "log_likelihood": None, "perplexity": None, "tokens": 0, "unknown": 0}
    row = {"text": text, "log_likelihood": line.log_likelihood, "perplexity": line.perplexity}
    return row | {"tokens": line.tokens, "unknown": line.unknown}


def _say_blank(before: str, count: int) -> str:
    """Return what the output says about blank lines, after some other text; nothing if there are none."""
    return f"{before}{count} blank line{'s are' if count > 1 else ' is'} not counted" if count else ""


@verb("unroll evaluate kneser5 my.txt")
def evaluate(model: ModelArgument, file: FileArgument = STDIN, json: JsonOption = False) -> None:
    """Print perplexity, bits per byte and the rate of unknown words.

    Blank lines are not counted, as they are no documents of a corpus.
    """
    from unroll.use import load
    from unroll.use.scoring import sum_scores

    loaded = load(model)
    batches = batch_items(read_texts(file), BATCH_SIZE, printing=False)
    lines = [line for texts in batches for line in skip_blank(lambda some: loaded.score(some, "evaluate"), texts)]
    total, blank = sum_scores([line for line in lines if line]), lines.count(None)
    if json:
        print_json(asdict(total) | {"blank_lines": blank})
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
    print(f"lines          {total.lines}{_say_blank('; ', blank)}")


@verb("unroll compare lstm kneser5 my.txt")
def compare(
    model: ModelArgument,
    other: ModelArgument,
    file: FileArgument = STDIN,
    block: Annotated[
        int, typer.Option(min=1, max=10_000_000, help="The number of bytes that are resampled together.")
    ] = 3000,
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
    of the text, and its p value that of a permutation test. Blank lines are not counted.
    """
    from unroll.params.evaluate import Statistics
    from unroll.use import comparison, load

    first, second = load(model), load(other)
    params = Statistics(block=block, resamples=resamples, confidence=confidence)
    texts = list(read_texts(file))
    full = [text for text in texts if text.strip()]
    result = comparison.compare(first, second, full, params, seed)
    if blank := len(texts) - len(full):
        print(_say_blank("", blank), file=sys.stderr)
    if json:
        print_json(result)
        return
    difference = result.difference
    print_row(f"{result.first:.4f}", str(model), "bits per byte")
    print_row(f"{result.second:.4f}", str(other), "bits per byte")
    interval = f"[{difference.low:+.4f}, {difference.high:+.4f}] at {confidence:.0%}"
    estimate = f"{interval}, p = {difference.p:.4f}, {result.blocks} blocks"
    print_row(f"{difference.mean:+.4f}", f"{model} - {other}", estimate)
    if result.blocks < RELIABLE_BLOCKS:
        print(
            f"the interval is not reliable with {result.blocks} block(s); give more text, or a smaller --block",
            file=sys.stderr,
        )
