"""The base of neural classifiers: how a network that reads documents satisfies the contract, is trained and saved."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray

from unroll.arithmetic.global_state import restored_global_state
from unroll.errors import UnrollError
from unroll.layers.network import restore, weights
from unroll.models.base import storage
from unroll.models.base.classification import index_labels
from unroll.models.base.inputs import Inputs
from unroll.models.base.protocol import Log, LogProbs, Weights
from unroll.params.base import Params
from unroll.params.training import with_ranks
from unroll.text.streams import Data, Ids
from unroll.training.classification import ClassificationTask, ClassifierNetwork, pad

TOKENS = 1 << 15
"""The number of tokens, with padding, that are read together. It bounds memory and changes no result."""


class NeuralClassifier:
    """A network as a classifier. It satisfies Classifier, AttentiveClassifier and EmbeddingModel.

    A family sets the two class attributes.
    """

    settings: ClassVar[type[Params]]
    """The class of the settings of the family."""
    network_type: ClassVar[Any]
    """The class of the network. It takes the settings, the size of the vocabulary and the number of classes."""

    def __init__(self, params: Any, classes: list[str], vocabulary_size: int, network: ClassifierNetwork) -> None:
        """Set the settings of the family, the sorted labels (C,), the size of the vocabulary and the network."""
        self.params, self.classes, self.vocabulary_size = params, classes, vocabulary_size
        self.network = network.eval()

    @classmethod
    @restored_global_state()
    def fit(cls, params: Any, data: Data, inputs: Inputs, log: Log) -> Self:
        """Train a network on the documents of data.train with early stopping on data.valid.

        Args:
            params: The settings of the family.
            data: The partition of a labelled corpus.
            inputs: The folder for checkpoints, the device and the ranks.
            log: Receives the measurements of the training. Losses are the mean nats of the label of a document.

        Returns:
            The trained model, a function of the settings, the data and data.seed.

        Raises:
            UnrollError: The corpus has no labels, valid has none of those of train, or the training diverges.
        """
        from unroll.training.fit import fit  # Lightning is imported only where a network is trained.

        classes, trained = index_labels(data)
        index = {label: number for number, label in enumerate(classes)}
        valid = np.asarray([index.get(label, -1) for label in data.labels["valid"]], dtype=np.int64)
        if not (valid >= 0).any():
            raise UnrollError(
                f"tokenizers.{data.name}: no text of the valid split has a label of the train split, so no epoch could "
                "be validated; give valid a larger share (corpora.*.splits) or provide more text"
            )
        torch.manual_seed(data.seed)
        network = cls.network_type(params, data.vocabulary_size, len(classes))
        task = ClassificationTask(network, params.training.batch_size, data, {"train": trained, "valid": valid})
        fit(task, params.training, data.seed, log, inputs.checkpoints, inputs.device, inputs.group)
        return cls(params, classes, data.vocabulary_size, network)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Load the model that `save` wrote into the folder `path`."""
        saved = storage.read_params(path)
        params = cls.settings.model_validate(with_ranks(saved["params"]))
        network = cls.network_type(params, saved["vocabulary_size"], len(saved["classes"]))
        restore(network, storage.read_weights(path))
        return cls(params, saved["classes"], saved["vocabulary_size"], network)

    def save(self, path: Path) -> None:
        """Write the model into the existing folder `path`."""
        others = {"classes": self.classes, "vocabulary_size": self.vocabulary_size}
        storage.write(path, {"params": self.params.model_dump(), **others}, weights(self.network))

    @property
    def parameters(self) -> int:
        """The number of weights of the network."""
        return sum(weight.numel() for weight in self.network.parameters())

    @property
    def fitted_on_valid(self) -> tuple[str, ...]:
        """What the training selected on the valid split."""
        return self.params.training.fitted_on_valid

    @property
    def embedding(self) -> NDArray[np.floating]:
        """The embeddings (V, E)."""
        return self.network.embedding.weight.detach().numpy()

    def log_posteriors(self, documents: Sequence[Ids]) -> LogProbs:
        """Return log p(class | document), (D, C). Documents of similar length are read side by side."""
        results = np.empty((len(documents), len(self.classes)))
        for rows, posteriors, _ in self._read(documents):
            results[rows] = posteriors
        return results

    def attention_weights(self, documents: Sequence[Ids]) -> list[tuple[Ids, Weights]] | None:
        """Return the tokens (T,) that are read of each document, and the attention weights (T,) of these tokens.

        Returns:
            For each document the tokens and the weights, which sum to one; None without attention.
        """
        results: list[tuple[Ids, Weights]] = [(np.empty(0, np.int64), np.empty(0))] * len(documents)
        for rows, _, attention in self._read(documents):
            if attention is None:
                return None
            for row, values in zip(rows, attention, strict=True):
                tokens = self.network.select_tokens(documents[row])
                results[row] = tokens, values[: len(tokens)]
        return results

    @torch.inference_mode()
    def _read(self, documents: Sequence[Ids]) -> Iterator[tuple[NDArray[np.intp], LogProbs, Weights | None]]:
        """Yield the numbers of some documents (R,), their log-posteriors (R, C) and their attention weights (R, T)."""
        selected = [self.network.select_tokens(document) for document in documents]
        lengths = np.asarray([len(tokens) for tokens in selected], dtype=np.int64)
        order, first = np.argsort(-lengths, kind="stable"), 0
        while first < len(order):
            rows = order[first : first + max(1, TOKENS // max(1, int(lengths[order[first]])))]
            first += len(rows)
            logits, attention = self.network(*pad([selected[row] for row in rows]))
            yield rows, logits.double().log_softmax(-1).numpy(), None if attention is None else attention.numpy()
