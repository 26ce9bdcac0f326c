"""Compare n-gram models with KenLM on Penn Treebank and WikiText-2: python -m benchmarks.ngram [--json] [--rounds N].

The peers are the program `lmplz` on PATH (github.com/kpu/kenlm) and the Python module `kenlm`. Without them,
perplexities are compared with numbers that KenLM gave before, and the other comparisons are skipped. Both sides
estimate in a new process, from text to a model on disk, in turns. All figures are medians. The literal <unk> of the
corpora is a word, which is escaped for KenLM.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks.figures import Figure, figure, show
from unroll.evaluation.perplexity import evaluate
from unroll.models.base.inputs import Inputs
from unroll.models.ngram import arpa
from unroll.models.ngram import model as ngram
from unroll.models.ngram.params import NgramParams
from unroll.text.streams import Data, stream_of
from unroll.text.tokenizers.vocabulary import SPECIAL

MIRROR = Path(os.environ.get("UNROLL_MIRROR") or Path(__file__).parents[2] / "shared/corpora")
PTB, WIKITEXT = "ptb/ptb.{}.txt", "wikitext-2/{}.txt"
KENLM = {(PTB, 5, "valid"): 148.01, (PTB, 5, "test"): 141.19, (WIKITEXT, 5, "test"): 220.14}
"""The perplexities of lmplz -o N with a closed vocabulary."""


def read(pattern: str) -> tuple[Data, list[str]]:
    """Read a corpus with all its white-space words in the vocabulary.

    Args:
        pattern: The file of the mirror, with {} for the split.

    Returns:
        The partition, and the spelling of every token.
    """
    words: dict[str, int] = {}
    streams = {}
    for split in ("train", "valid", "test"):
        lines = (MIRROR / pattern.format(split)).read_text(encoding="utf-8").split("\n")[:-1]
        streams[split] = [
            np.array([words.setdefault(word, len(words) + len(SPECIAL)) for word in line.split()], dtype=np.int32)
            for line in lines
        ]
    size = len(words) + len(SPECIAL)
    data = {split: {"text": stream_of(documents, size)} for split, documents in streams.items()}
    return Data(pattern, size, 35, 1, data), [*SPECIAL, *words]


def estimate(pattern: str, order: int) -> tuple[ngram.Model, Data, list[str], float]:
    """Estimate a modified Kneser-Ney model.

    Args:
        pattern: The file of the mirror, with {} for the split.
        order: The order of the model.

    Returns:
        The model, the partition, the spelling of every token, and the seconds of `fit`.
    """
    data, words = read(pattern)
    smoothing = {"kind": "modified_kneser_ney", "fallback": [0.5, 1.0, 1.5]}
    params = NgramParams.model_validate(
        {"family": "ngram", "tokenizer": "words", "order": order, "smoothing": smoothing, "prune": [0]}
    )
    start = time.perf_counter()
    model = ngram.fit(params, data, Inputs(), lambda step, **values: None)
    return model, data, words, time.perf_counter() - start


def run_process(command: list[str]) -> dict[str, float]:
    """Run a process, and return its wall and CPU seconds, its peak memory in MB, and the values that it prints."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdout
    output = process.stdout.read().decode()
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{command[0]} failed")
    measured = {"wall": time.perf_counter() - start, "cpu": usage.ru_utime + usage.ru_stime}
    return measured | {"memory": usage.ru_maxrss / 1024} | (json.loads(output) if output.startswith("{") else {})


def measure_estimation(rounds: int, folder: Path) -> list[Figure]:
    """Measure the estimation of order 5 on Penn Treebank, from text to disk, each in a new process."""
    lmplz = shutil.which("lmplz")
    peer = "lmplz -o 5 -S 512M" if lmplz else "skipped: lmplz is not on PATH"
    text = folder / "train.txt"
    lines = (MIRROR / PTB.format("train")).read_text(encoding="utf-8").split("\n")[:-1]
    text.write_text("".join(" ".join(map(arpa.escape, line.split())) + "\n" for line in lines), encoding="utf-8")
    ours, theirs = [], []
    for _ in range(rounds):
        ours.append(run_process([sys.executable, "-m", "benchmarks.ngram", "--estimate", str(folder)]))
        if lmplz:
            arguments = ["-o", "5", "-S", "512M", "-T", str(folder / "tmp"), "--arpa", str(folder / "peer.arpa")]
            theirs.append(run_process([lmplz, *arguments, "--text", str(text)]))

    def line(name: str, key: str, peer_key: str, unit: str, goal: str) -> Figure:
        peer_value = median(run[peer_key] for run in theirs) if theirs else None
        return figure(name, median(run[key] for run in ours), unit, peer, peer_value, goal)

    return [
        line("estimation, text to disk, wall", "wall", "wall", "s", "ratio at least 1/3"),
        line("estimation, text to disk, CPU", "cpu", "cpu", "s", ""),
        line("estimation, ids to model (fit alone; the peer: all)", "fit", "wall", "s", "ratio at least 1/3"),
        line("estimation, peak memory", "memory", "memory", "MB", "at most 500 MB"),
    ]


def measure_scoring(rounds: int, model: ngram.Model, data: Data, words: list[str], folder: Path) -> list[Figure]:
    """Measure the speed of scoring the valid and the test split of Penn Treebank with order 5, on one core."""
    documents = [*data.valid.documents, *data.test.documents]
    tokens = sum(map(len, documents))
    goal, name = "at least 2,000,000", "scoring, log p of every token"
    try:
        import kenlm
    except ImportError:
        speeds = [_speed(lambda: model.log_probs(documents), tokens) for _ in range(rounds)]
        return [figure(name, median(speeds), "tokens per CPU second", "skipped: kenlm is not installed", None, goal)]
    arpa.write(model, words, folder / "model.arpa")
    peer = kenlm.Model(str(folder / "model.arpa"))
    sentences = [" ".join(arpa.escape(words[token]) for token in document[:-1]) for document in documents]
    ours, totals, each = [], [], []
    for _ in range(rounds):
        ours.append(_speed(lambda: model.log_probs(documents), tokens))
        each.append(_speed(lambda: [list(peer.full_scores(sentence)) for sentence in sentences], tokens))
        totals.append(_speed(lambda: [peer.score(sentence) for sentence in sentences], tokens))
    differences = [
        abs(scores.sum() / np.log(10) - peer.score(sentence))
        for scores, sentence in zip(model.log_probs(documents), sentences, strict=True)
    ]
    return [
        figure(name, median(ours), "tokens per CPU second", "kenlm full_scores", median(each), goal),
        figure(name, median(ours), "tokens per CPU second", "kenlm score (sentence totals only)", median(totals), goal),
        figure(
            "largest difference of a sentence", max(differences), "log10", "kenlm on our ARPA", None, "at most 1e-4"
        ),
    ]


def _speed(work: Callable[[], Any], tokens: int) -> float:
    """Return the tokens per CPU second. Both sides use one thread, so this does not depend on other load."""
    start = time.process_time()
    work()
    return tokens / (time.process_time() - start)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--estimate", type=Path, help=argparse.SUPPRESS
    )  # for the new process: estimate, and save there
    arguments = parser.parse_args()
    if not (MIRROR / PTB.format("train")).is_file():
        raise SystemExit("benchmarks.ngram: the corpora are not there; set UNROLL_MIRROR to a mirror with ptb")
    if arguments.estimate:
        model, _, _, seconds = estimate(PTB, 5)
        model.save(arguments.estimate)
        print(json.dumps({"fit": seconds}))
        return
    figures = []
    with tempfile.TemporaryDirectory() as folder:
        figures += measure_estimation(arguments.rounds, Path(folder))
        for pattern in (PTB, WIKITEXT):
            model, data, words, _ = estimate(pattern, 5)
            for (corpus, order, split), published in KENLM.items():
                if corpus == pattern:
                    value = evaluate(model, data.streams[split]["text"].documents).perplexity
                    name = f"{pattern.split('/')[0]} order {order}, {split}"
                    figures.append(figure(name, value, "perplexity", "lmplz, published", published, "equal to 0.01"))
            if pattern == PTB:
                figures += measure_scoring(arguments.rounds, model, data, words, Path(folder))
    show(figures, arguments.json)


if __name__ == "__main__":
    main()
