"""The verbs index and search: documents that are relevant to a query."""

import sys
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unroll.cli.app import JsonOption, decode_text, verb
from unroll.cli.io import (
    escape_control,
    input_name,
    print_json,
    read_json,
    read_lines,
    require_one,
    show_progress,
    text_field,
)
from unroll.errors import UnrollError

if TYPE_CHECKING:
    from unroll.use.search.ranking import Ranking

FolderArgument = Annotated[Path, typer.Argument(help="The folder of the index.")]
SNIPPET = 100
"""The number of characters that are printed of each document."""
MEASURES = ("nDCG@10", "AP", "RR", "P@10", "R@100")


class By(StrEnum):
    """The rankings of the option --by."""

    dirichlet = "dirichlet"
    jelinek_mercer = "jelinek-mercer"
    bm25 = "bm25"


@verb("unroll index manuals documents.jsonl")
def index(
    folder: FolderArgument,
    file: Annotated[
        Path,
        typer.Argument(
            help='JSON lines {"id", "text"} if the name ends in .jsonl, otherwise one document per line; '
            "- is standard input."
        ),
    ],
) -> None:
    """Index a document collection."""
    from unroll.use.search.index import build_index

    documents = require_one(_read_entries(file), file, "document")
    built = build_index(folder, show_progress(documents, printing=False))
    print(
        f"{len(built.lengths):,} documents, {built.tokens:,} terms, {len(built.starts) - 1:,} different",
        file=sys.stderr,
    )


@verb(
    'unroll search manuals "open a file for reading"',
    "unroll search manuals --queries topics.jsonl --qrels qrels.txt --count 100 > run.txt",
)
def search(
    folder: FolderArgument,
    query: Annotated[str, typer.Argument(help="The query.", callback=decode_text)] = "",
    queries: Annotated[
        Path | None, typer.Option(help='JSON lines {"id", "text"} of queries; prints a TREC run.')
    ] = None,
    qrels: Annotated[Path | None, typer.Option(help="TREC relevance judgements that evaluate the run.")] = None,
    by: Annotated[By, typer.Option(help="The smoothing of the query likelihood, or BM25.")] = By.dirichlet,
    mu: Annotated[
        float, typer.Option(min=1e-9, max=1e12, help="Dirichlet: the number of terms added from the collection.")
    ] = 1000,
    weight: Annotated[float, typer.Option(min=1e-9, max=1, help="Jelinek-Mercer: the weight of the collection.")] = 0.5,
    k1: Annotated[float, typer.Option(min=0, max=1e9, help="BM25: the saturation of term frequencies.")] = 1.2,
    b: Annotated[float, typer.Option(min=0, max=1, help="BM25: the normalisation by document length.")] = 0.75,
    count: Annotated[int, typer.Option(min=1, max=100_000, help="The number of documents per query.")] = 10,
    json: JsonOption = False,
) -> None:
    """Print the documents that are most relevant to a query.

    The measure is the query likelihood, or BM25.
    """
    from unroll.use.search import ranking
    from unroll.use.search.index import Index

    rankings: dict[By, Ranking] = {
        By.dirichlet: ranking.Dirichlet(mu),
        By.jelinek_mercer: ranking.JelinekMercer(weight),
        By.bm25: ranking.BM25(k1, b),
    }
    if queries is None and not query.strip():
        raise UnrollError("search: no query; write one, or name a file with --queries")
    if queries and query:
        raise UnrollError(f"search: {query!r} and --queries exclude each other; omit one of them")
    if qrels and queries is None:
        raise UnrollError("search: --qrels evaluates the queries of a file; name it with --queries")
    opened, run = Index(folder), []
    entries = require_one(_read_entries(queries), queries, "query") if queries else iter([("", query)])
    for name, text in entries:
        for rank, hit in enumerate(ranking.search(opened, text, rankings[by], count), 1):
            run.append((name, hit.id, hit.relevance))
            snippet = " ".join(opened.text(hit.document)[: 2 * SNIPPET].split())[:SNIPPET].rstrip()
            if json:
                print_json(
                    {"query": name or text, "rank": rank, "relevance": hit.relevance, "id": hit.id, "text": snippet}
                )
            elif queries:
                print(f"{escape_control(name)} Q0 {escape_control(hit.id)} {rank} {hit.relevance:.6f} {by}")
            else:
                print(f"{hit.relevance:.4f}\t{escape_control(hit.id)}\t{escape_control(snippet)}")
    if qrels:
        _evaluate_run(run, qrels)


def _read_entries(file: Path) -> Iterator[tuple[str, str]]:
    """Yield (id, text) of each line; the id of a plain line, or of JSON without an id, is its number."""
    if file.suffix == ".jsonl":
        for number, entry in read_json(file):
            name, location = entry.get("id", number), f"{input_name(file)}: line {number}"
            if not isinstance(name, str | int) or len(str(name).split()) != 1:
                raise UnrollError(f'{location}: its "id" is empty or has white space; write one word')
            yield str(name), text_field(entry, "text", location)
    else:
        yield from ((str(number), line) for number, line in read_lines(file))


def _evaluate_run(run: list[tuple[str, str, float]], qrels: Path) -> None:
    """Print the measures of a run, averaged over the queries that have judgements."""
    import ir_measures
    from ir_measures import Qrel, ScoredDoc

    judgements = []
    for number, line in require_one(read_lines(qrels), qrels, "judgement"):
        parts = line.split()
        if len(parts) != 4 or not parts[3].lstrip("-").isdigit():
            raise UnrollError(f'{qrels}: line {number}: is not "query 0 document relevance"; write these four columns')
        judgements.append(Qrel(parts[0], parts[2], int(parts[3])))
    measures = [ir_measures.parse_measure(name) for name in MEASURES]
    results = ir_measures.calc_aggregate(measures, judgements, [ScoredDoc(*row) for row in run])
    for measure in measures:
        print(f"{measure}\t{results[measure]:.4f}", file=sys.stderr)
