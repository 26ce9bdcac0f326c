"""How often each token occurs: a table and Zipf's plot."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from unroll.text.splits import SPLITS
from unroll.text.tokenizer import Tokenizer

Frequencies = dict[str, NDArray[np.int64]]
"""By split: (V,) how often each token occurs; <pad>, <bos> and <eos> never do."""


def nothing(vocabulary_size: int) -> Frequencies:
    """Of no text."""
    return {split: np.zeros(vocabulary_size, np.int64) for split in SPLITS}


def write(path: Path, tokenizer: Tokenizer, frequencies: Frequencies) -> None:
    """A Parquet table with the columns token, spelling and one per split, by token."""
    tokens = range(tokenizer.vocabulary_size)
    columns = {"token": pa.array(tokens, pa.int32()), "spelling": [tokenizer.token(token) for token in tokens]}
    pq.write_table(pa.table(columns | frequencies), path, compression="zstd", write_page_checksum=True)


def plot(path: Path, title: str, train: NDArray[np.int64]) -> None:
    """Frequency by rank in the train split, on logarithmic axes, beside Zipf's law f = c / rank (Zipf 1949): a PNG
    whose bytes depend on the numbers alone."""
    from matplotlib.figure import Figure  # 0.3 s that reading a table should not cost

    counts = np.sort(train[train > 0])[::-1]
    ranks = np.arange(1, len(counts) + 1)
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    axes.loglog(ranks, counts, label=title)
    harmonic = np.sum(1 / ranks)
    axes.loglog(ranks, counts.sum() / harmonic / ranks, "--", label="Zipf: c / rank")
    axes.set(xlabel="rank", ylabel="occurrences in train")
    axes.legend()
    figure.savefig(path, dpi=110, metadata={"Software": None})
