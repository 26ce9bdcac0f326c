"""Hidden Markov model of a document (notes "Transformers-2 - Natural Language Processing", "HMM for a word sequence"):
p(x, z) = p(z_1) prod p(z_t | z_t-1) prod p(x_t | z_t), fitted by EM (Baum and Welch; Rabiner 1989, sections III and V).

`<eos>` is a token like any other, emitted by a state; `<bos>` is not emitted. A document of any length is scored with
one recursion from its beginning to its end: see unroll.models.hmm.forward_backward for how that is both exact and fast.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from unroll.errors import UnrollError
from unroll.models.base import storage
from unroll.models.base.inputs import Inputs
from unroll.models.base.protocol import Log, LogProbs
from unroll.models.hmm.forward_backward import Chain, Counts, Trellis
from unroll.models.hmm.params import HmmParams
from unroll.text.streams import Data, Ids, Stream
from unroll.text.tokenizers.vocabulary import EOS, FIRST_PREDICTED

Array = NDArray[np.float64]
Belief = Array
"""A state: p(z_t | x_1..t), the filtering distribution, shape (B, S + 1). The last column is "not begun": at `start`
it is 1, and its transitions are the initial distribution."""

VITERBI_BLOCK = 2**22  # elements (documents x states x states) of one step


class Model:
    def __init__(self, params: HmmParams, initial: Array, transition: Array, emission: Array) -> None:
        """p(z_1) (S,), p(z' | z) (S, S) and p(x | z) (S, V)."""
        self.params, self.vocabulary_size = params, emission.shape[1]
        self.initial, self.transition, self.emission = initial, transition, emission
        self._next = np.vstack([transition, initial])  # (S + 1, S)

    def start(self, batch_size: int = 1) -> Belief:
        return np.eye(len(self._next))[[-1] * batch_size]

    def advance(self, state: Belief, tokens: Ids) -> Belief:
        """Prediction, then correction. A token of probability zero is no evidence: the belief stays as predicted."""
        predicted = state @ self._next  # p(z_t+1 | x_1..t)
        joint = predicted * self.emission[:, tokens].T
        evidence = joint.sum(1, keepdims=True)
        corrected = np.divide(joint, evidence, out=predicted, where=evidence > 0)
        return np.pad(corrected, [(0, 0), (0, 1)])

    def next_log_probs(self, state: Belief) -> LogProbs:
        return self.log_probs_ahead(state, 1)

    def log_probs_ahead(self, state: Belief, steps: int) -> LogProbs:
        """log p(x_t+k | x_1..t) for k = `steps` >= 1, shape (B, V), whatever comes between: the belief times the
        k-th power of the transition matrix. The chain does not stop at `<eos>`."""
        predicted = state @ self._next @ np.linalg.matrix_power(self.transition, steps - 1)
        return _log(predicted @ self.emission)

    def k_step_log_probs(self, state: Belief, steps: int) -> LogProbs:
        """log p(x_t+k | x_1..t) for k = 1 .. steps, shape (steps, B, V), where `<eos>` is followed by `<eos>` alone."""
        predicted, ended, found = state @ self._next, np.zeros(len(state)), []  # (B, S), (B,)
        for _ in range(steps):
            tokens = predicted @ self.emission  # (B, V)
            tokens[:, EOS] += ended
            found.append(_log(tokens))
            ended = tokens[:, EOS]
            predicted = (predicted * (1 - self.emission[:, EOS])) @ self.transition
        return np.stack(found)

    def select(self, state: Belief, rows: Ids) -> Belief:
        return state[rows]

    def log_probs(self, documents: Sequence[Ids]) -> list[LogProbs]:
        ends = np.cumsum([len(document) for document in documents], dtype=np.int64)
        if len(ends) == 0 or ends[-1] == 0:
            return [np.empty(0) for _ in documents]
        starts = np.unique(np.concatenate([[0], ends[:-1]]))
        tokens, starts = np.concatenate(documents), starts[starts < ends[-1]]
        trellis = Trellis(tokens, starts, len(self.initial), self.vocabulary_size, _device())
        return np.split(_log(trellis.scales(self.chain())), ends[:-1])

    def viterbi(self, documents: Sequence[Ids]) -> list[tuple[Ids, float]]:
        """The most probable path of hidden states of each document (its length,), and log p(x, path)."""
        order = sorted(range(len(documents)), key=lambda i: -len(documents[i]))
        most = max(1, VITERBI_BLOCK // len(self.initial) ** 2)
        paths: dict[int, tuple[Ids, float]] = {}
        for first in range(0, len(order), most):
            batch = order[first : first + most]
            paths |= zip(batch, self._viterbi([documents[i] for i in batch]), strict=True)
        return [paths[i] for i in range(len(documents))]

    def _viterbi(self, documents: Sequence[Ids]) -> list[tuple[Ids, float]]:
        """Of documents from long to short, so that those still running are always the first ones."""
        lengths = np.array([len(document) for document in documents])
        transition, emission = _log(self.transition), _log(self.emission)
        best = np.tile(_log(self.initial), (len(documents), 1))  # (B, S): log p of the best path to each state
        back = []
        for t in range(lengths[0]):
            running = int((lengths > t).sum())
            if t:
                through = best[:running, :, None] + transition  # (b, from, to)
                back.append(through.argmax(1))
                best[:running] = through.max(1)
            best[:running] += emission[:, [document[t] for document in documents[:running]]].T
        results = []
        for i, length in enumerate(lengths):
            path = np.empty(length, dtype=np.int64)
            if length:
                path[-1] = best[i].argmax()
            for t in range(length - 1, 0, -1):
                path[t - 1] = back[t - 1][i, path[t]]
            results.append((path, float(best[i].max()) if length else 0.0))
        return results

    def save(self, path: Path) -> None:
        weights = {"initial": self.initial, "transition": self.transition, "emission": self.emission}
        storage.write(path, {"params": self.params.model_dump()}, weights)

    def chain(self) -> Chain:
        """The parameters as unroll.models.hmm.forward_backward wants them."""
        return Chain.of(self.initial, self.transition, self.emission, _device())


def load(path: Path) -> Model:
    return Model(HmmParams.model_validate(storage.read_params(path)["params"]), **storage.read_weights(path))


def fit(params: HmmParams, data: Data, inputs: Inputs, log: Log) -> Model:
    """EM from `restarts` random beginnings on the first `restart_tokens` tokens; the best of them goes on with the
    whole train split (Biernacki, Celeux and Govaert 2003). Each iteration of the latter, one pass, is reported."""
    em = ExpectationMaximisation(params, _beginning(data.train, params.restart_tokens), data.vocabulary_size)
    ends = []
    for restart in range(params.restarts):
        *_, end = em.run(em.random(np.random.default_rng([data.seed, restart])), params.restart_iterations)
        ends.append(end)
    model = max(ends, key=lambda end: end.objective).model  # the first of equals
    em = ExpectationMaximisation(params, data.train, data.vocabulary_size)
    for epoch, iteration in enumerate(em.run(model, params.iterations), 1):
        model = iteration.model
        valid = np.concatenate(model.log_probs(data.valid.documents))
        log(epoch, epoch=epoch, train_loss=iteration.loss, valid_loss=-float(valid.mean()))
    return model


def _beginning(stream: Stream, tokens: int) -> Stream:
    """The documents from the first to that which has token `tokens`."""
    documents = int(np.searchsorted(stream.offsets, min(tokens, len(stream.tokens))))
    return Stream(stream.tokens[: stream.offsets[documents]], stream.offsets[: documents + 1])


@dataclass(frozen=True)
class Iteration:
    """One EM iteration: the model after it, and what was measured of the model before it, in nats per token."""

    model: Model
    loss: float
    objective: float
    """Log-likelihood plus log prior, which never falls."""


class ExpectationMaximisation:
    """EM for the documents of one stream."""

    def __init__(self, params: HmmParams, stream: Stream, vocabulary_size: int) -> None:
        starts = stream.offsets[:-1]
        self.params, self.tokens = params, np.delete(stream.tokens, starts)  # `<bos>` is not emitted
        self.prior = np.full(vocabulary_size, params.pseudo_count)
        self.prior[:FIRST_PREDICTED] = 0
        begins = starts - np.arange(len(starts))
        self.trellis = Trellis(self.tokens, begins, params.states, vocabulary_size, _device())

    def random(self, generator: np.random.Generator) -> Model:
        """Transitions uniform on the simplex; emissions the unigram counts, each times an exponential variate."""
        states, size = self.params.states, len(self.prior)
        unigram = np.bincount(self.tokens, minlength=size) + self.prior
        emission = unigram * generator.exponential(size=(states, size))
        transition = generator.dirichlet(np.ones(states), states)
        return Model(self.params, np.full(states, 1 / states), transition, _normalised(emission, emission))

    def run(self, model: Model, iterations: int) -> Iterator[Iteration]:
        """EM, until `iterations` are done or one gains less than `tolerance`."""
        objective = -np.inf
        for _ in range(iterations):
            counts = self.trellis.expected_counts(model.chain())
            if counts.log_likelihood == -np.inf:
                raise UnrollError(
                    f"models (family hmm, tokenizer {self.params.tokenizer}): the train split has become impossible in "
                    "floating point; set pseudo_count above 0"
                )
            before, objective = objective, (counts.log_likelihood + self.log_prior(model)) / len(self.tokens)
            model = self.maximise(counts, model)
            yield Iteration(model, -counts.log_likelihood / len(self.tokens), objective)
            if objective - before < self.params.tolerance:
                return

    def log_prior(self, model: Model) -> float:
        """Of the emissions, Dirichlet with `pseudo_count` + 1 for every token, but for its constant."""
        seen = self.prior > 0
        return float((_log(model.emission[:, seen]) * self.prior[seen]).sum())

    def maximise(self, counts: Counts, model: Model) -> Model:
        """The M-step. A state that has lost all its counts keeps its rows."""
        return Model(
            self.params,
            _normalised(counts.initial, model.initial),
            _normalised(counts.transition, model.transition),
            _normalised(counts.emission + self.prior, model.emission),
        )


def _normalised(counts: Array, otherwise: Array) -> Array:
    total = counts.sum(-1, keepdims=True)
    return np.divide(counts, total, out=otherwise.copy(), where=total > 0)


def _log(probabilities: Array) -> Array:
    with np.errstate(divide="ignore"):
        return np.log(probabilities)


def _device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")
