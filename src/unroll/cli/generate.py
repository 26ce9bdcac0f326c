"""The verbs generate and complete: how texts continue; and fill: what stands in their blanks."""

import math
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from unroll.cli.app import STDIN, JsonOption, ModelArgument, SeedOption, decode_text, verb
from unroll.cli.io import print_json, read_all_lines
from unroll.errors import UnrollError
from unroll.printing import print_line, print_row

if TYPE_CHECKING:
    from unroll.use import TextModel


@verb('unroll generate lstm --prompt "the students opened their" --count 3 --top-p 0.9')
def generate(
    model: ModelArgument,
    prompt: Annotated[str, typer.Option(help="The text to continue.", callback=decode_text)] = "",
    count: Annotated[int, typer.Option(min=1, max=1000, help="The number of texts.")] = 1,
    length: Annotated[int, typer.Option(min=1, max=100_000, help="The maximum number of tokens.")] = 50,
    temperature: Annotated[
        float, typer.Option(min=0, max=1e6, help="0 is greedy search, 1 the distribution of the model.")
    ] = 1.0,
    top_k: Annotated[int, typer.Option(min=0, help="Draw only from the k most probable tokens; 0 is all.")] = 0,
    top_p: Annotated[
        float, typer.Option(min=0, max=1, help="Draw only from the most probable tokens with this total probability.")
    ] = 1.0,
    repetition_penalty: Annotated[
        float, typer.Option(min=1, max=1e6, help="Multiplies log p of tokens that the text already has.")
    ] = 1.0,
    seed: SeedOption = 1,
    json: JsonOption = False,
) -> None:
    """Generate texts."""
    from unroll.evaluation.generation import SamplingOptions
    from unroll.use import load

    options = SamplingOptions(top_k=top_k, top_p=top_p, repetition_penalty=repetition_penalty)
    for text in load(model).generate(prompt, count, length, temperature, seed, options):
        if json:
            print_json({"prompt": prompt, "text": text})
        else:
            print_line(text)


@verb(
    'unroll complete lstm "the students opened their"',
    'unroll complete lstm_chars "the function ret" --partial',
    'unroll complete lstm_everyday "the students opened" --sentence',
    "unroll complete kneser5 --interactive",
)
def complete(
    model: ModelArgument,
    text: Annotated[
        str,
        typer.Argument(help="The text so far; - reads one text per line from standard input.", callback=decode_text),
    ] = "",
    count: Annotated[int, typer.Option(min=1, max=1000, help="The number of words.")] = 5,
    partial: Annotated[bool, typer.Option("--partial", help="Complete the last word if no space follows it.")] = False,
    sentence: Annotated[
        bool, typer.Option("--sentence", help="Complete the sentence, and print its text and its probability.")
    ] = False,
    interactive: Annotated[
        bool, typer.Option("--interactive", help="Complete while you type; Tab inserts the first word.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Print the most probable next words.

    Models of characters or subwords give whole words, too.
    """
    from unroll.use import load

    if sentence and (partial or interactive):
        raise UnrollError("complete: --sentence goes with neither --partial nor --interactive; leave one out")
    loaded = load(model)
    if interactive and sys.stdin.isatty():
        from unroll.cli.interactive import edit_line

        edit_line(lambda line: [completion.word for completion in loaded.complete(line, count, partial=True)])
    elif interactive or text == "-":
        for _, line in read_all_lines(STDIN):
            if sentence:
                _print_sentences(loaded, line, count, json)
            else:
                _print_completions(loaded, line, count, partial or interactive, json, line)
    elif sentence:
        _print_sentences(loaded, text, count, json)
    else:
        _print_completions(loaded, text, count, partial, json)


@verb('unroll fill bidirectional "the function ___ a list of ___"')
def fill(
    model: ModelArgument,
    text: Annotated[str, typer.Argument(help="The text, with ___ for each word to find.", callback=decode_text)],
    count: Annotated[int, typer.Option(min=1, max=1000, help="The number of words for each blank.")] = 5,
    json: JsonOption = False,
) -> None:
    """Print the most probable words of blanks, given the words on both sides.

    Each line has the number of the blank, the probability and the word.
    """
    from unroll.use import load
    from unroll.use.cloze.filling import fill_blanks

    for number, fillings in enumerate(fill_blanks(load(model), text, count), 1):
        if json:
            words = [{"token": one.token, "probability": one.probability} for one in fillings]
            print_json({"blank": number, "fillings": words})
            continue
        for one in fillings:
            print_row(str(number), f"{one.probability:.4f}", one.token)


def _print_sentences(loaded: "TextModel", text: str, count: int, json: bool) -> None:
    """Print the most probable ends of the sentence that a text begins."""
    from unroll.use.completion import complete_sentences

    model = loaded.language_model("complete")
    endings = complete_sentences(model, loaded.tokenizer, loaded.cleaner, loaded.spellings, text, count)
    if json:
        rows = [{"text": one.text, "probability": math.exp(one.log_prob)} for one in endings]
        print_json({"text": text, "sentences": rows})
        return
    for one in endings:
        print_row(f"{math.exp(one.log_prob):.4f}", one.text)


def _print_completions(
    loaded: "TextModel", text: str, count: int, partial: bool, json: bool, line: str | None = None
) -> None:
    """Print the completions of a text. `line` is the last column of the completions of a line of standard input."""
    completions = loaded.complete(text, count, partial)
    if json:
        words = [{"word": one.word, "probability": one.probability} for one in completions]
        print_json({"text": text, "completions": words})
        return
    for one in completions:
        print_row(f"{one.probability:.4f}", one.word, *([] if line is None else [line]))
