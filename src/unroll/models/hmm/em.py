"""Expectation-maximization (EM) for hidden Markov models: the Baum-Welch algorithm (Rabiner 1989, section III.C)."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from unroll.errors import UnrollError
from unroll.models.hmm.forward_backward import CPU, Array, Counts, Probabilities, Trellis
from unroll.models.hmm.params import HmmParams
from unroll.text.streams import Stream
from unroll.text.tokenizers.vocabulary import FIRST_PREDICTED


@dataclass(frozen=True)
class Iteration:
    """One EM iteration."""

    model: Probabilities
    """The probabilities after the iteration."""
    loss: float
    """The loss before the iteration, in nats per token."""
    objective: float
    """The log-likelihood plus the log prior before the iteration, in nats per token. It never decreases."""


class BaumWelch:
    """The Baum-Welch algorithm for the documents of one stream."""

    def __init__(self, params: HmmParams, stream: Stream, vocabulary_size: int, device: torch.device = CPU) -> None:
        """Set the settings, the documents, the size of the vocabulary, and the device of the E-step."""
        starts = stream.offsets[:-1]
        self.params, self.tokens = params, np.delete(stream.tokens, starts)  # `<bos>` is not emitted
        self.prior = np.full(vocabulary_size, params.pseudo_count)
        self.prior[:FIRST_PREDICTED] = 0
        self.trellis = Trellis(self.tokens, starts - np.arange(len(starts)), params.states, vocabulary_size, device)

    def initialize(self, generator: np.random.Generator) -> Probabilities:
        """Draw a starting point.

        Args:
            generator: The source of random numbers.

        Returns:
            A uniform initial distribution; transition rows drawn uniformly from the simplex; and emission rows
            proportional to the unigram counts times exponential variates.
        """
        states, size = self.params.states, len(self.prior)
        unigram = np.bincount(self.tokens, minlength=size) + self.prior
        emission = unigram * generator.exponential(size=(states, size))
        transition = generator.dirichlet(np.ones(states), states)
        return Probabilities(np.full(states, 1 / states), transition, _normalize(emission, emission))

    def run_from(self, generator: np.random.Generator, iterations: int) -> Probabilities:
        """Run EM from a drawn starting point, and return the last model; see `initialize` and `run`."""
        for iteration in self.run(self.initialize(generator), iterations):
            model = iteration.model
        return model

    def run(self, model: Probabilities, iterations: int) -> Iterator[Iteration]:
        """Run EM from a starting point.

        Args:
            model: The starting point.
            iterations: The maximum number of iterations.

        Yields:
            Each iteration. The last one is the first whose objective gained less than `tolerance`.

        Raises:
            UnrollError: The train split has probability zero.
        """
        objective = -np.inf
        for _ in range(iterations):
            counts = self.trellis.expected_counts(model)
            if counts.log_likelihood == -np.inf:
                raise UnrollError(
                    f"models (family hmm, tokenizer {self.params.tokenizer}): the train split has become impossible in "
                    "floating point; set pseudo_count above 0"
                )
            previous, objective = objective, self._objective(counts.log_likelihood, model)
            model = self.maximize(counts, model)
            yield Iteration(model, -counts.log_likelihood / len(self.tokens), objective)
            if objective - previous < self.params.tolerance:
                return

    def objective(self, model: Probabilities) -> float:
        """Return the log-likelihood plus the log prior of a model, in nats per token."""
        return self._objective(float(safe_log(self.trellis.scales(model)).sum()), model)

    def _objective(self, log_likelihood: float, model: Probabilities) -> float:
        return (log_likelihood + self.log_prior(model)) / len(self.tokens)

    def log_prior(self, model: Probabilities) -> float:
        """Return the log density of the emissions, up to a constant.

        The prior of each emission row is a Dirichlet distribution with concentration `pseudo_count` + 1.
        """
        positive = self.prior > 0
        return float((safe_log(model.emission[:, positive]) * self.prior[positive]).sum())

    def maximize(self, counts: Counts, model: Probabilities) -> Probabilities:
        """Compute the M-step.

        Args:
            counts: The expected counts.
            model: The probabilities before the step. A state without counts keeps its rows.

        Returns:
            The probabilities after the step.
        """
        return Probabilities(
            _normalize(counts.initial, model.initial),
            _normalize(counts.transition, model.transition),
            _normalize(counts.emission + self.prior, model.emission),
        )


def _normalize(counts: Array, otherwise: Array) -> Array:
    """Divide each row by its sum. Rows that sum to 0 are taken from `otherwise`."""
    total = counts.sum(-1, keepdims=True)
    return np.divide(counts, total, out=otherwise.copy(), where=total > 0)


def safe_log(probabilities: Array) -> Array:
    """Return natural logarithms, with log 0 = -inf."""
    with np.errstate(divide="ignore"):
        return np.log(probabilities)
