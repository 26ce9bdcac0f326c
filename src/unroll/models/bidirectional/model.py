"""Bidirectional recurrent language models (ELMo; Peters et al. 2018).

There is a language model of each direction. Both share one embedding and one softmax.

    p(x) = prod_t p(x_t | x_1 .. x_{t-1})  and  prod_t p(x_t | x_{t+1} .. x_n)

They are trained on the sum of both log-likelihoods. The forward direction is the language model. Both directions
together predict a token from all others, as if the left and the right context were independent given the token:

    p(x_t | left, right) ∝ p(x_t | left) p(x_t | right) / p(x_t),  where p(x_t) is the share of x_t in the train split
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from unroll.layers import softmax
from unroll.layers.activation_regularization import regularized_loss
from unroll.layers.dropout import embed
from unroll.layers.network import LanguageModelNetwork, as_tensor, build_embedding
from unroll.layers.recurrent import Recurrent, State, detach
from unroll.models.base.neural_language_model import LOGITS, RecurrentLanguageModel
from unroll.models.base.protocol import LogProbs
from unroll.models.bidirectional.params import BidirectionalParams
from unroll.text.streams import Data, Ids
from unroll.text.tokenizers.vocabulary import BOS, EOS, FIRST_PREDICTED, PAD, UNK
from unroll.training.task import LanguageModelTask


class Network(LanguageModelNetwork):
    """Embedding -> recurrent layers of each direction -> softmax."""

    counts: Tensor

    def __init__(self, params: BidirectionalParams, vocabulary_size: int) -> None:
        """Build the network with initial weights drawn from torch's global generator."""
        super().__init__()
        self.embedding = build_embedding(vocabulary_size, params.embedding_size)
        sizes = (self.embedding.embedding_dim, params.hidden_size, params.layers, params.dropout, params.residual)
        self.rightward, self.leftward = Recurrent(params.cell, *sizes), Recurrent(params.cell, *sizes)
        self.embedding_dropout = params.dropout.embedding
        tied = self.token_vectors if params.tie_weights else None
        self.softmax = softmax.build(params.softmax, self.rightward.hidden_size, vocabulary_size, tied)
        self.register_buffer("counts", torch.zeros(vocabulary_size))  # of tokens in the train split

    @property
    def input_weight(self) -> Tensor:
        """The weights (N, V) of all gates that read one-hot inputs, of both directions."""
        return torch.cat([self.rightward.input_weight, self.leftward.input_weight])

    def start(self, batch_size: int) -> State:
        """Return the zero state of `batch_size` rows of the forward direction."""
        return self.rightward.start(batch_size)

    def forward(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        """Read tokens (B, T) from left to right; return hidden vectors (B, T, H) and the state after the last token."""
        raw, after = self.unroll(self.rightward, tokens, state)
        return self.rightward.output_dropout(raw).transpose(0, 1), after

    def read_backwards(self, tokens: Tensor) -> Tensor:
        """Read tokens (B, T) that are in reverse order; vector t of the result (B, T, H) has read tokens 0 to t."""
        raw, _ = self.unroll(self.leftward, tokens, self.leftward.start(len(tokens)))
        return self.leftward.output_dropout(raw).transpose(0, 1)

    def unroll(self, direction: Recurrent, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        """Read tokens (B, T) by the layers of one direction.

        Args:
            direction: The layers.
            tokens: Token ids (B, T), in the order in which they are read.
            state: The state before the first token.

        Returns:
            The outputs (T, B, H) before output dropout, and the state after the last token.
        """
        return direction.unroll(embed(self.embedding, tokens.t(), self.embedding_dropout * self.training), state)

    @property
    def log_shares(self) -> Tensor:
        """The log-probability of every token by its add-one count (V,); 0 for tokens that are never predicted."""
        counts = self.counts[FIRST_PREDICTED:] + 1
        return nn.functional.pad((counts / counts.sum()).log(), (FIRST_PREDICTED, 0))


class Task(LanguageModelTask):
    """Next-token prediction in both directions on the same subsequences.

    The state of the forward direction is carried with contiguous batching. The backward direction begins at the end of
    each subsequence, since what follows has not been read yet.
    """

    network: Network

    def __init__(self, network: Network, params: BidirectionalParams, data: Data) -> None:
        """Set the network, its settings and the data."""
        super().__init__(network, params.batching, params.training.batch_size, data)
        self.regularization = params.activation_regularization

    def loss(self, batch: tuple[Tensor, Tensor], state: State | None) -> tuple[Tensor, Tensor, State | None]:
        """Compute the summed loss in nats, the number of counted tokens, and the state for the next batch."""
        tokens, targets = batch  # (B, T), (B, T)
        network = self.network
        raw, after = network.unroll(network.rightward, tokens, state or network.start(len(tokens)))
        nats, count = regularized_loss(network.rightward, network.softmax, raw, targets, self.regularization)
        # Backward, y_T .. y_1 are read and x_T .. x_1 are predicted. <eos> is given there, as <bos> is forward.
        before = tokens.masked_fill(tokens == EOS, PAD).flip(1)
        raw, _ = network.unroll(network.leftward, targets.flip(1), network.leftward.start(len(tokens)))
        more, counted = regularized_loss(network.leftward, network.softmax, raw, before, self.regularization)
        return nats + more, count + counted, detach(after) if self.carry else None


class Model(RecurrentLanguageModel):
    """A language model, by its forward direction, and a ClozeModel."""

    settings = BidirectionalParams
    network_type = Network

    @classmethod
    def task(cls, network: Any, params: Any, data: Data) -> LanguageModelTask:
        """Return prediction in both directions, and count the tokens of the train split."""
        network.counts.copy_(torch.from_numpy(np.bincount(data.train.tokens, minlength=data.vocabulary_size)))
        return Task(network, params, data)

    @property
    def layers(self) -> Recurrent:
        """The layers that read from left to right."""
        return self.network.rightward

    def cloze_log_probs(self, documents: Sequence[Ids]) -> tuple[list[LogProbs], list[Ids]]:
        """Predict every token from all others of its document.

        Args:
            documents: Documents without `<eos>`.

        Returns:
            For each document, the log-probability of the token at each position, and the most probable token there.
        """
        scores: list[LogProbs] = []
        guesses: list[Ids] = []
        for document in documents:
            scored, best = np.zeros(len(document), np.float32), np.zeros(len(document), np.int64)
            for rows, log_probs in self._cloze_distributions(document):
                scored[rows] = log_probs[np.arange(len(log_probs)), document[rows]]
                best[rows] = log_probs.argmax(1)
            scores.append(scored)
            guesses.append(best)
        return scores, guesses

    @torch.inference_mode()
    def blank_log_probs(self, document: Ids, blanks: Ids) -> LogProbs:
        """Predict the tokens of blanks from all other tokens.

        Args:
            document: A document without `<eos>`.
            blanks: The positions of the blanks (B,). For each of them, the others are read as unknown words.

        Returns:
            The log-probabilities (B, V).
        """
        tokens, places = np.array(document, dtype=np.int64), np.asarray(blanks)
        tokens[places] = UNK
        left, right = self._both(tokens)
        return self._join(left[places], right[places + 1]).numpy()

    def _cloze_distributions(self, document: Ids) -> Iterator[tuple[slice, NDArray[np.float32]]]:
        """Yield slices of positions with log p(x_t | all others), (positions, V)."""
        with torch.inference_mode():
            left, right = (
                side[cut] for side, cut in zip(self._both(document), (slice(-1), slice(1, None)), strict=True)
            )
            for first in range(0, len(document), step := max(1, LOGITS // self.vocabulary_size)):
                rows = slice(first, first + step)
                yield rows, self._join(left[rows], right[rows]).numpy()

    def _join(self, left: Tensor, right: Tensor) -> Tensor:
        """Return log p(x_t | left, right) (..., V) for hidden vectors (..., H) of both directions."""
        both = self.network.softmax.log_probs(left) + self.network.softmax.log_probs(right)
        return (both - self.network.log_shares).log_softmax(-1)

    def _both(self, document: Ids) -> tuple[Tensor, Tensor]:
        """Return hidden vectors (n + 1, H) of both directions.

        Vector t of the forward direction has read `<bos>` and the first t tokens, that of the backward direction
        `<eos>` and all tokens but the first t.
        """
        tokens = as_tensor(document)[None]
        left, _ = self.network(nn.functional.pad(tokens, (1, 0), value=BOS), self.network.start(1))
        return left[0], self.network.read_backwards(nn.functional.pad(tokens.flip(1), (1, 0), value=EOS))[0].flip(0)

    @torch.inference_mode()
    def contextual(self, document: Ids) -> NDArray[np.floating]:
        """Return contextual vectors (n, 2 H) of the tokens: each half has read the token and one side of it."""
        left, right = self._both(document)
        return torch.cat([left[1:], right[:-1]], dim=-1).numpy()


fit, load = Model.fit, Model.load
