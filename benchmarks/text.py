"""Stages clean, tokenize and partition beside calling `tokenizers` directly: python -m benchmarks.text [--json]
[--mb 200] [--line-mb 50] [--rounds 3].

The text is WikiText-2 of the mirror, repeated. Every stage and every peer runs in a process of its own, in turns, and
its wall time includes reading and writing; imports are not counted. The peer learns and encodes the same clean lines
and keeps the ids in memory. Medians; peak memory is the process' own, and is also measured for a text that is one line.
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
TOKENS = {
    "word": SHARED | {"type": "word", "pretokenizer": "whitespace", "min_count": 1, "vocabulary_size": "all"},
    "bpe": SHARED
    | {"type": "bpe", "base_alphabet": "bytes", "vocabulary_size": 8000, "max_training_characters": 10**10},
}
BATCH = 4000  # lines that the peer encodes at a time: more make it no faster


def clean(folder: Path) -> Callable[[], Any]:
    from unroll.params.corpora import PathCorpus
    from unroll.text.clean import clean

    params = PathCorpus.model_validate(CORPUS)
    return lambda: clean(params, folder / "raw", folder / "clean.parquet")


def tokenize(folder: Path, level: str) -> Callable[[], Any]:
    from pydantic import TypeAdapter

    from unroll.params.tokenizers import TokenizerParams
    from unroll.text.tokenize import tokenize
    from unroll.text.tokenizers import bpe  # noqa: F401  (imported late by the stage)

    params: Any = TypeAdapter(TokenizerParams).validate_python(TOKENS[level])
    (folder / level).mkdir(exist_ok=True)
    return lambda: tokenize(params, folder / "clean.parquet", folder / level)


def partition(folder: Path, level: str) -> Callable[[], Any]:
    from pydantic import TypeAdapter

    from unroll.params.tokenizers import TokenizerParams
    from unroll.text.partition import partition

    params: Any = TypeAdapter(TokenizerParams).validate_python(TOKENS[level])
    (folder / f"{level}-streams").mkdir(exist_ok=True)
    return lambda: partition(params, "wikitext", 1, folder / level, folder / f"{level}-streams")


def peer(folder: Path, level: str) -> Callable[[], Any]:
    """The library alone: learn on the train lines, encode all."""
    import numpy as np
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    from unroll.text.tokenizers.bpe import PARTS

    def run() -> int:
        if level == "word":
            library = Tokenizer(models.WordLevel(unk_token="<unk>"))
            library.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
            trainer: Any = trainers.WordLevelTrainer(special_tokens=["<unk>"], show_progress=False)
        else:
            library = Tokenizer(models.BPE())
            parts = pre_tokenizers.Split(PARTS, "isolated")
            as_bytes = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
            library.pre_tokenizer = pre_tokenizers.Sequence([parts, as_bytes])
            alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
            trainer = trainers.BpeTrainer(vocab_size=8000, initial_alphabet=alphabet, show_progress=False)
        library.train_from_iterator(lines(folder / "train.txt"), trainer)  # lists are faster than single lines
        ids = [
            np.array(encoding.ids, dtype=np.int32)
            for name in ("train", "valid", "test")
            for batch in lines(folder / f"{name}.txt")
            for encoding in library.encode_batch_fast(batch, add_special_tokens=False)
        ]
        return len(np.concatenate(ids))

    return run


def lines(path: Path) -> Iterator[list[str]]:
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
    """Seconds and peak MB of a job in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.text", "--job", job, "--folder", str(folder)]
    root = Path(__file__).parents[1]
    run = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, cwd=root)
    return dict(json.loads(run.stdout))


def child(job: str, folder: Path) -> None:
    run = JOBS[job](folder)
    start = time.perf_counter()
    run()
    seconds = time.perf_counter() - start
    status = Path("/proc/self/status")
    found = re.search(r"VmHWM:\s+(\d+)", status.read_text()) if status.exists() else None
    print(json.dumps({"s": seconds, "MB": int(found[1]) / 1024 if found else float("nan")}))


def prepare(folder: Path, size: float, one_line: bool = False) -> float:
    """The raw folder with `size` MB of text; its true size in MB."""
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
    """The clean lines as text files, for the peer."""
    from unroll.text import document_table

    files = {name: (folder / f"{name}.txt").open("w", encoding="utf-8") for name in ("train", "valid", "test")}
    for table in document_table.tables(folder / "clean.parquet"):
        for split, text in zip(table["split"].to_pylist(), table["text"].to_pylist(), strict=True):
            files[split].write(text + "\n")
    for file in files.values():
        file.close()


def benchmark(size: float, rounds: int) -> list[Figure]:
    found: dict[str, list[dict[str, float]]] = {job: [] for job in JOBS}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        size = prepare(folder, size)
        for _ in range(rounds):
            for job in JOBS:
                found[job].append(measure(job, folder))
                if job == "clean":
                    split_lines(folder)
    speed = {job: size / median(run["s"] for run in runs) for job, runs in found.items()}
    memory = {job: median(run["MB"] for run in runs) for job, runs in found.items()}
    results = []
    for job in JOBS:
        peer = job.replace("tokenize ", "tokenizers ")
        if not job.startswith("tokenizers"):
            beside = (peer, speed[peer], "ratio at least 0.8") if peer != job else ()
            results.append(figure(job, speed[job], "MB/s", *beside))
            results.append(figure(f"{job}: peak memory", memory[job], "MB", goal="at most 1024"))
    return results


def one_line(size: float) -> list[Figure]:
    """Peak memory of every stage as a multiple of the size of a text without a line break."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        size = prepare(folder, size, one_line=True)
        peaks = {job: measure(job, folder)["MB"] for job in JOBS if not job.startswith("tokenizers")}
    return [figure(f"{job}: peak of one line", peak / size, "x file", goal="at most 5") for job, peak in peaks.items()]


def main() -> None:
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
        raise SystemExit(f"{MIRROR}: no WikiText-2 here; set UNROLL_MIRROR to a folder of the real corpora")
    results = benchmark(arguments.mb, arguments.rounds) + one_line(arguments.line_mb)
    return show(results, arguments.json)


if __name__ == "__main__":
    main()
