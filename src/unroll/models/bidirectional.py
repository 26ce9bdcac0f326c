"""A language model of each direction, with one embedding and one softmax: Peters et al. (2018), ELMo.

    p(x) = prod_t p(x_t | x_1 .. x_{t-1})  and  prod_t p(x_t | x_{t+1} .. x_n)

trained on the sum of both log-likelihoods. The forward one is the language model. Both together fill in a blank, as if
the left and the right context were independent given the word:

    p(x_t | left, right) ∝ p(x_t | left) p(x_t | right) / p(x_t),  p(x_t) the share of x_t in the train split
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from unroll.models import storage
from unroll.models.protocol import LogProbs
from unroll.neural import next_token, softmax
from unroll.neural.activation_penalty import penalised
from unroll.neural.embedding_dropout import embed
from unroll.neural.initial import Initial
from unroll.neural.recurrent import Recurrent, State, detach
from unroll.neural.recurrent_predictor import RecurrentPredictor
from unroll.params.models import BidirectionalParams
from unroll.partition import Data, Ids
from unroll.text.vocabulary import BOS, EOS, FIRST_PREDICTED, PAD


class Network(next_token.Network):
    """Embedding -> recurrent layers of each direction -> softmax."""

    counts: Tensor

    def __init__(self, params: BidirectionalParams, vocabulary_size: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary_size, params.embedding_size)
        nn.init.uniform_(self.embedding.weight, -(params.embedding_size**-0.5), params.embedding_size**-0.5)
        sizes = (params.embedding_size, params.sizes, params.layers, params.dropout, params.residual)
        self.rightward, self.leftward = Recurrent(params.cell, *sizes), Recurrent(params.cell, *sizes)
        self.embedding_dropout = params.dropout.embedding
        tied = self.embedding.weight if params.tie_weights else None
        self.softmax = softmax.build(params.softmax, params.sizes[-1], vocabulary_size, tied)
        self.register_buffer("counts", torch.zeros(vocabulary_size))  # of the train split

    def start(self, batch_size: int) -> State:
        return self.rightward.start(batch_size)

    def forward(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        """The forward language model."""
        raw, after = self.unroll(self.rightward, tokens, state)
        return self.rightward.after(raw).transpose(0, 1), after

    def back(self, tokens: Tensor) -> Tensor:
        """(B, T) ids of texts from their end on -> (B, T, H): vector t has read tokens 0 to t."""
        return self.leftward.after(self.unroll(self.leftward, tokens, self.leftward.start(len(tokens)))[0]).transpose(
            0, 1
        )

    def unroll(self, direction: Recurrent, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        """(B, T) ids -> outputs (T, B, H) before dropout, and the state after the last."""
        return direction.unroll(embed(self.embedding, tokens.t(), self.embedding_dropout * self.training), state)

    @property
    def log_shares(self) -> Tensor:
        """(V,) log p(x) of every token, with add-one counts; 0 for what is never predicted."""
        counts = self.counts[FIRST_PREDICTED:] + 1
        return nn.functional.pad((counts / counts.sum()).log(), (FIRST_PREDICTED, 0))


class Task(next_token.Task):
    """Both directions on the same subsequences. The state of the forward one is carried if the order is sequential; the
    backward one begins at the end of each subsequence, since what follows has not been read yet."""

    network: Network

    def __init__(self, network: Network, params: BidirectionalParams, data: Data) -> None:
        super().__init__(network, params.order, params.training.batch_size, data)
        self.penalty = params.activation_penalty

    def loss(self, batch: tuple[Tensor, Tensor], state: State | None) -> tuple[Tensor, Tensor, State | None]:
        tokens, targets = batch  # (B, T), (B, T)
        network = self.network
        raw, after = network.unroll(network.rightward, tokens, state or network.start(len(tokens)))
        nats, count = penalised(network.rightward, network.softmax, raw, targets, self.penalty)
        # Backward, y_T .. y_1 are read and x_T .. x_1 predicted. <eos> is given there, as <bos> is forward.
        before = tokens.masked_fill(tokens == EOS, PAD).flip(1)
        raw, _ = network.unroll(network.leftward, targets.flip(1), network.leftward.start(len(tokens)))
        more, counted = penalised(network.leftward, network.softmax, raw, before, self.penalty)
        return nats + more, count + counted, detach(after) if self.carry else None


class Model(RecurrentPredictor):
    """Satisfies LanguageModel, by its forward half, and FillsBlanks."""

    network: Network

    def __init__(self, params: BidirectionalParams, vocabulary_size: int, network: Network) -> None:
        super().__init__(network, network.rightward, vocabulary_size)
        self.params = params

    def blanks(self, documents: Sequence[Ids]) -> tuple[list[LogProbs], list[Ids]]:
        scores: list[LogProbs] = []
        guesses: list[Ids] = []
        for document in documents:
            found, best = np.zeros(len(document), np.float32), np.zeros(len(document), np.int64)
            for rows, log_probs in self._filled(document):
                found[rows] = log_probs[np.arange(len(log_probs)), document[rows]]
                best[rows] = log_probs.argmax(1)
            scores.append(found)
            guesses.append(best)
        return scores, guesses

    def _filled(self, document: Ids) -> Iterator[tuple[slice, NDArray[np.float32]]]:
        """For some positions at a time, log p(x_t | all the others), (positions, V)."""
        with torch.inference_mode():
            left, right = (
                side[cut] for side, cut in zip(self._both(document), (slice(-1), slice(1, None)), strict=True)
            )
            for first in range(0, len(document), step := max(1, next_token.LOGITS // self.vocabulary_size)):
                rows = slice(first, first + step)
                both = self.network.softmax.log_probs(left[rows]) + self.network.softmax.log_probs(right[rows])
                yield rows, (both - self.network.log_shares).log_softmax(-1).numpy()

    def _both(self, document: Ids) -> tuple[Tensor, Tensor]:
        """(n + 1, H) each: vector t of the left has read <bos> and t tokens; of the right, <eos> and all but t."""
        tokens = next_token.as_tensor(document)[None]
        left, _ = self.network(nn.functional.pad(tokens, (1, 0), value=BOS), self.network.start(1))
        return left[0], self.network.back(nn.functional.pad(tokens.flip(1), (1, 0), value=EOS))[0].flip(0)

    @torch.inference_mode()
    def contextual(self, document: Ids) -> NDArray[np.float32]:
        """(n, 2 H) vectors of the tokens in their context: each half has read the token and one side of it."""
        left, right = self._both(document)
        return torch.cat([left[1:], right[:-1]], dim=-1).numpy()

    def save(self, path: Path) -> None:
        described = {"params": self.params.model_dump(), "vocabulary_size": self.vocabulary_size}
        storage.write(path, described, next_token.weights(self.network))


def fit(params: BidirectionalParams, data: Data, report: Callable[..., None], initial: Initial | None = None) -> Model:
    """Train on data.train, stopping early on data.valid. Deterministic in data.seed.

    The embedding begins from `initial`, if given."""
    torch.manual_seed(data.seed)
    network = Network(params, data.vocabulary_size)
    network.counts.copy_(torch.from_numpy(np.bincount(data.train.tokens, minlength=data.vocabulary_size)))
    next_token.train(Task(network, params, data), params.training, report, initial)
    return Model(params, data.vocabulary_size, network)


def load(path: Path) -> Model:
    """The model `Model.save` wrote."""
    saved = storage.read_params(path)
    params = BidirectionalParams.model_validate(saved["params"])
    network = Network(params, saved["vocabulary_size"])
    next_token.restore(network, storage.read_weights(path))
    return Model(params, saved["vocabulary_size"], network)
