"""Hidden Markov model of a document: p(x, z) = p(z_1) prod p(z_t | z_t-1) prod p(x_t | z_t).

It is fitted by EM (Baum and Welch; Rabiner 1989, sections III and V). `<eos>` is emitted by a state like any other
token, and `<bos>` is not emitted. A document of any length is scored exactly by one recursion from its beginning to its
end; see `unroll.models.hmm.forward_backward`.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from unroll.models.base import storage
from unroll.models.base.inputs import Inputs
from unroll.models.base.protocol import Log, LogProbs
from unroll.models.hmm.em import BaumWelch, safe_log
from unroll.models.hmm.forward_backward import CPU, Array, Probabilities, Trellis
from unroll.models.hmm.params import HmmParams
from unroll.text.streams import Data, Ids, Stream
from unroll.text.tokenizers.vocabulary import EOS, FIRST_PREDICTED
from unroll.training.device import torch_device

Belief = Array
"""A state: the filtering distribution p(z_t | x_1..x_t), (B, S + 1). The last column is the probability that the
document has not begun. It is 1 after `start`, and its transitions are the initial distribution."""

VITERBI_BLOCK = 2**22
"""The number of elements (documents x states x states) of a step of `viterbi`. It bounds memory."""


class Model:
    """A hidden Markov model. It satisfies LanguageModel and KStepModel."""

    fitted_on_valid: tuple[str, ...] = ()

    def __init__(self, params: HmmParams, initial: Array, transition: Array, emission: Array) -> None:
        """Set the settings and the probabilities p(z_1) (S,), p(z' | z) (S, S) and p(x | z) (S, V)."""
        self.params, self.vocabulary_size = params, emission.shape[1]
        self.initial, self.transition, self.emission = initial, transition, emission
        self._next = np.vstack([transition, initial])  # (S + 1, S)

    @property
    def probabilities(self) -> Probabilities:
        """The probabilities of the model."""
        return Probabilities(self.initial, self.transition, self.emission)

    @property
    def parameters(self) -> int:
        """(S - 1) + S (S - 1) + S (V' - 1) for S states and V' tokens that can be predicted, `<eos>` among them."""
        states, tokens = len(self.initial), self.vocabulary_size - FIRST_PREDICTED
        return states - 1 + states * (states - 1) + states * (tokens - 1)

    def start(self, batch_size: int = 1) -> Belief:
        """Return the state of `batch_size` contexts that have read only `<bos>`."""
        return np.eye(len(self._next))[[-1] * batch_size]

    def advance(self, state: Belief, tokens: Ids) -> Belief:
        """Predict, then correct. If p(token) is 0, the filtering distribution stays at its prediction."""
        predicted = state @ self._next  # p(z_t+1 | x_1..x_t)
        joint = predicted * self.emission[:, tokens].T
        evidence = joint.sum(1, keepdims=True)
        corrected = np.divide(joint, evidence, out=predicted, where=evidence > 0)
        return np.pad(corrected, [(0, 0), (0, 1)])

    def next_log_probs(self, state: Belief) -> LogProbs:
        """Return log p(next token | context), (B, V)."""
        return self.log_probs_ahead(state, 1)

    def log_probs_ahead(self, state: Belief, steps: int) -> LogProbs:
        """Predict a token some steps ahead by a power of the transition matrix. The chain continues after `<eos>`.

        Args:
            state: The state (B, S + 1).
            steps: The number of steps k, at least 1.

        Returns:
            log p(x_{t+k} | x_1..x_t), (B, V).
        """
        predicted = state @ self._next @ np.linalg.matrix_power(self.transition, steps - 1)
        return safe_log(predicted @ self.emission)

    def k_step_log_probs(self, state: Belief, steps: int) -> LogProbs:
        """Return log p(x_{t+k} | x_1..x_t) for k = 1 .. steps, (steps, B, V). `<eos>` is followed by `<eos>`."""
        predicted, ended, results = state @ self._next, np.zeros(len(state)), []  # (B, S), (B,)
        for _ in range(steps):
            tokens = predicted @ self.emission  # (B, V)
            tokens[:, EOS] += ended
            results.append(safe_log(tokens))
            ended = tokens[:, EOS]
            predicted = (predicted * (1 - self.emission[:, EOS])) @ self.transition
        return np.stack(results)

    def select(self, state: Belief, rows: Ids) -> Belief:
        """Return the state whose row i is row rows[i] of `state`."""
        return state[rows]

    def log_probs(self, documents: Sequence[Ids]) -> list[LogProbs]:
        """Return log p of every token given its context. All documents are scored together."""
        return self._log_probs(documents, CPU)

    def _log_probs(self, documents: Sequence[Ids], device: torch.device) -> list[LogProbs]:
        ends = np.cumsum([len(document) for document in documents], dtype=np.int64)
        if len(ends) == 0 or ends[-1] == 0:
            return [np.empty(0) for _ in documents]
        starts = np.unique(np.concatenate([[0], ends[:-1]]))
        tokens, starts = np.concatenate(documents), starts[starts < ends[-1]]
        trellis = Trellis(tokens, starts, len(self.initial), self.vocabulary_size, device)
        return np.split(safe_log(trellis.scales(self.probabilities)), ends[:-1])

    def viterbi(self, documents: Sequence[Ids]) -> list[tuple[Ids, float]]:
        """Find the most probable path of hidden states.

        Args:
            documents: Arrays of token ids.

        Returns:
            For each document, the path, an array of its length, and log p(document, path).
        """
        order = sorted(range(len(documents)), key=lambda i: -len(documents[i]))
        most = max(1, VITERBI_BLOCK // len(self.initial) ** 2)
        paths: dict[int, tuple[Ids, float]] = {}
        for first in range(0, len(order), most):
            batch = order[first : first + most]
            paths |= zip(batch, self._viterbi([documents[i] for i in batch]), strict=True)
        return [paths[i] for i in range(len(documents))]

    def _viterbi(self, documents: Sequence[Ids]) -> list[tuple[Ids, float]]:
        """Decode documents that are sorted by decreasing length, so that those still running come first."""
        lengths = np.array([len(document) for document in documents])
        transition, emission = safe_log(self.transition), safe_log(self.emission)
        best = np.tile(safe_log(self.initial), (len(documents), 1))  # (B, S): log p of the best path to each state
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
        """Write the model into the existing folder `path`."""
        weights = {"initial": self.initial, "transition": self.transition, "emission": self.emission}
        storage.write(path, {"params": self.params.model_dump()}, weights)


def load(path: Path) -> Model:
    """Load the model that `Model.save` wrote into the folder `path`."""
    return Model(HmmParams.model_validate(storage.read_params(path)["params"]), **storage.read_weights(path))


def fit(params: HmmParams, data: Data, inputs: Inputs, log: Log) -> Model:
    """Train the model by EM.

    EM runs from `restarts` random starting points on the first `restart_tokens` tokens. The best of them continues on
    the whole train split (Biernacki, Celeux and Govaert 2003).

    Args:
        params: The settings.
        data: The partition.
        inputs: The device.
        log: Receives the training and the validation loss of each iteration on the whole train split.

    Returns:
        The model, a function of the settings, the data and data.seed.

    Raises:
        UnrollError: The train split has probability zero, or there is no such device.
    """
    device = torch_device(inputs.device)
    start = _best_start(params, data, device)
    em = BaumWelch(params, data.train, data.vocabulary_size, device)
    for epoch, iteration in enumerate(em.run(start, params.iterations), 1):
        estimate = iteration.model
        model = Model(params, estimate.initial, estimate.transition, estimate.emission)
        values = {"epoch": epoch, "train_loss": iteration.loss}
        if data.valid.predicted:
            values["valid_loss"] = -float(np.concatenate(model._log_probs(data.valid.documents, device)).mean())
        log(epoch, **values)
    return model


def _best_start(params: HmmParams, data: Data, device: torch.device) -> Probabilities:
    """Return the end of the best run of EM on the first documents, the first one if several are equal.

    No more than two models are held: the best end, and the model of the current run.
    """
    em = BaumWelch(params, _first_documents(data.train, params.restart_tokens), data.vocabulary_size, device)
    ends = (
        em.run_from(np.random.default_rng([data.seed, restart]), params.restart_iterations)
        for restart in range(params.restarts)
    )
    return max(ends, key=em.objective)


def _first_documents(stream: Stream, tokens: int) -> Stream:
    """Return the documents up to the one that contains the token number `tokens`."""
    documents = int(np.searchsorted(stream.offsets, min(tokens, len(stream.tokens))))
    return Stream(stream.tokens[: stream.offsets[documents]], stream.offsets[: documents + 1])
