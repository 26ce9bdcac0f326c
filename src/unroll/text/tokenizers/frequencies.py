"""How often each token occurs: a table, and the counts by rank."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from unroll.text.arrow import numbers, strings
from unroll.text.splits import SPLITS
from unroll.text.tokenizers.base import Tokenizer

Frequencies = dict[str, NDArray[np.int64]]
"""By split: (V,) how often each token occurs; <pad>, <bos> and <eos> never do."""


def nothing(vocabulary_size: int) -> Frequencies:
    """Of no text."""
    return {split: np.zeros(vocabulary_size, np.int64) for split in SPLITS}


def write(path: Path, tokenizer: Tokenizer, frequencies: Frequencies) -> None:
    """A Parquet table with the columns token, spelling and one per split, by token."""
    tokens = np.arange(tokenizer.vocabulary_size, dtype=np.int32)
    columns = {"token": numbers(tokens), "spelling": strings([tokenizer.token(int(token)) for token in tokens])}
    counts = {split: numbers(frequencies[split]) for split in SPLITS}
    pq.write_table(pa.table(columns | counts), path, compression="zstd", write_page_checksum=True)


def by_rank(path: Path) -> NDArray[np.int64]:
    """(R,) how often each of the R tokens of the train split occurs, the most frequent first, from that table."""
    counts = pq.read_table(path, columns=["train"])["train"].to_numpy()
    return np.sort(counts[counts > 0])[::-1]
