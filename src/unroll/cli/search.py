"""index and search: documents ranked for a query."""

import sys
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unroll.cli.app import app, inert
from unroll.cli.text import Json, at_least_one, counted, named, print_json, read_json, read_lines, text_field
from unroll.errors import UnrollError

if TYPE_CHECKING:
    from unroll.use.search.ranking import Ranking

Folder = Annotated[Path, typer.Argument(help="The folder of the index.")]
SNIPPET = 100
MEASURES = ("nDCG@10", "AP", "RR", "P@10", "R@100")


class By(StrEnum):
    dirichlet = "dirichlet"
    jelinek_mercer = "jelinek-mercer"
    bm25 = "bm25"


@app.command()
def index(
    folder: Folder,
    file: Annotated[
        Path, typer.Argument(help='.jsonl: {"id", "text"} per line; else a document per line; - is a pipe.')
    ],
) -> None:
    """Index a document collection.

    \b
    unroll index manuals documents.jsonl
    """
    from unroll.use.search.index import build

    made = build(folder, counted(at_least_one(_entries(file), file, "document"), printing=False))
    print(
        f"{len(made.lengths):,} documents, {made.tokens:,} terms, {len(made.starts) - 1:,} different", file=sys.stderr
    )


@app.command()
def search(
    folder: Folder,
    query: Annotated[str, typer.Argument(help="The query.")] = "",
    queries: Annotated[Path | None, typer.Option(help='JSON lines {"id", "text"}; prints a TREC run.')] = None,
    qrels: Annotated[Path | None, typer.Option(help="TREC judgements, to evaluate the run by.")] = None,
    by: Annotated[By, typer.Option(help="Smoothing of the query likelihood, or BM25.")] = By.dirichlet,
    mu: Annotated[
        float, typer.Option(min=1e-9, max=1e12, help="Dirichlet: terms of the collection that a document gets.")
    ] = 1000,
    weight: Annotated[float, typer.Option(min=1e-9, max=1, help="Jelinek-Mercer: of the collection.")] = 0.5,
    k1: Annotated[float, typer.Option(min=0, max=1e9, help="BM25: how soon more of a term counts for little.")] = 1.2,
    b: Annotated[float, typer.Option(min=0, max=1, help="BM25: how much length counts.")] = 0.75,
    count: Annotated[int, typer.Option(min=1, max=100_000, help="Documents per query.")] = 10,
    json: Json = False,
) -> None:
    """The documents most relevant to a query: by the likelihood of the query, or by BM25.

    \b
    unroll search manuals "open a file for reading"
    unroll search manuals --queries topics.jsonl --qrels qrels.txt --count 100 > run.txt
    """
    from unroll.use.search.index import Index
    from unroll.use.search.ranking import BM25, Dirichlet, JelinekMercer
    from unroll.use.search.ranking import search as ranked

    rankings: dict[By, Ranking] = {
        By.dirichlet: Dirichlet(mu),
        By.jelinek_mercer: JelinekMercer(weight),
        By.bm25: BM25(k1, b),
    }
    if queries is None and not query.strip():
        raise UnrollError("search: no query; write one, or name a file with --queries")
    if queries and query:
        raise UnrollError(f"search: {query!r} and --queries; leave one of them out")
    if qrels and queries is None:
        raise UnrollError("search: --qrels judges the queries of a file; name it with --queries")
    opened, run = Index(folder), []
    asked = at_least_one(_entries(queries), queries, "query") if queries else iter([("", query)])
    for name, text in asked:
        for rank, hit in enumerate(ranked(opened, text, rankings[by], count), 1):
            run.append((name, hit.id, hit.relevance))
            snippet = " ".join(opened.text(hit.document)[: 2 * SNIPPET].split())[:SNIPPET].rstrip()
            if json:
                print_json(
                    {"query": name or text, "rank": rank, "relevance": hit.relevance, "id": hit.id, "text": snippet}
                )
            elif queries:
                print(f"{inert(name)} Q0 {inert(hit.id)} {rank} {hit.relevance:.6f} {by}")
            else:
                print(f"{hit.relevance:.4f}\t{inert(hit.id)}\t{inert(snippet)}")
    if qrels:
        _evaluate(run, qrels)


def _entries(file: Path) -> Iterator[tuple[str, str]]:
    """(id, text) of JSON lines; of plain lines, the number is the id."""
    if file.suffix == ".jsonl":
        for number, entry in read_json(file):
            name = entry.get("id", number)
            if not isinstance(name, str | int) or len(str(name).split()) != 1:
                raise UnrollError(f'{named(file)}: line {number}: its "id" is no name without white space')
            yield str(name), text_field(entry, "text", f"{named(file)}: line {number}")
    else:
        yield from ((str(number), line) for number, line in read_lines(file))


def _evaluate(run: list[tuple[str, str, float]], qrels: Path) -> None:
    """Print measures of the run, over the queries that are judged."""
    import ir_measures
    from ir_measures import Qrel, ScoredDoc

    judged = []
    for number, line in at_least_one(read_lines(qrels), qrels, "judgement"):
        parts = line.split()
        if len(parts) != 4 or not parts[3].lstrip("-").isdigit():
            raise UnrollError(f'{qrels}: line {number}: is not "query 0 document relevance"')
        judged.append(Qrel(parts[0], parts[2], int(parts[3])))
    measures = [ir_measures.parse_measure(name) for name in MEASURES]
    found = ir_measures.calc_aggregate(measures, judged, [ScoredDoc(*row) for row in run])
    for measure in measures:
        print(f"{measure}\t{found[measure]:.4f}", file=sys.stderr)
