"""The base of neural language models: how a network with a state satisfies the contract, is trained and saved.

`RecurrentLanguageModel` adds the gradients of states and the activations of gates.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from unroll.arithmetic.global_state import restored_global_state
from unroll.layers.activations import Activations, simple_activations
from unroll.layers.diagnostics import gate_activations, gradient_flow
from unroll.layers.network import LanguageModelNetwork, as_tensor, load_pretrained, restore, weights
from unroll.layers.recurrent import Recurrent, State, select
from unroll.models.base import storage
from unroll.models.base.inputs import Inputs
from unroll.models.base.protocol import Log
from unroll.models.base.saved_params import with_omitted
from unroll.params.base import Params
from unroll.params.evaluate import DynamicSgd
from unroll.text.streams import Data, Ids
from unroll.text.tokenizers.vocabulary import BOS, PAD
from unroll.training import dynamic_evaluation
from unroll.training.task import LanguageModelTask

LOGITS = 1 << 22
"""The number of logits that are computed together in scoring, 16 MB. Like the two numbers below it bounds memory and
changes no score."""
ROWS, STEPS = 64, 256
"""The number of documents that are scored side by side, and of tokens of each that are read together."""


class NeuralLanguageModel:
    """A network as a language model. It satisfies LanguageModel, DynamicModel, EmbeddingModel and ContextualModel.

    The state is the state of the network and the last hidden vector (B, H) of each context. A family sets the two class
    attributes, and may override `task`.
    """

    settings: ClassVar[type[Params]]
    """The class of the settings of the family."""
    network_type: ClassVar[Any]
    """The class of the network. It takes the settings and the size of the vocabulary."""

    def __init__(self, params: Any, vocabulary_size: int, network: LanguageModelNetwork) -> None:
        """Set the settings of the family, the size of the vocabulary and the trained network."""
        self.params, self.vocabulary_size, self.network = params, vocabulary_size, network.eval()

    @classmethod
    def task(cls, network: Any, params: Any, data: Data) -> LanguageModelTask:
        """Return the training task of the family, by default next-token prediction."""
        return LanguageModelTask(network, params.batching, params.training.batch_size, data)

    @classmethod
    @restored_global_state()
    def fit(cls, params: Any, data: Data, inputs: Inputs, log: Log) -> Self:
        """Train a network on data.train with early stopping on data.valid.

        Args:
            params: The settings of the family, or those of an entry of `pretrained`, whose embedding begins with
                vectors.
            data: The partition.
            inputs: Where the vectors are found, the folder for checkpoints, and the device.
            log: Receives the measurements of the training.

        Returns:
            The trained model, a function of the arguments and of data.seed.

        Raises:
            UnrollError: The training diverges, or the data is too small.
        """
        from unroll.training.fit import fit  # Lightning is imported only where a network is trained.

        vectors = inputs.model(params.vectors).vectors if hasattr(params, "vectors") else None
        torch.manual_seed(data.seed)
        network = cls.network_type(params, data.vocabulary_size)
        task = cls.task(network, params, data)
        network.softmax.set_counts(torch.from_numpy(np.bincount(data.train.tokens, minlength=data.vocabulary_size)))
        if vectors is not None:
            load_pretrained(network.embedding, vectors, params.freeze_embeddings)
        fit(task, params.training, data.seed, log, inputs.checkpoints, inputs.device, inputs.group)
        settings = {name: getattr(params, name) for name in cls.settings.model_fields}  # without those of `pretrained`
        return cls(cls.settings.model_validate(settings), data.vocabulary_size, network)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Load the model that `save` wrote into the folder `path`."""
        saved = storage.read_params(path)
        params = cls.settings.model_validate(with_omitted(saved["params"]))
        network = cls.network_type(params, saved["vocabulary_size"])
        restore(network, storage.read_weights(path))
        return cls(params, saved["vocabulary_size"], network)

    def save(self, path: Path) -> None:
        """Write the model into the existing folder `path`."""
        settings = {"params": self.params.model_dump(), "vocabulary_size": self.vocabulary_size}
        storage.write(path, settings, weights(self.network))

    @property
    def parameters(self) -> int:
        """The number of weights of the network, frozen ones too; a tied matrix counts once, and buffers do not."""
        return sum(weight.numel() for weight in self.network.parameters())

    @property
    def fitted_on_valid(self) -> tuple[str, ...]:
        """What the training selected on the valid split."""
        return self.params.training.fitted_on_valid

    @property
    def embedding(self) -> NDArray[np.floating]:
        """The vectors of the tokens (V, E)."""
        return self.network.token_vectors.detach().numpy()

    @torch.inference_mode()
    def start(self, batch_size: int = 1) -> tuple[Tensor, State]:
        """Return the state of `batch_size` contexts that have read only `<bos>`."""
        return self._read(self.network.start(batch_size), np.full(batch_size, BOS))

    @torch.inference_mode()
    def advance(self, state: tuple[Tensor, State], tokens: Ids) -> tuple[Tensor, State]:
        """Return the state after row b has read tokens[b]."""
        return self._read(state[1], tokens)

    def _read(self, state: State, tokens: Ids) -> tuple[Tensor, State]:
        hidden, after = self.network(as_tensor(tokens)[:, None], state)
        return hidden[:, 0], after

    @torch.inference_mode()
    def next_log_probs(self, state: tuple[Tensor, State]) -> NDArray[np.floating]:
        """Return log p(next token | context), (B, V)."""
        return self.network.softmax.log_probs(state[0]).numpy()

    def select(self, state: tuple[Tensor, State], rows: Ids) -> tuple[Tensor, State]:
        """Return the state whose row i is row rows[i] of `state`."""
        hidden, *after = select((state[0], *state[1]), as_tensor(rows))
        return hidden, tuple(after)

    def log_probs(self, documents: Sequence[Ids]) -> list[NDArray[np.floating]]:
        """Return log p of every token of each document. Documents of similar length are scored side by side."""
        results = [np.empty(len(document), dtype=np.float32) for document in documents]
        order = np.argsort([-len(document) for document in documents], kind="stable")
        for first in range(0, len(order), ROWS):
            rows = order[first : first + ROWS]
            self._score([documents[row] for row in rows], [results[row] for row in rows])
        return results

    @torch.inference_mode()
    def contextual(self, document: Ids) -> NDArray[np.floating]:
        """Return contextual vectors (n, H): the hidden vector of each token, which has read it and all before it."""
        tokens = nn.functional.pad(as_tensor(document)[None], (1, 0), value=BOS)
        return self.network(tokens, self.network.start(1))[0][0, 1:].numpy()

    def adapted_log_probs(self, documents: Sequence[Ids], params: DynamicSgd) -> list[NDArray[np.floating]]:
        """Return `log_probs` with dynamic evaluation; see `unroll.training.dynamic_evaluation`."""
        return [*dynamic_evaluation.score(self.network, documents, params)]

    @torch.inference_mode()
    def _score(self, documents: list[Ids], results: list[NDArray[np.float32]]) -> None:
        """Write the scores of documents into `results`.

        The documents are sorted, the longest first, so that those that have ended are the last rows of the batch.
        """
        lengths = np.asarray([len(document) for document in documents])
        state, first = self.network.start(len(documents)), 0
        while (active := int((lengths > first).sum())) > 0:
            steps = min(max(1, LOGITS // (self.vocabulary_size * active)), int(lengths[0]) - first, STEPS)
            tokens = np.full((active, steps + 1), PAD, dtype=np.int64)
            for row, document in enumerate(documents[:active]):
                read = document[max(0, first - 1) : first + steps]
                read = read if first else np.concatenate([[BOS], read])
                tokens[row, : len(read)] = read
            batch = torch.from_numpy(tokens)
            hidden, state = self.network(batch[:, :-1], tuple(part[:active] for part in state))
            scores = -self.network.softmax.negative_log_likelihood(hidden, batch[:, 1:]).numpy()
            for row, result in enumerate(results[:active]):
                piece = result[first : first + steps]
                piece[:] = scores[row, : len(piece)]
            first += steps


class RecurrentLanguageModel(NeuralLanguageModel):
    """A recurrent network as a language model. It also satisfies UnrolledModel."""

    network: Any

    @property
    def layers(self) -> Recurrent:
        """The layers that read from left to right."""
        return self.network.recurrent

    def gradient_flow(self, contexts: Ids, targets: Ids) -> NDArray[np.float64]:
        """Return the norm of d -log p(target) / d state k tokens before it, for k = 0 .. K (K + 1,)."""
        target_ids = as_tensor(targets)

        def loss(outputs: Sequence[Tensor]) -> Tensor:
            return self.network.softmax.negative_log_likelihood(self.last_hidden(outputs), target_ids).sum()

        return gradient_flow(self.layers, self._embed(contexts), loss)[:-1]  # without the state before <bos>

    def gate_activations(self, contexts: Ids) -> list[dict[str, NDArray[np.float32]]]:
        """Return the gates of each layer by name, (N, K, H) in [0, 1]."""
        gates = gate_activations(self.layers, self._embed(contexts))
        return [{name: values[:, 1:] for name, values in layer.items()} for layer in gates]  # without those of <bos>

    def activations(self, contexts: Ids) -> list[Activations]:
        """Return the activations of each layer of a simple network, (N, K, H); nothing for cells with gates."""
        layers = simple_activations(self.layers, self._embed(contexts))
        return [one._replace(outputs=one.outputs[:, 1:], slopes=one.slopes[:, 1:]) for one in layers]

    def last_hidden(self, outputs: Sequence[Tensor]) -> Tensor:
        """Return the input of the softmax (B, H) after the last of the outputs (B, H) of a document."""
        return outputs[-1]

    @torch.no_grad()
    def _embed(self, contexts: Ids) -> Tensor:
        """Return what the layers read (N, 1 + K, ..) of contexts (N, K), with `<bos>` before each."""
        return self.network.embedding(nn.functional.pad(as_tensor(contexts), (1, 0), value=BOS))
