"""How token streams become the batches of an epoch (Zhang et al. 2023, Dive into Deep Learning, section 9.3).

The order of an epoch is a pure function of (seed, epoch), so a killed training resumes with the same batches.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from unroll.errors import UnrollError
from unroll.text.streams import Ids, Stream


def epoch_plan(seed: int, epoch: int, tokens: int, sequence_length: int) -> tuple[int, int]:
    """Choose where the subsequences of an epoch begin.

    Args:
        seed: The random seed.
        epoch: The number of the epoch.
        tokens: The length T of the stream.
        sequence_length: The length n of a subsequence.

    Returns:
        (d, m): the first d tokens, 0 <= d < n, are dropped; the rest gives m = floor((T - d - 1) / n) subsequences.
    """
    offset = int(_generator(seed, epoch).integers(sequence_length))
    return offset, max(0, (tokens - offset - 1) // sequence_length)


def subsequences(tokens: Ids, offset: int, sequence_length: int) -> tuple[Ids, Ids]:
    """Cut a stream into subsequences.

    Args:
        tokens: The tokens (T,) of the stream.
        offset: The position of the first subsequence.
        sequence_length: The length n of a subsequence.

    Returns:
        (x, y), both (m, n), as views of `tokens`; y is x shifted by one token.
    """
    count = (len(tokens) - offset - 1) // sequence_length
    end = offset + count * sequence_length
    return (
        tokens[offset:end].reshape(count, sequence_length),
        tokens[offset + 1 : end + 1].reshape(count, sequence_length),
    )


def shuffled_batches(stream: Stream, n: int, batch_size: int, seed: int, epoch: int) -> Iterator[tuple[Ids, Ids]]:
    """Yield shuffled subsequences, which are read from the initial state.

    Args:
        stream: The stream.
        n: The length of a subsequence.
        batch_size: The number of subsequences B in a batch.
        seed: The random seed.
        epoch: The number of the epoch.

    Yields:
        (x, y), both (B, n). The last batch may be smaller.
    """
    generator = _generator(seed, epoch)
    offset = int(generator.integers(n))
    x, y = subsequences(stream.tokens, offset, n)
    order = generator.permutation(len(x))
    for first in range(0, len(x), batch_size):
        rows = np.sort(order[first : first + batch_size])
        yield x[rows], y[rows]


def contiguous_batches(stream: Stream, n: int, batch_size: int, seed: int, epoch: int) -> Iterator[tuple[Ids, Ids]]:
    """Yield contiguous subsequences, through which a state can be carried.

    Row b of each batch continues row b of the batch before (truncated backpropagation through time).

    Args:
        stream: The stream, which is cut into B contiguous rows.
        n: The length of a subsequence.
        batch_size: The number of rows B.
        seed: The random seed.
        epoch: The number of the epoch.

    Yields:
        (x, y), both (B, n). The last batch may have fewer columns.

    Raises:
        UnrollError: The stream is too short for B rows.
    """
    offset, _ = epoch_plan(seed, epoch, len(stream.tokens), n)
    length = (len(stream.tokens) - offset - 1) // batch_size
    if length < 1:
        raise UnrollError(
            f"{len(stream.tokens)} tokens are too few for {batch_size} rows; lower batch_size, set batching to "
            "shuffled, or add more text"
        )
    x = stream.tokens[offset : offset + length * batch_size].reshape(batch_size, length)
    y = stream.tokens[offset + 1 : offset + 1 + length * batch_size].reshape(batch_size, length)
    for first in range(0, length, n):
        yield x[:, first : first + n], y[:, first : first + n]


def bucketed_batches(lengths: NDArray[np.int64], batch_size: int, seed: int, epoch: int) -> list[NDArray[np.int64]]:
    """Put documents or pairs of the same first length and of similar other lengths into the same batch.

    The rows of one first length are divided into as few batches as possible, of equal size up to one row. So a batch
    has fewer than half of `batch_size` rows only if no more rows have its first length. With full batches and a rest,
    every length would have a rest, which is a step of the optimizer like any other.

    Args:
        lengths: The lengths (documents, sides).
        batch_size: The maximum number of rows in a batch.
        seed: The random seed.
        epoch: The number of the epoch.

    Returns:
        The row numbers of each batch. Every row occurs once. Rows of equal length are shuffled, and so are the batches.
    """
    if not len(lengths):
        return []
    generator = _generator(seed, epoch)
    order = np.lexsort((generator.random(len(lengths)), *lengths.T[::-1]))
    groups = np.split(order, np.flatnonzero(np.diff(lengths[order, 0])) + 1)
    batches = [batch for rows in groups for batch in np.array_split(rows, -(-len(rows) // batch_size))]
    return [batches[index] for index in generator.permutation(len(batches))]


def padding_share(lengths: NDArray[np.int64], batches: Sequence[NDArray[np.int64]]) -> float:
    """Compute the share of padding in batches.

    Args:
        lengths: The lengths (documents, sides).
        batches: The row numbers of each batch.

    Returns:
        The share of padding, between 0 and 1, if each side of a batch is as wide as its longest row.
    """
    cells = sum(len(rows) * int(lengths[rows].max(axis=0).sum()) for rows in batches)
    return 1 - int(lengths.sum()) / cells if cells else 0.0


def _generator(seed: int, epoch: int) -> np.random.Generator:
    return np.random.default_rng([seed, epoch])


class Batches:
    """The batches of an epoch, as an iterable with a length.

    For a GPU they are in pinned memory, so that copies to the device overlap with computation.
    """

    def __init__(self, batches: Iterable[Any], length: int, device: torch.device) -> None:
        """Set the batches (tuples of tensors), their number, and the device that they are copied to."""
        self.batches, self.length, self.device = batches, length, device

    def __iter__(self) -> Iterator[Any]:
        """Iterate over the batches."""
        if self.device.type != "cuda":
            return iter(self.batches)
        return (tuple(part.pin_memory() for part in batch) for batch in self.batches)

    def __len__(self) -> int:
        """Return the number of batches."""
        return self.length
