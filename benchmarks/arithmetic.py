"""Portable arithmetic compared with native: python -m benchmarks.arithmetic [--json] [--rounds N] [--threads N].

Each step of training is that of `benchmarks.training` in a bare loop with the loss of this project. Processes with
native and with portable arithmetic take turns; a figure is the median over the steps of all rounds. The ratio is that
of the words per second, so a ratio of 0.87 is 1.15 times the time.

Layers of LSTMs are computed by oneDNN with both. On a processor with AVX-512 its native kernels are up to twice as
wide, which is most of the difference of a network with a small vocabulary.
"""

import argparse
import json
import os
import subprocess
import sys
from statistics import median

from benchmarks.figures import figure, show
from benchmarks.training import A, B, Size, make_task, train_in_bare_loop
from unroll.pipeline import stage

SIZES = {
    "rnn of the default run": Size("rnn", 4083, 128, 1, 16, 35, "rnn"),
    "gru of the default run": Size("gru", 4083, 128, 1, 32, 35, "gru"),
    "lstm of the default run": Size("lstm", 4083, 128, 1, 32, 35),
    "lstm_chars of the default run": Size("lstm_chars", 60, 128, 1, 32, 64),
    "LSTM at size A": A,
    "LSTM at size B": B,
}


def measure(name: str, arithmetic: str, threads: int, steps: int) -> list[float]:
    """Return the seconds of the steps of a process of its own, without the first ones."""
    command = [sys.executable, "-m", "benchmarks.arithmetic", "--worker", name, "--steps", str(steps)]
    environment = {**os.environ, "UNROLL_ARITHMETIC": arithmetic, "UNROLL_THREADS": str(threads)}
    seconds = json.loads(subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout)
    return list(seconds[min(5, len(seconds) // 2) :])


def main() -> None:
    """Print all figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--rounds", type=int, default=3, help="the number of processes of each kind")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", type=int, default=25, help="the number of steps of a process")
    parser.add_argument("--quick", action="store_true", help="a few steps of each training, to test the benchmark")
    parser.add_argument("--worker", choices=SIZES, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        stage.tune_malloc()
        task = make_task(SIZES[arguments.worker], arguments.steps)
        print(json.dumps(train_in_bare_loop(task, fused=True)[0]))
        return
    rounds, steps = (1, 2) if arguments.quick else (arguments.rounds, arguments.steps)
    figures = []
    for name, size in SIZES.items():
        seconds: dict[str, list[float]] = {"native": [], "portable": []}
        for _ in range(rounds):
            for arithmetic, measured in seconds.items():
                measured += measure(name, arithmetic, arguments.threads, steps)
        rates = {arithmetic: size.tokens / median(measured) for arithmetic, measured in seconds.items()}
        goal = "" if size is B else "ratio at least 0.87"
        figures.append(figure(name, rates["portable"], "words per second", "native", rates["native"], goal))
    show(figures, arguments.json)


if __name__ == "__main__":
    main()
