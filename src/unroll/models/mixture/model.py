"""Linear interpolation of language models (Jelinek and Mercer 1980): p(x | past) = sum_k w_k p_k(x | past).

The weights are fitted on the valid split, which no member has been trained on, by EM: the share of token t that
member k is responsible for is w_k p_k(x_t) / sum_j w_j p_j(x_t), and w_k becomes its mean.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unroll import models
from unroll.errors import UnrollError
from unroll.models.base import storage
from unroll.models.base.inputs import Inputs
from unroll.models.base.protocol import Log, LogProbs, Member
from unroll.models.mixture.params import MixtureParams
from unroll.text.streams import Data, Ids

State = tuple[Any, ...]
"""The state of each member."""


class Model:
    def __init__(self, params: MixtureParams, members: Sequence[Member[Any]], weights: NDArray[np.float64]) -> None:
        """Any number of members over one vocabulary, with a weight each, shape (K,)."""
        self.params, self.members, self.weights = params, tuple(members), weights
        self.vocabulary_size = self.members[0].vocabulary_size

    def start(self, batch_size: int = 1) -> State:
        return tuple(member.start(batch_size) for member in self.members)

    def advance(self, state: State, tokens: Ids) -> State:
        return tuple(member.advance(part, tokens) for member, part in zip(self.members, state, strict=True))

    def next_log_probs(self, state: State) -> LogProbs:
        return self._mixed([m.next_log_probs(part) for m, part in zip(self.members, state, strict=True)])

    def select(self, state: State, rows: Ids) -> State:
        return tuple(member.select(part, rows) for member, part in zip(self.members, state, strict=True))

    def log_probs(self, documents: Sequence[Ids]) -> list[LogProbs]:
        return [self._mixed(scores) for scores in zip(*(m.log_probs(documents) for m in self.members), strict=True)]

    def _mixed(self, log_probs: Sequence[LogProbs]) -> LogProbs:
        """In float64; what is impossible for every member of weight above zero is -inf, never NaN."""
        with np.errstate(divide="ignore"):
            weighted = [np.log(w) + np.asarray(p, np.float64) for w, p in zip(self.weights, log_probs, strict=True)]
        return np.logaddexp.reduce(weighted, axis=0)

    def save(self, path: Path) -> None:
        """Members in subfolders 0, 1, ...: the folder needs no other model's."""
        for index, member in enumerate(self.members):
            (path / str(index)).mkdir()
            member.save(path / str(index))
        storage.write(path, {"params": self.params.model_dump()}, {"weights": self.weights})


def load(path: Path) -> Model:
    params, weights = MixtureParams.model_validate(storage.read_params(path)["params"]), storage.read_weights(path)
    members = [models.load(path / str(index)) for index in range(len(weights["weights"]))]
    return Model(params, members, weights["weights"])


def fit(params: MixtureParams, data: Data, inputs: Inputs, log: Log) -> Model:
    """Fit the weights of two trained models on data.valid.

    Args:
        params: The settings, which name the members.
        data: The partition.
        inputs: Where the members are found.
        log: Receives the validation loss and the first weight at each EM step.

    Returns:
        The mixture.

    Raises:
        UnrollError: The vocabularies of the members and of the data differ.
    """
    members = [inputs.model(name) for name in (params.first, params.second)]
    for member in members:
        if member.vocabulary_size != data.vocabulary_size:
            raise UnrollError(
                f"mixtures (tokenizer {params.tokenizer}): the vocabulary of a member has {member.vocabulary_size} tokens, "
                f"but that of tokenizers.{params.tokenizer} has {data.vocabulary_size}; mix models of one tokenizer"
            )
    documents = data.valid.documents
    probs = np.exp([np.concatenate(member.log_probs(documents)).astype(np.float64) for member in members])  # (K, T)
    weights, loss = np.full(len(members), 1 / len(members)), np.inf
    possible = (probs > 0).any(0)
    for step in range(1, params.iterations + 1 if possible.any() else 1):
        mixed = weights @ probs[:, possible]
        before, loss = loss, -float(np.log(mixed).mean())
        log(step, valid_loss=loss if possible.all() else np.inf, first_weight=float(weights[0]))
        if before - loss < params.tolerance:
            break
        weights = weights * (probs[:, possible] / mixed).mean(1)
        weights /= weights.sum()
    return Model(params, members, weights)
