"""The verbs index and search: documents that are relevant to a query."""

import json
import re
import sys
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unroll.cli.app import JsonOption, decode_text, verb
from unroll.cli.io import (
    input_name,
    print_json,
    read_json,
    read_lines,
    require_one,
    show_progress,
    text_field,
)
from unroll.errors import UnrollError
from unroll.printing import escape_lines, print_row

if TYPE_CHECKING:
    from unroll.use.search.ranking import Ranking

FolderArgument = Annotated[Path, typer.Argument(help="The folder of the index.")]
SNIPPET = 100
"""The number of characters that are printed of each document."""
COLLECTIONS = (".jsonl", ".txt", "")
"""The ends of the names of files that have one text per line; the last is that of standard input and of pipes."""
INTEGER = re.compile(r"-?[0-9]{1,9}")  # other digits, and more of them, are no relevance
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
            help='JSON lines {"id", "text"} (.jsonl), or one document per line (.txt, or - for standard input).'
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
        Path | None,
        typer.Option(help='JSON lines {"id", "text"} (.jsonl), or one query per line (.txt); prints a TREC run.'),
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
    entries = _read_queries(queries) if queries else [("", query)]
    judgements = _read_judgements(qrels) if qrels else {}
    for name, text in entries:
        documents, relevance = (values.tolist() for values in ranking.rank(opened, text, rankings[by], count))
        ids = [opened.ids[document] for document in documents]
        if judgements:
            run.append((name, ids, relevance))
        if queries and not json:
            _print_run(name, ids, relevance, by)
            continue
        for place, (document, value) in enumerate(zip(documents, relevance, strict=True)):
            snippet = " ".join(opened.text(document)[: 2 * SNIPPET].split())[:SNIPPET].rstrip()
            if json:
                row = {"query": name or text, "rank": place + 1, "relevance": value, "id": ids[place], "text": snippet}
                print_json(row)
            else:
                print_row(f"{value:.4f}", ids[place], snippet)
    if judgements:
        _evaluate_run(run, judgements)


def _print_run(query: str, ids: list[str], relevance: list[float], by: By) -> None:
    """Print the documents of a query as lines of a TREC run. Texts are not read: a run has many documents."""
    rows = enumerate(zip(ids, relevance, strict=True), 1)
    lines = "".join([f"{query} Q0 {name} {rank} {value:.6f} {by}\n" for rank, (name, value) in rows])
    print(escape_lines(lines), end="")


def _read_queries(file: Path) -> list[tuple[str, str]]:
    """Read the (id, text) of all queries, so that an error of the last one comes before any result."""
    return list(require_one(_read_entries(file), file, "query"))


def _read_entries(file: Path) -> Iterator[tuple[str, str]]:
    """Yield the (id, text) of the queries or documents of a file.

    Args:
        file: JSON lines if its name ends in .jsonl. Otherwise each line that is not blank is a text.

    Yields:
        The id and the text. The id of a plain line, or of JSON without an id, is the number of the line.

    Raises:
        UnrollError: The file has another format, or two lines have the same id.
    """
    if file.suffix not in COLLECTIONS:
        raise UnrollError(
            f'{input_name(file)}: is no collection; write JSON lines {{"id", "text"}} to a file whose name ends in '
            ".jsonl, or one text per line to a .txt file"
        )
    lines: dict[str, int] = {}
    for number, name, text in _parse_entries(file):
        if (first := lines.setdefault(name, number)) != number:
            raise UnrollError(
                f"{input_name(file)}: line {number}: has the id {name!r} of line {first}; give each line its own id"
            )
        yield name, text


def _parse_entries(file: Path) -> Iterator[tuple[int, str, str]]:
    """Yield the (number, id, text) of each line."""
    if file.suffix == ".jsonl":
        for number, entry in read_json(file):
            name, location = entry.get("id", number), f"{input_name(file)}: line {number}"
            if isinstance(name, bool) or not isinstance(name, str | int) or len(str(name).split()) != 1:
                raise UnrollError(f'{location}: its "id" is empty or has white space; write one word')
            yield number, str(name), text_field(entry, "text", location)
        return
    for number, line in read_lines(file):
        if number == 1 and _is_json_object(line):
            raise UnrollError(
                f"{input_name(file)}: line 1: is a JSON object, but JSON lines are read only from a file whose name "
                "ends in .jsonl; rename the file"
            )
        yield number, str(number), line


def _is_json_object(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _read_judgements(file: Path) -> dict[tuple[str, str], int]:
    """Read the relevance of (query, document)."""
    judgements: dict[tuple[str, str], int] = {}
    for number, line in require_one(read_lines(file), file, "judgement"):
        location, parts = f"{input_name(file)}: line {number}", line.split()
        if len(parts) != 4 or not INTEGER.fullmatch(parts[3]):
            raise UnrollError(f'{location}: is not "query 0 document relevance"; write these four columns')
        if judgements.setdefault((parts[0], parts[2]), value := int(parts[3])) != value:
            raise UnrollError(
                f"{location}: judges document {parts[2]!r} of query {parts[0]!r} again and differently; keep one line"
            )
    return judgements


def _evaluate_run(run: list[tuple[str, list[str], list[float]]], judgements: dict[tuple[str, str], int]) -> None:
    """Print the measures of a run, averaged over the queries that have judgements."""
    import ir_measures
    from ir_measures import Qrel, ScoredDoc

    measures = [ir_measures.parse_measure(name) for name in MEASURES]
    rows = [Qrel(query, document, relevance) for (query, document), relevance in judgements.items()]
    found = [ScoredDoc(query, *hit) for query, *hits in run for hit in zip(*hits, strict=True)]
    results = ir_measures.calc_aggregate(measures, rows, found)
    for measure in measures:
        print(f"{measure}\t{results[measure]:.4f}", file=sys.stderr)
