"""Speed and memory of the stages clean, tokenize and partition, compared with the library `tokenizers`.

Run `python -m benchmarks.text [--json] [--mb 200] [--line-mb 50] [--rounds 3]`.

The text is WikiText-2 from the mirror, repeated. Each stage and each peer runs in its own process, in turns. The wall
time includes reading and writing, but not imports. The peer, the library, learns from and encodes the same clean lines
and keeps the token ids in memory. The results are medians over the rounds. Peak memory is that of the process; it is
also measured for a text without line breaks.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.figures import Figure, figure, show

MIRROR = Path(os.environ.get("UNROLL_MIRROR") or Path(__file__).parents[2] / "shared/corpora")
CORPUS = {
    "source": "path",
    "path": "wikitext",
    "format": "text",
    "unknown_word": "none",
    "sha256": "0" * 64,
    "documents": "line",
    "encoding": "utf-8",
    "errors": "strict",
    "markup": "keep",
    "cleaning": "plain",
    "invisible": "keep",
    "lowercase": False,
    "empty": "drop",
    "max_characters": 100_000,
    "duplicates": {"kind": "exact", "drop": False},
    "splits": {"by": "position", "valid": 0.01, "test": 0.01},
}
SHARED = {"corpus": "wikitext", "shared_vocabulary": True, "sequence_length": 35}
TOKENIZERS = {
    "word": SHARED | {"type": "word", "pretokenizer": "whitespace", "min_count": 1, "vocabulary_size": "all"},
    "bpe": SHARED
    | {"type": "bpe", "base_alphabet": "bytes", "vocabulary_size": 8000, "max_training_characters": 10**10},
}
BATCH = 4000  # the number of lines that the peer encodes at a time; larger batches are not faster


def clean(folder: Path) -> Callable[[], Any]:
    """Prepare stage clean, and return the function to measure."""
    from unroll.params.corpora import PathCorpus
    from unroll.text.clean import clean

    params = PathCorpus.model_validate(CORPUS)
    return lambda: clean(params, folder / "raw", folder / "clean.parquet")


def tokenize(folder: Path, kind: str) -> Callable[[], Any]:
    """Prepare stage tokenize with a tokenizer of this kind, and return the function to measure."""
    from pydantic import TypeAdapter

    from unroll.params.tokenizers import TokenizerParams
    from unroll.text.tokenize import tokenize
    from unroll.text.tokenizers import bpe  # noqa: F401  (stage tokenize imports it late)

    params: Any = TypeAdapter(TokenizerParams).validate_python(TOKENIZERS[kind])
    (folder / kind).mkdir(exist_ok=True)
    return lambda: tokenize(params, folder / "clean.parquet", folder / kind)


def partition(folder: Path, kind: str) -> Callable[[], Any]:
    """Prepare stage partition with a tokenizer of this kind, and return the function to measure."""
    from pydantic import TypeAdapter

    from unroll.params.tokenizers import TokenizerParams
    from unroll.text.partition import partition

    params: Any = TypeAdapter(TokenizerParams).validate_python(TOKENIZERS[kind])
    (folder / f"{kind}-streams").mkdir(exist_ok=True)
    return lambda: partition(params, "wikitext", 1, folder / kind, folder / f"{kind}-streams")


def peer(folder: Path, kind: str) -> Callable[[], Any]:
    """Return a function that learns from the train lines and encodes all lines with the library alone."""
    import numpy as np
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    from unroll.text.tokenizers.bpe import PRETOKEN

    def run() -> int:
        if kind == "word":
            library = Tokenizer(models.WordLevel(unk_token="<unk>"))
            library.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
            trainer: Any = trainers.WordLevelTrainer(special_tokens=["<unk>"], show_progress=False)
        else:
            library = Tokenizer(models.BPE())
            pretokens = pre_tokenizers.Split(PRETOKEN, "isolated")
            as_bytes = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
            library.pre_tokenizer = pre_tokenizers.Sequence([pretokens, as_bytes])
            alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
            trainer = trainers.BpeTrainer(vocab_size=8000, initial_alphabet=alphabet, show_progress=False)
        library.train_from_iterator(lines(folder / "train.txt"), trainer)  # batches are faster than single lines
        ids = [
            np.array(encoding.ids, dtype=np.int32)
            for name in ("train", "valid", "test")
            for batch in lines(folder / f"{name}.txt")
            for encoding in library.encode_batch_fast(batch, add_special_tokens=False)
        ]
        return len(np.concatenate(ids))

    return run


def lines(path: Path) -> Iterator[list[str]]:
    """Yield the lines of a file in batches."""
    with path.open(encoding="utf-8", newline="\n") as file:
        batch: list[str] = []
        for line in file:
            batch.append(line.removesuffix("\n"))
            if len(batch) == BATCH:
                yield batch
                batch = []
        yield batch


JOBS: dict[str, Callable[[Path], Callable[[], Any]]] = {
    "clean": clean,
    "tokenize word": lambda folder: tokenize(folder, "word"),
    "tokenizers word": lambda folder: peer(folder, "word"),
    "tokenize bpe": lambda folder: tokenize(folder, "bpe"),
    "tokenizers bpe": lambda folder: peer(folder, "bpe"),
    "partition word": lambda folder: partition(folder, "word"),
    "partition bpe": lambda folder: partition(folder, "bpe"),
}


def measure(job: str, folder: Path) -> dict[str, float]:
    """Run a job in its own process, and return its wall time in seconds and its peak memory in MB."""
    command = [sys.executable, "-m", "benchmarks.text", "--job", job, "--folder", str(folder)]
    root = Path(__file__).parents[1]
    run = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, cwd=root)
    return dict(json.loads(run.stdout))


def child(job: str, folder: Path) -> None:
    """Run a job in this process, and print its wall time and peak memory."""
    run = JOBS[job](folder)
    start = time.perf_counter()
    run()
    seconds = time.perf_counter() - start
    status = Path("/proc/self/status")
    found = re.search(r"VmHWM:\s+(\d+)", status.read_text()) if status.exists() else None
    print(json.dumps({"s": seconds, "MB": int(found[1]) / 1024 if found else float("nan")}))


def prepare(folder: Path, size: float, one_line: bool = False) -> float:
    """Write the raw folder with about `size` MB of text, and return its exact size in MB."""
    raw = folder / "raw"
    raw.mkdir()
    once = (MIRROR / "wikitext-2/train.txt").read_bytes()
    if one_line:
        once = once.replace(b"\n", b" ")
    with (raw / "wikitext.txt").open("wb") as file:
        while file.tell() + len(once) // 2 < size * 1e6 or not file.tell():
            file.write(once)
        written = file.tell()
    entry = {"file": "wikitext.txt", "sha256": "", "format": "text", "split": None, "documents": "line"}
    (raw / "raw.json").write_text(json.dumps([entry]))
    return written / 1e6


def split_lines(folder: Path) -> None:
    """Write the clean lines as text files for the peer."""
    from unroll.text import document_table

    files = {name: (folder / f"{name}.txt").open("w", encoding="utf-8") for name in ("train", "valid", "test")}
    for table in document_table.read_row_groups(folder / "clean.parquet"):
        for split, text in zip(table["split"].to_pylist(), table["text"].to_pylist(), strict=True):
            files[split].write(text + "\n")
    for file in files.values():
        file.close()


def benchmark(size: float, rounds: int) -> list[Figure]:
    """Measure all jobs on `size` MB of text."""
    runs: dict[str, list[dict[str, float]]] = {job: [] for job in JOBS}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        size = prepare(folder, size)
        for _ in range(rounds):
            for job in JOBS:
                runs[job].append(measure(job, folder))
                if job == "clean":
                    split_lines(folder)
    speed = {job: size / median(run["s"] for run in results) for job, results in runs.items()}
    memory = {job: median(run["MB"] for run in results) for job, results in runs.items()}
    figures = []
    for job in JOBS:
        peer = job.replace("tokenize ", "tokenizers ")
        if not job.startswith("tokenizers"):
            beside = (peer, speed[peer], "ratio at least 0.8") if peer != job else ()
            figures.append(figure(job, speed[job], "MB/s", *beside))
            figures.append(figure(f"{job}: peak memory", memory[job], "MB", goal="at most 1024"))
    return figures


def one_line(size: float) -> list[Figure]:
    """Measure the peak memory of each stage, relative to the size of a text without line breaks."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        size = prepare(folder, size, one_line=True)
        peaks = {job: measure(job, folder)["MB"] for job in JOBS if not job.startswith("tokenizers")}
    return [figure(f"{job}: peak of one line", peak / size, "x file", goal="at most 5") for job, peak in peaks.items()]


def main() -> None:
    """Parse the command line, measure, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--mb", type=float, default=200)
    parser.add_argument("--line-mb", type=float, default=50)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--job", choices=JOBS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.job:
        return child(arguments.job, arguments.folder)
    if not (MIRROR / "wikitext-2/train.txt").exists():
        raise SystemExit(f"{MIRROR}: there is no WikiText-2; set UNROLL_MIRROR to a folder with the real corpora")
    figures = benchmark(arguments.mb, arguments.rounds) + one_line(arguments.line_mb)
    return show(figures, arguments.json)


if __name__ == "__main__":
    main()
