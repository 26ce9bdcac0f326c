"""The verbs of vectors: similar, analogy and similarity of word vectors, and vectors of words in context."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from unroll.cli.app import STDIN, FileArgument, JsonOption, ModelArgument, decode_text, verb
from unroll.cli.io import input_name, print_json, read_lines, read_texts
from unroll.errors import UnrollError
from unroll.printing import print_row

if TYPE_CHECKING:
    from unroll.use import TextModel
    from unroll.use.vectors.neighbours import Measure, Neighbour

CountOption = Annotated[int, typer.Option("--count", min=1, max=1000, help="The number of words.")]
WordArgument = Annotated[str, typer.Argument(help="A word that has a vector.", callback=decode_text)]


def decode_option(text: str | None) -> str | None:
    """Decode an option that is a text, if it is given; see `decode_text`."""
    return None if text is None else decode_text(text)


DistanceOption = Annotated[str, typer.Option("--distance", help="How vectors are compared: cosine or euclidean.")]


@verb("unroll similar skip_gram list", "unroll similar skip_gram list --distance euclidean")
def similar(
    model: ModelArgument,
    word: WordArgument,
    count: CountOption = 10,
    distance: DistanceOption = "cosine",
    json: JsonOption = False,
) -> None:
    """Print the words nearest to a word by their vectors."""
    from unroll.use import load
    from unroll.use.vectors.neighbours import find_neighbours

    _print_neighbours(find_neighbours(load(model), word, count, cast("Measure", distance)), distance, json)


@verb("unroll analogy glove paris france rome")
def analogy(
    model: ModelArgument,
    a: WordArgument,
    b: WordArgument,
    c: WordArgument,
    count: CountOption = 5,
    json: JsonOption = False,
) -> None:
    """Solve an analogy: A is to B as C is to the printed words.

    They are the words nearest to B - A + C.
    """
    from unroll.use import load
    from unroll.use.vectors.neighbours import solve_analogy

    _print_neighbours(solve_analogy(load(model), a, b, c, count), "cosine", json)


@verb("unroll similarity glove wordsim353.csv", "unroll similarity skip_gram pairs.tsv --pairs")
def similarity(
    model: ModelArgument,
    file: Annotated[
        Path, typer.Argument(help="Two words and a score per line, with tabs, commas or spaces; - is standard input.")
    ] = STDIN,
    distance: DistanceOption = "cosine",
    confidence: Annotated[float, typer.Option(min=0.5, max=0.999, help="The confidence level of the interval.")] = 0.95,
    pairs: Annotated[
        bool, typer.Option("--pairs", help="Also print every pair; an unknown pair has no value.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Compare word vectors with similarities that people have judged.

    It prints Spearman's rank correlation with its interval, and how many pairs have vectors. If the file has no scores,
    it prints the pairs only.
    """
    from unroll.use import load
    from unroll.use.vectors.similarity import compare_pairs, correlate, parse_judgements

    loaded, measure = load(model), cast("Measure", distance)
    comparisons = compare_pairs(loaded, [], measure)  # raises the error of an unsupported model first
    judgements = parse_judgements(read_lines(file), input_name(file))
    comparisons = compare_pairs(loaded, judgements, measure)
    is_scored = judgements[0].score is not None
    result = correlate(comparisons, measure, confidence) if is_scored else None
    for one in comparisons if pairs or not is_scored else []:
        first, second, score = one.judgement
        if json:
            print_json({"first": first, "second": second, "score": score, distance: one.value})
        else:
            value = "" if one.value is None else f"{one.value:.4f}"
            print_row(value, *([f"{score:g}"] if score is not None else []), first, second)
    if result and json:
        print_json(result)
    elif result:
        covered = f"{result.covered} of {result.pairs} pairs, {result.unknown} unknown words"
        interval = f"[{result.low:.4f}, {result.high:.4f}] at {100 * confidence:g}%"
        print_row(f"{result.spearman:.4f}", "spearman", f"{interval}, {covered}")


@verb(
    "unroll vectors bidirectional my.txt --output vectors.parquet",
    "unroll vectors lstm sentences.txt --word bank --plot bank.png",
)
def vectors(
    model: ModelArgument,
    file: FileArgument = STDIN,
    output: Annotated[
        Path | None, typer.Option(help="Write the vectors to this file: .tsv, .parquet, or .npy for the numbers only.")
    ] = None,
    word: Annotated[
        str | None, typer.Option(help="Compare the occurrences of this word by their cosines.", callback=decode_option)
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(help="With --word, draw the occurrences to this file (.png or .svg).")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Print the contextual vector of every token: the line, the position, the token and the numbers.

    A contextual vector depends on the other words of the line. With --word, each occurrence of the word is printed with
    its cosines to all occurrences.
    """
    from unroll.use import load
    from unroll.use.vectors import files
    from unroll.use.vectors.contexts import embed_texts

    if plot and not word:
        raise UnrollError("--plot draws the occurrences of a word; add --word")
    if output and word:
        raise UnrollError("--output writes the vectors of all tokens, and --word compares those of a word; give one")
    if output:
        files.check_suffix(output)
    loaded = load(model)
    list(embed_texts(loaded, []))  # raises the error of an unsupported model before any input is read
    texts = list(read_texts(file))
    if word:
        _print_occurrences(loaded, texts, word, plot, json)
    elif output:
        count = files.write(output, list(embed_texts(loaded, texts)))
        print(f"{count:,} vectors in {output}")
    else:
        for number, text in enumerate(embed_texts(loaded, texts), 1):
            for position, row in enumerate(files.rows(number, text)):
                if json:
                    vector = text.vectors[position].tolist()
                    print_json({"line": number, "position": position + 1, "token": row[2], "vector": vector})
                else:
                    print("\t".join(row))


def _print_occurrences(loaded: "TextModel", texts: list[str], word: str, plot: Path | None, json: bool) -> None:
    from unroll.use.vectors.contexts import compare_occurrences, find_occurrences, map_occurrences

    occurrences = find_occurrences(loaded, texts, word)
    if not occurrences:
        raise UnrollError(f"{word!r} does not occur in the texts; give lines that have it")
    if plot:
        from unroll.report.pictures.occurrences import draw

        try:
            draw(map_occurrences(occurrences), f"{word}, by {loaded.folder.name}").savefig(plot)
        except (OSError, ValueError) as error:
            raise UnrollError(
                f"{plot}: cannot be written ({error}); name a .png or .svg file in an existing folder"
            ) from None
    for one, cosines in zip(occurrences, compare_occurrences(occurrences), strict=True):
        if json:
            print_json({"line": one.text + 1, "text": one.marked, "cosines": cosines.tolist()})
        else:
            print_row(*[f"{cosine:.4f}" for cosine in cosines], one.marked)


def _print_neighbours(neighbours: "list[Neighbour]", measure: str, json: bool) -> None:
    for word, value in neighbours:
        if json:
            print_json({"word": word, measure: value})
        else:
            print_row(f"{value:.4f}", word)
