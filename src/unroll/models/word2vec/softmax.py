"""word2vec with a softmax over the whole vocabulary (Mikolov, Chen, Corrado and Dean 2013).

    p(k | given words) = exp(w2_k . h) / sum over j of exp(w2_j . h)

The loss is -log p of the word to predict. In skip-gram all words of a context have the same distribution, so that of a
position is computed once. The matrices are trained on batches of positions by AdaGrad (Duchi, Hazan and Singer 2011),
as in the paper. The order of the positions is a function of (seed, epoch).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from unroll.models.base.protocol import Log
from unroll.models.base.word_vectors import Vectors
from unroll.models.word2vec.pairs import ValidationPairs
from unroll.models.word2vec.params import Word2vecParams
from unroll.text.streams import Data, Stream
from unroll.text.tokenizers.vocabulary import BOS, FIRST_PREDICTED

ROWS = 1024
"""The number of pairs whose validation loss is computed together."""
NONE = -1
"""The place of a context word that does not exist."""


@dataclass(frozen=True)
class Positions:
    """The words of a text that are kept, with the width of the context of each."""

    tokens: NDArray[np.int64]
    """The token ids (T,), without `<bos>`."""
    documents: NDArray[np.int64]
    """The number of the document of each (T,)."""
    widths: NDArray[np.int64]
    """The number of context words on each side (T,)."""

    def context(self, rows: NDArray[np.int64], window: int) -> NDArray[np.int64]:
        """Return the context of positions.

        Args:
            rows: The positions (B,).
            window: M, the largest width.

        Returns:
            Token ids (B, 2 M), NONE beyond the width of a position or the border of its document.
        """
        offsets = np.concatenate([np.arange(-window, 0), np.arange(1, window + 1)])  # (2 M,)
        places = rows[:, None] + offsets
        inside = (places >= 0) & (places < len(self.tokens)) & (np.abs(offsets) <= self.widths[rows, None])
        places = places.clip(0, len(self.tokens) - 1)
        same = inside & (self.documents[places] == self.documents[rows, None])
        return np.where(same, self.tokens[places], NONE)


def keep_probabilities(counts: NDArray[np.int64], subsample: float) -> NDArray[np.float64]:
    """Compute the probability that an occurrence of each token is kept, as gensim and the original program do.

    Args:
        counts: The counts of the tokens (V,).
        subsample: t. 0 keeps all.

    Returns:
        sqrt(t / f) + t / f, at most 1, where f is the relative frequency (V,).
    """
    if not subsample:
        return np.ones(len(counts))
    ratio = subsample * counts.sum() / counts.clip(1)
    return np.minimum(np.sqrt(ratio) + ratio, 1)


def draw_positions(
    stream: Stream, keep: NDArray[np.float64], params: Word2vecParams, generator: np.random.Generator
) -> Positions:
    """Draw the words of an epoch that are kept, and the widths of their contexts.

    Args:
        stream: The text.
        keep: The probability that an occurrence of each token is kept (V,).
        params: The settings.
        generator: The source of random numbers.

    Returns:
        The positions.
    """
    lengths = np.diff(stream.offsets) - 1
    tokens = stream.tokens[stream.tokens != BOS].astype(np.int64)
    documents = np.repeat(np.arange(len(lengths)), lengths)
    kept = generator.random(len(tokens)) < keep[tokens]
    tokens, documents = tokens[kept], documents[kept]
    drawn = generator.integers(1, params.window + 1, len(tokens))
    return Positions(tokens, documents, drawn if params.shrink_windows else np.full(len(tokens), params.window))


def nats(algorithm: str, first: Tensor, second: Tensor, centres: Tensor, contexts: Tensor) -> tuple[Tensor, Tensor]:
    """Compute the loss of positions.

    Args:
        algorithm: `cbow` or `skip_gram`.
        first: W1^T (V, D).
        second: W2 (V, D). Its first two rows, of `<pad>` and `<bos>`, are no words to predict.
        centres: The token ids of the positions (B,).
        contexts: The token ids of their contexts (B, 2 M); NONE where there is none.

    Returns:
        The summed loss in nats, and the number of pairs.
    """
    exists = contexts != NONE
    words = contexts.clamp(min=0)
    if algorithm == "skip_gram":
        log_p = F.log_softmax(first[centres] @ second[FIRST_PREDICTED:].T, dim=1)
        predicted = log_p.gather(1, (words - FIRST_PREDICTED).clamp(min=0))
        return -(predicted * exists).sum(), exists.sum()
    h = (F.embedding(words, first) * exists[:, :, None]).sum(1) / exists.sum(1, keepdim=True).clamp(min=1)  # (B, D)
    log_p = F.log_softmax(h @ second[FIRST_PREDICTED:].T, dim=1)
    has_context = exists.any(1)
    return -(log_p.gather(1, centres[:, None] - FIRST_PREDICTED)[:, 0] * has_context).sum(), has_context.sum()


class Objective(ValidationPairs):
    """The loss of this module in nats per pair, on the first pairs of the valid split."""

    def __call__(self, first: Tensor, second: Tensor) -> float:
        """Compute the loss.

        Args:
            first: W1^T (V, D).
            second: W2 (V, D).

        Returns:
            The loss in nats per pair.
        """
        given, predicted = torch.from_numpy(self.given), torch.from_numpy(self.predicted)
        parts = [
            nats("cbow", first, second, predicted[at : at + ROWS], given[at : at + ROWS])[0]
            for at in range(0, len(predicted), ROWS)
        ]
        return float(torch.stack(parts).double().sum() / len(predicted))


def train(params: Word2vecParams, data: Data, log: Log) -> tuple[Vectors, Vectors]:
    """Train word vectors on data.train.

    Args:
        params: The settings.
        data: The partition.
        log: Receives the mean training loss and the validation loss after each epoch.

    Returns:
        W1^T and W2, (V, D) each, with zeros for tokens that the train split lacks.
    """
    objective = Objective(params, data)
    generator, seen = np.random.default_rng(data.seed), objective.counts[:, None] > 0
    shape = (data.vocabulary_size, params.size)
    start = seen * generator.uniform(-0.5 / params.size, 0.5 / params.size, shape)  # as the original program begins
    first = torch.from_numpy(start.astype(np.float32)).requires_grad_()
    second = torch.zeros(shape).requires_grad_()
    optimizer = torch.optim.Adagrad([first, second], lr=params.learning_rate)
    keep, done = keep_probabilities(objective.counts, params.subsample), 0
    for epoch in range(params.epochs):
        total, pairs, batches = 0.0, 0, [*_batches(params, data, keep, epoch)]
        for number, (centres, contexts) in enumerate(batches):
            progress = (epoch + number / len(batches)) / params.epochs
            rate = params.learning_rate + progress * (params.final_learning_rate - params.learning_rate)
            optimizer.param_groups[0]["lr"] = rate
            loss, count = nats(params.algorithm, first, second, centres, contexts)
            optimizer.zero_grad()
            (loss / count.clamp(min=1)).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            total, pairs, done = total + float(loss.detach()), pairs + int(count), done + 1
        if pairs:
            log(done, epoch=epoch + 1.0, train_loss=total / pairs)
        if len(objective.predicted):  # a short valid split has no pairs, which change no vector
            with torch.inference_mode():
                log(done, epoch=epoch + 1.0, valid_loss=objective(first, second))
    return first.detach().numpy(), second.detach().numpy() * seen


def _batches(
    params: Word2vecParams, data: Data, keep: NDArray[np.float64], epoch: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield the centres (B,) and contexts (B, 2 M) of the batches of an epoch."""
    generator = np.random.default_rng([data.seed, epoch])
    positions = draw_positions(data.train, keep, params, generator)
    order = generator.permutation(len(positions.tokens))
    for at in range(0, len(order), params.batch_size):
        rows = order[at : at + params.batch_size]
        yield torch.from_numpy(positions.tokens[rows]), torch.from_numpy(positions.context(rows, params.window))
