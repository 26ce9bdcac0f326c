"""The training task of classifiers: predict the class of a whole document.

Documents of similar length share a batch. They are padded behind their ends, and the networks give padding no effect.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from unroll.params.base import Params
from unroll.text.streams import Data, Ids
from unroll.text.tokenizers.vocabulary import PAD
from unroll.training.batching import bucketed_batches

Batch = tuple[Tensor, Tensor, Tensor]
"""Token ids (B, T), the number of tokens of each document (B,), and the index of its class (B,)."""


class ClassifierNetwork(nn.Module):
    """Embedding -> layers -> one vector for each document -> the logits of the classes."""

    embedding: nn.Embedding

    def __init__(self, params: Params) -> None:
        """Set the settings of the family, which are a part of the representation.

        So a training never resumes from the checkpoint of one with other settings.
        """
        super().__init__()
        self.params = params

    def extra_repr(self) -> str:
        """Return the settings."""
        return repr(self.params)

    def select_tokens(self, document: Ids) -> Ids:
        """Return the tokens of a document, with or without `<eos>` at its end, that the network reads."""
        raise NotImplementedError

    def forward(self, tokens: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor | None]:
        """Read documents.

        Args:
            tokens: Token ids (B, T) with padding behind the documents, which has no effect.
            lengths: The number of tokens of each document (B,).

        Returns:
            The logits of the classes (B, C), and the attention weights of the tokens (B, T); None without attention.
        """
        raise NotImplementedError


class ClassificationTask:
    """Prediction of the classes of documents. It satisfies `unroll.training.task.Task`."""

    def __init__(
        self, network: ClassifierNetwork, batch_size: int, data: Data, classes: Mapping[str, NDArray[np.int64]]
    ) -> None:
        """Set the network and its data.

        Args:
            network: The network.
            batch_size: The maximum number of documents in a batch.
            data: The partition of a labelled corpus.
            classes: The index of the class of each document of train and valid, -1 for a class that the network lacks.
                Such documents are left out.
        """
        self.network, self.batch_size, self.data = network, batch_size, data
        self.documents: dict[str, list[Ids]] = {}
        self.classes: dict[str, NDArray[np.int64]] = {}
        for split, indices in classes.items():
            documents = data.streams[split]["text"].documents
            known = np.flatnonzero(indices >= 0)
            self.documents[split] = [network.select_tokens(documents[row]) for row in known.tolist()]
            self.classes[split] = indices[known]
        self.planned = len(self._rows("train", 0))

    def steps(self, epoch: int) -> int:
        """Return the number of batches of an epoch."""
        return self.planned

    def train_batches(self, epoch: int) -> Iterable[Batch]:
        """Return the batches of an epoch, a pure function of its number."""
        return self._batches("train", epoch)

    def valid_batches(self) -> Sequence[Batch]:
        """Return the batches of the valid split."""
        return list(self._batches("valid", 0))

    def _rows(self, split: str, epoch: int) -> list[NDArray[np.int64]]:
        """Return the row numbers of each batch. All documents have the same first length, so only their own counts."""
        lengths = np.asarray([[0, len(document)] for document in self.documents[split]]).reshape(-1, 2)
        return bucketed_batches(lengths, self.batch_size, self.data.seed, epoch)

    def _batches(self, split: str, epoch: int) -> Iterator[Batch]:
        for rows in self._rows(split, epoch):
            tokens, lengths = pad([self.documents[split][row] for row in rows])
            yield tokens, lengths, torch.from_numpy(self.classes[split][rows])

    def loss(self, batch: Batch, state: None) -> tuple[Tensor, Tensor, None]:
        """Compute the loss of a batch.

        Args:
            batch: Documents, their lengths and their classes.
            state: None, since batches are independent.

        Returns:
            The summed loss in nats, the number of documents, and None.
        """
        tokens, lengths, classes = batch
        logits, _ = self.network(tokens, lengths)
        return F.cross_entropy(logits.float(), classes, reduction="sum"), (classes >= 0).sum(), None


def pad(documents: Sequence[Ids]) -> tuple[Tensor, Tensor]:
    """Return documents as rows (B, T), with `<pad>` behind the end of the shorter ones, and their lengths (B,)."""
    lengths = np.asarray([len(document) for document in documents], dtype=np.int64)
    tokens = np.full((len(documents), int(lengths.max(initial=0))), PAD, dtype=np.int64)
    for row, document in enumerate(documents):
        tokens[row, : len(document)] = document
    return torch.from_numpy(tokens), torch.from_numpy(lengths)
