"""Token frequencies: the number of occurrences of each token in each split."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from unroll.text.arrow import number_array, string_array
from unroll.text.streams import SPLITS
from unroll.text.tokenizers.base import Tokenizer

Frequencies = dict[str, NDArray[np.int64]]
"""The number of occurrences of each token (V,), by split. `<pad>`, `<bos>` and `<eos>` do not occur."""


def zero_frequencies(vocabulary_size: int) -> Frequencies:
    """Return frequencies of 0 for each split and token."""
    return {split: np.zeros(vocabulary_size, np.int64) for split in SPLITS}


def write_frequencies(path: Path, tokenizer: Tokenizer, frequencies: Frequencies) -> None:
    """Write a Parquet table with one row per token and the columns token (id), spelling, train, valid and test."""
    ids = np.arange(tokenizer.vocabulary_size, dtype=np.int32)
    spellings = string_array([tokenizer.id_to_token(int(token)) for token in ids])
    counts = {split: number_array(frequencies[split]) for split in SPLITS}
    columns = {"token": number_array(ids), "spelling": spellings} | counts
    pq.write_table(pa.table(columns), path, compression="zstd", write_page_checksum=True)


def read_rank_frequencies(path: Path) -> NDArray[np.int64]:
    """Read the frequencies (R,) of the R tokens that occur in the train split, in descending order."""
    counts = pq.read_table(path, columns=["train"])["train"].to_numpy()
    return np.sort(counts[counts > 0])[::-1]
