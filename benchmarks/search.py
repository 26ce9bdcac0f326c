"""Search in turns with bm25s: python -m benchmarks.search [--json] [--documents N] [--queries N] [--depth N].

A collection of the size of Cranfield, whose words are drawn from a Zipf distribution, is searched with BM25. The time
is the CPU time from a file of queries to the lines of a TREC run in memory; for the verb, with opening the index.
bm25s is no requirement of the project; without it, there is no ratio.
"""

import argparse
import contextlib
import io
import json
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from unittest.mock import patch

import numpy as np

from benchmarks.figures import Figure, figure, show
from unroll.use.search.index import TERM, build_index

ROUNDS = 7
"""The number of turns; the figure is the median."""
VOCABULARY, EXPONENT = 8000, 1.05
DOCUMENT_LENGTH, QUERY_LENGTH = 160, 17
"""The average numbers of terms in Cranfield."""


def draw(generator: np.random.Generator, count: int, average: int) -> list[str]:
    """Draw texts of words by their rank in a Zipf distribution."""
    weights = 1 / np.arange(1, VOCABULARY + 1) ** EXPONENT
    lengths = generator.poisson(average, count) + 1
    return [
        " ".join(f"w{word}" for word in generator.choice(VOCABULARY, n, p=weights / weights.sum())) for n in lengths
    ]


def cpu_seconds(work: Callable[[], object]) -> float:
    """Measure the CPU time of all threads, in seconds."""
    start = time.process_time()
    work()
    return time.process_time() - start


def search_by_verb(folder: Path, queries: Path, depth: int) -> str:
    """Run the verb in this process, and return the run that it prints."""
    from unroll.cli import main

    arguments = ["search", str(folder), "--queries", str(queries), "--by", "bm25", "--count", str(depth)]
    output = io.StringIO()
    argv = patch.object(sys, "argv", ["unroll", *arguments])
    with contextlib.redirect_stdout(output), argv, contextlib.suppress(SystemExit):
        main()
    return output.getvalue()


def search_by_bm25s(retriever: object, queries: Path, depth: int) -> str:
    """Search with bm25s as its manual says, and write the run."""
    import bm25s

    entries = [json.loads(line) for line in queries.read_text(encoding="utf-8").splitlines()]
    tokens = bm25s.tokenize(
        [one["text"] for one in entries], token_pattern=TERM.pattern, stopwords=[], show_progress=False
    )
    documents, scores = retriever.retrieve(tokens, k=depth, show_progress=False)  # type: ignore[attr-defined]
    return "".join(
        f"{entry['id']} Q0 {document} {rank} {score:.6f} bm25s\n"
        for entry, row, values in zip(entries, documents.tolist(), scores.tolist(), strict=True)
        for rank, (document, score) in enumerate(zip(row, values, strict=True), 1)
    )


def measure(documents: int, queries: int, depth: int) -> Figure:
    """Measure the CPU time of both in turns."""
    generator = np.random.default_rng(1)
    texts = draw(generator, documents, DOCUMENT_LENGTH)
    rows = [{"id": f"q{n}", "text": text} for n, text in enumerate(draw(generator, queries, QUERY_LENGTH))]
    work: dict[str, Callable[[], object]] = {}
    with tempfile.TemporaryDirectory() as temporary:
        folder, file = Path(temporary) / "index", Path(temporary) / "queries.jsonl"
        file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        build_index(folder, ((str(number), text) for number, text in enumerate(texts)))
        work["unroll"] = lambda: search_by_verb(folder, file, depth)
        if find_spec("bm25s"):
            import bm25s

            retriever = bm25s.BM25(method="lucene", k1=1.2, b=0.75)
            retriever.index(
                bm25s.tokenize(texts, token_pattern=TERM.pattern, stopwords=[], show_progress=False),
                show_progress=False,
            )
            work["bm25s"] = lambda: search_by_bm25s(retriever, file, depth)
        for run in work.values():
            run()
        times: dict[str, list[float]] = {name: [] for name in work}
        for _ in range(ROUNDS):
            for name, run in work.items():
                times[name].append(cpu_seconds(run))
    mine, theirs = median(times["unroll"]), median(times["bm25s"]) if "bm25s" in times else None
    name = f"TREC run, {queries} queries, {documents:,} documents, depth {depth:,}"
    return figure(name, mine, "CPU s", "bm25s", theirs, "ratio at least 0.33")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--documents", type=int, default=1400, help="the number of documents")
    parser.add_argument("--queries", type=int, default=225, help="the number of queries")
    parser.add_argument("--depth", type=int, default=1000, help="the number of documents of a query")
    arguments = parser.parse_args()
    show([measure(arguments.documents, arguments.queries, arguments.depth)], arguments.json)


if __name__ == "__main__":
    main()
