"""Memory of the data stages and of counting n-grams, by the size of the corpus.

Run `python -m benchmarks.text_scale [--json] [--gigabytes 5] [--ngrams 0.25] [--workers 1] [--last ngrams]`.

The corpus is made on the fly: lines of words with the frequencies of Zipf's law, the same bytes in each run. Each job
runs in its own process at 1/20, 1/5 and all of the size. The peak memory is that of this process, and that of its
largest worker. Counting n-grams is measured up to the size `--ngrams`, since the counts themselves are in memory.
`--last clean` leaves out the jobs after this one. The folder is removed at the end; it needs about three times the size
of the corpus.
"""

import argparse
import contextlib
import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from benchmarks.figures import Figure, figure, show
from benchmarks.text import CORPUS, SHARED

WORDS, LINE, BLOCK = 200_000, 60, 60_000
"""The number of different words, of words in a line, and of lines that are made at a time."""
TOKENIZER = SHARED | {"type": "word", "pretokenizer": "whitespace", "min_count": 1, "vocabulary_size": 50_000}
ORDER = 3


def write_corpus(raw: Path, size: float) -> None:
    """Write the raw folder of a corpus of about `size` bytes."""
    raw.mkdir()
    generator = np.random.default_rng(1)
    letters = generator.integers(97, 123, (WORDS, 9), dtype=np.uint8)
    lengths = generator.integers(2, 10, WORDS)
    words = [bytes(row[:length]) for row, length in zip(letters, lengths, strict=True)]
    shares = np.cumsum(1 / np.arange(1, WORDS + 1))
    with (raw / "text.txt").open("wb") as file:
        while file.tell() < size:
            ids = np.searchsorted(shares, generator.random(LINE * BLOCK) * shares[-1]).tolist()
            rows = (ids[first : first + LINE] for first in range(0, len(ids), LINE))
            lines = [b" ".join([words[number] for number in row]) for row in rows]
            file.write(b"\n".join(lines) + b"\n")
    entry = {"file": "text.txt", "sha256": "", "format": "text", "split": None, "documents": "line"}
    (raw / "raw.json").write_text(json.dumps([entry]))


def clean(folder: Path) -> None:
    """Run stage clean, which also looks for exact duplicates."""
    from unroll.params.corpora import PathCorpus
    from unroll.text.clean import clean

    splits = {"by": "hash", "valid": 0.02, "test": 0.02}
    values = CORPUS | {"splits": splits, "duplicates": {"kind": "exact", "drop": True}}
    clean(PathCorpus.model_validate(values), folder / "raw", folder / "clean.parquet")


def tokenize(folder: Path) -> None:
    """Run stage tokenize."""
    from unroll.params.tokenizers import WordTokenizerParams
    from unroll.text.tokenize import tokenize

    (folder / "tokens").mkdir()
    tokenize(WordTokenizerParams.model_validate(TOKENIZER), folder / "clean.parquet", folder / "tokens")


def partition(folder: Path) -> None:
    """Run stage partition."""
    from unroll.params.tokenizers import WordTokenizerParams
    from unroll.text.partition import partition

    (folder / "streams").mkdir()
    partition(WordTokenizerParams.model_validate(TOKENIZER), "words", 1, folder / "tokens", folder / "streams")


def ngrams(folder: Path) -> int:
    """Count the n-grams of the train split, and return the number of different ones."""
    from unroll.models.ngram.counting import count_ngrams
    from unroll.text.streams import load

    data = load(folder / "streams")
    return sum(len(counts.keys) for counts in count_ngrams(data.train.tokens, ORDER, data.vocabulary_size, folder))


JOBS: dict[str, Callable[[Path], Any]] = {"clean": clean, "tokenize": tokenize, "partition": partition}
JOBS["ngrams"] = ngrams


def measure(job: str, folder: Path) -> dict[str, float]:
    """Run a job in its own process, and return its seconds and peak memory in MB."""
    command = [sys.executable, "-m", "benchmarks.text_scale", "--job", job, "--folder", str(folder)]
    root = Path(__file__).parents[1]
    run = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, cwd=root)
    return dict(json.loads(run.stdout))


def child(job: str, folder: Path) -> None:
    """Run a job in this process, and print what was measured."""
    peaks = {"MB": 0, "worker MB": 0}
    threading.Thread(target=sample, args=[peaks], daemon=True).start()
    start = time.perf_counter()
    result = JOBS[job](folder)
    seconds = time.perf_counter() - start
    usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    values = {"s": seconds, "CPU s": sum(who.ru_utime + who.ru_stime for who in usage), "result": result or 0}
    print(json.dumps(values | {name: peak / 1e6 for name, peak in peaks.items()}))


def sample(peaks: dict[str, int]) -> None:
    """Keep the largest memory of this process and of its workers, ten times a second, until the process ends."""
    process = psutil.Process()
    while True:
        peaks["MB"] = max(peaks["MB"], process.memory_info().rss)
        for worker in process.children():
            with contextlib.suppress(psutil.NoSuchProcess):
                peaks["worker MB"] = max(peaks["worker MB"], worker.memory_info().rss)
        time.sleep(0.1)


def benchmark(gigabytes: float, largest: float, last: str) -> list[Figure]:
    """Measure the jobs up to the last one at 1/20, 1/5 and all of the size."""
    figures = []
    for share in (20, 5, 1):
        size = gigabytes / share
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            write_corpus(folder / "raw", size * 1e9)
            for job in list(JOBS)[: list(JOBS).index(last) + 1]:
                if job == "ngrams" and size > largest:
                    continue
                run = measure(job, folder)
                title = f"{job}, {size:g} GB"
                goal = "the same for every size" if job != "ngrams" else ""
                figures.append(figure(f"{title}: peak memory", run["MB"], "MB", goal=goal))
                if run["worker MB"]:
                    figures.append(figure(f"{title}: peak memory of a worker", run["worker MB"], "MB", goal=goal))
                figures.append(figure(f"{title}: speed", 1000 * size / run["s"], "MB/s"))
                figures.append(figure(f"{title}: CPU time", run["CPU s"], "CPU s"))
                if run["result"]:
                    figures.append(figure(f"{title}: different n-grams", run["result"], f"of order 1 to {ORDER}"))
                print(f"{title}: {run}", file=sys.stderr)  # since a run takes long
    return figures


def main() -> None:
    """Parse the command line, measure, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--gigabytes", type=float, default=5)
    parser.add_argument("--ngrams", type=float, default=0.25)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--last", choices=JOBS, default="ngrams")
    parser.add_argument("--job", choices=JOBS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.job:
        return child(arguments.job, arguments.folder)
    os.environ["UNROLL_WORKERS"] = str(arguments.workers)
    return show(benchmark(arguments.gigabytes, arguments.ngrams, arguments.last), arguments.json)


if __name__ == "__main__":
    main()
