"""Linear interpolation of language models (Jelinek and Mercer 1980): p(x | past) = sum_k w_k p_k(x | past).

The weights are fitted by EM on the valid split, which no member has been trained on. The responsibility of member k for
token t is w_k p_k(x_t) / sum_j w_j p_j(x_t), and the new w_k is the mean of its responsibilities.
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
    """A mixture of any number of members over one vocabulary. It satisfies LanguageModel."""

    def __init__(self, params: MixtureParams, members: Sequence[Member[Any]], weights: NDArray[np.float64]) -> None:
        """Set the settings, the members and their weights (K,)."""
        self.params, self.members, self.weights = params, tuple(members), weights
        self.vocabulary_size = self.members[0].vocabulary_size

    @property
    def parameters(self) -> int:
        """Those of the members, and K - 1 weights of K members, since the weights sum to one."""
        return sum(member.parameters for member in self.members) + len(self.members) - 1

    @property
    def fitted_on_valid(self) -> tuple[str, ...]:
        """The weights, and what the members fitted there."""
        return tuple(dict.fromkeys(["mixture weights", *(name for m in self.members for name in m.fitted_on_valid)]))

    def start(self, batch_size: int = 1) -> State:
        """Return the state of `batch_size` contexts that have read only `<bos>`."""
        return tuple(member.start(batch_size) for member in self.members)

    def advance(self, state: State, tokens: Ids) -> State:
        """Return the state after row b has read tokens[b]."""
        return tuple(member.advance(part, tokens) for member, part in zip(self.members, state, strict=True))

    def next_log_probs(self, state: State) -> LogProbs:
        """Return log p(next token | context), (B, V)."""
        return self._interpolate([m.next_log_probs(part) for m, part in zip(self.members, state, strict=True)])

    def select(self, state: State, rows: Ids) -> State:
        """Return the state whose row i is row rows[i] of `state`."""
        return tuple(member.select(part, rows) for member, part in zip(self.members, state, strict=True))

    def log_probs(self, documents: Sequence[Ids]) -> list[LogProbs]:
        """Return log p of every token given its context."""
        of_members = zip(*(member.log_probs(documents) for member in self.members), strict=True)
        return [self._interpolate(log_probs) for log_probs in of_members]

    def _interpolate(self, log_probs: Sequence[LogProbs]) -> LogProbs:
        """Mix in float64. A token that is impossible for every member with a positive weight gets -inf, never NaN."""
        with np.errstate(divide="ignore"):
            weighted = [np.log(w) + np.asarray(p, np.float64) for w, p in zip(self.weights, log_probs, strict=True)]
        return np.logaddexp.reduce(weighted, axis=0)

    def save(self, path: Path) -> None:
        """Write the mixture into the folder `path`, with a copy of each member in the subfolders 0, 1, ..."""
        for index, member in enumerate(self.members):
            (path / str(index)).mkdir()
            member.save(path / str(index))
        storage.write(path, {"params": self.params.model_dump()}, {"weights": self.weights})


def load(path: Path) -> Model:
    """Load the mixture that `Model.save` wrote into the folder `path`."""
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
                f"mixtures (tokenizer {params.tokenizer}): the vocabulary of a member has {member.vocabulary_size} "
                f"tokens, but that of tokenizers.{params.tokenizer} has {data.vocabulary_size}; mix models with "
                "the same tokenizer"
            )
    return Model(params, members, fit_weights(params, data, members, log))


def fit_weights(params: MixtureParams, data: Data, members: Sequence[Member[Any]], log: Log) -> NDArray[np.float64]:
    """Fit the weights of trained models by EM on data.valid, from equal weights.

    Args:
        params: The settings, with the number of iterations and the tolerance.
        data: The partition.
        members: The trained models.
        log: Receives the validation loss and the first weight before each EM step.

    Returns:
        The weights (K,). Tokens that are impossible for every member do not change them.
    """
    documents = data.valid.documents
    probs = np.exp([np.concatenate(member.log_probs(documents)).astype(np.float64) for member in members])  # (K, T)
    weights, loss = np.full(len(members), 1 / len(members)), np.inf
    possible = (probs > 0).any(0)
    for step in range(1, params.iterations + 1 if possible.any() else 1):
        mixed = weights @ probs[:, possible]
        previous, loss = loss, -float(np.log(mixed).mean())
        log(step, valid_loss=loss if possible.all() else np.inf, first_weight=float(weights[0]))
        if previous - loss < params.tolerance:
            break
        weights = weights * (probs[:, possible] / mixed).mean(1)
        weights /= weights.sum()
    return weights
