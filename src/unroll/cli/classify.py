"""The verbs classify and tag: the class of each text, and the tag of each word."""

from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unroll.cli.app import STDIN, FileArgument, JsonOption, ModelArgument, verb
from unroll.cli.io import (
    batch_items,
    input_name,
    print_json,
    read_all_lines,
    read_texts,
    save_figure,
    skip_blank,
)
from unroll.errors import UnrollError
from unroll.printing import print_row

if TYPE_CHECKING:
    from unroll.use import TextModel

BATCH_SIZE = 256


@verb("unroll classify naive_bayes my.txt", "unroll classify gru_classifier my.txt --attention words.png")
def classify(
    model: ModelArgument,
    file: FileArgument = STDIN,
    all_classes: Annotated[bool, typer.Option("--all", help="Print every class with its probability.")] = False,
    attention: Annotated[
        Path | None,
        typer.Option(help="Draw the attention to the words of the first line that is not blank (.png or .svg)."),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Print the most probable class of each line. A blank line has no class."""
    from unroll.use import load

    loaded = load(model)
    loaded.classify([])  # raises the error of an unsupported model before any input is read
    for texts in batch_items(read_texts(file), BATCH_SIZE):
        for text, probabilities in zip(texts, skip_blank(loaded.classify, texts), strict=True):
            label, probability = next(iter(probabilities.items())) if probabilities else (None, None)
            if attention and probabilities is not None:
                _draw_attention(loaded, text, attention)
                attention = None
            if json:
                row = {"text": text, "class": label, "probability": probability}
                print_json(row | ({"all": probabilities} if all_classes else {}))
            elif probabilities is None:
                print_row(*[""] * (len(loaded.model.classes) if all_classes else 2), text)
            elif all_classes:
                print_row(*[f"{name} {p:.4f}" for name, p in probabilities.items()], text)
            else:
                print_row(str(label), f"{probability:.4f}", text)


@verb("unroll tag hmm_tagger my.txt", "unroll tag bilstm_crf my.txt --split --columns")
def tag(
    model: ModelArgument,
    file: FileArgument = STDIN,
    split: Annotated[bool, typer.Option("--split", help="Split punctuation off the words.")] = False,
    columns: Annotated[bool, typer.Option("--columns", help="Print each word and its tag on a line.")] = False,
    read_columns: Annotated[
        bool, typer.Option("--read-columns", help="Read a word per line, before a tab if there is one.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Print the words of each line with their tags: word/tag, or a column of words and one of tags.

    A line is a sentence. White space separates its words. With --read-columns a line is a word, and a blank line ends a
    sentence.
    """
    from unroll.use import load
    from unroll.use.tagging import split_punctuation

    loaded = load(model)
    divide: Callable[[str], list[str]] = split_punctuation if split else str.split
    lines = ((text, divide(text)) for text in read_texts(file))
    for sentences in batch_items(_read_columns(file) if read_columns else lines, BATCH_SIZE):
        results = loaded.tag([words for _, words in sentences])
        for (text, _), words in zip(sentences, results, strict=True):
            if json:
                print_json({"text": text, "words": words})
            elif columns:
                for word in words:
                    print_row(word.word, word.tag)
                print()
            else:
                print_row(" ".join(f"{word.word}/{word.tag}" for word in words))


def _read_columns(file: Path) -> Iterator[tuple[str, list[str]]]:
    """Yield the sentences of a file with a word on each line and blank lines between them, as texts and as words."""
    words: list[str] = []
    found = False
    for _, line in chain(read_all_lines(file), [(0, "")]):
        if line.strip():
            words.append(line.split("\t")[0].strip() or line.strip())
        elif words:
            found = True
            yield " ".join(words), words
            words = []
    if not found:
        raise UnrollError(f"{input_name(file)}: has no word; give a file with at least one")


def _draw_attention(loaded: "TextModel", text: str, path: Path) -> None:
    from unroll.report.figures import draw_attention
    from unroll.use.classification import map_attention

    if (found := map_attention(loaded, text)) is None:
        raise UnrollError(f"{loaded.folder}: has no attention to draw; use a model with pooling: attention")
    save_figure(draw_attention(found.source, found.target, found.weights), path)
