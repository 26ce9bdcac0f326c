"""Predictions of the token k steps ahead, p(x_{t+k} | x_1..x_t).

The probability is a sum over all possible tokens in between. A model with `k_step_log_probs` computes it exactly (an
HMM by powers of the transition matrix, an n-gram model by the distribution of its last n - 1 tokens). For any other
model it is the mean p' over n sampled continuations. A document that has ended continues with `<eos>`, so that every
row is a distribution. The samples do not end: each has the probability of not having ended as its weight, so that no
token becomes impossible because all samples have ended.

p' is unbiased, but -log is convex, so -log p' is too large on average. By the delta method (Casella and Berger 2002,
section 5.5.4), with the sample variance s^2 of the n probabilities,

    E[-log p'] - (-log p)  =  s^2 / (2 n p'^2) + O(1 / n^2)        standard error of -log p'  =  s / (sqrt(n) p')
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unroll.evaluation.generation import read_contexts, sample_tokens
from unroll.evaluation.result import Evaluation
from unroll.evaluation.subject import Subject
from unroll.models.base.protocol import KStepModel, LanguageModel, LogProbs
from unroll.params.evaluate import KStep
from unroll.text.streams import Ids
from unroll.text.tokenizers.vocabulary import EOS


@dataclass(frozen=True)
class Estimate:
    """Predictions k steps ahead, for k = 1 .. steps."""

    log_probs: LogProbs
    """log p(x_{t+k} | x_1..x_t), (steps, rows, V)."""
    bias: NDArray[np.floating] | None
    """By how much -log p is expected to be too large, (steps, rows, V); None if it is exact."""


def measure(subject: Subject) -> Evaluation | None:
    """Measure the predictions k steps ahead of a language model of a sampled corpus."""
    if not isinstance(subject.model, LanguageModel) or not subject.sampled:
        return None
    rows, estimate = predict(subject.model, subject.documents["test"], subject.params.k_step, subject.seed)
    arrays = {"k_step": estimate.log_probs.astype(np.float32)}
    if estimate.bias is not None:
        arrays["k_step_bias"] = estimate.bias.astype(np.float32)
    return Evaluation(diagnostics={"k_step": rows}, arrays=arrays)


def predict(
    model: LanguageModel[Any], documents: Sequence[Ids], params: KStep, seed: int
) -> tuple[list[dict[str, float]], Estimate]:
    """Predict k steps ahead from the beginnings of randomly drawn documents.

    Args:
        model: The language model.
        documents: The documents, with `<eos>`.
        params: The number of documents, the number of tokens read, the number of steps and of sampled continuations.
        seed: The random seed.

    Returns:
        For each k, the nats of the token that followed k steps later, their estimated upward bias and the standard
        error of the sampling, which are 0 for an exact method; and the predictions in all contexts.
    """
    long = [document for document in documents if len(document) > params.length]
    drawn = np.sort(np.random.default_rng([seed, 4]).permutation(len(long))[: params.contexts])
    if not len(drawn):
        return [], Estimate(np.empty((0, 0, 0)), None)
    contexts = np.stack([long[index][: params.length] for index in drawn]).astype(np.int64)  # (N, length)
    state = read_contexts(model, contexts)
    estimate = k_step_log_probs(model, state, len(contexts), params.steps, params.samples, seed)
    targets = np.full((params.steps, len(drawn)), EOS)
    for column, index in enumerate(drawn):
        future = long[index][params.length : params.length + params.steps]
        targets[: len(future), column] = future
    nats = -_select(estimate.log_probs, targets)  # (K, N)
    bias = np.zeros_like(nats) if estimate.bias is None else _select(estimate.bias, targets)
    errors = np.sqrt((2 * bias).sum(1)) / len(drawn)  # of the mean over contexts; 2 bias is the variance of -log p'
    columns = zip(nats.mean(1), bias.mean(1), errors, strict=True)
    rows = [
        {"steps": step, "nats": float(value), "bias": float(high), "error": float(error)}
        for step, (value, high, error) in enumerate(columns, 1)
    ]
    return rows, estimate


def _select(values: NDArray[Any], targets: Ids) -> NDArray[Any]:
    """Return the values (K, N) of the targets (K, N) among values (K, N, V)."""
    return np.take_along_axis(values, targets[:, :, None], axis=2)[:, :, 0]


def k_step_log_probs(model: LanguageModel[Any], state: Any, rows: int, steps: int, samples: int, seed: int) -> Estimate:
    """Compute log p(x_{t+k} | x_1..x_t) for k = 1 .. steps.

    Args:
        model: The language model. The result is exact if it satisfies KStepModel.
        state: The state of the contexts.
        rows: The number of contexts.
        steps: The largest k.
        samples: The number n of sampled continuations per context of a model without an exact method.
        seed: The random seed of the continuations.

    Returns:
        The log-probabilities and their bias. The first step is exact for every model.
    """
    if isinstance(model, KStepModel):
        return Estimate(model.k_step_log_probs(state, steps), None)
    generator = np.random.default_rng([seed, 3])
    state = model.select(state, np.repeat(np.arange(rows), samples))
    running = np.ones(rows * samples)  # the probability that each sample has not ended
    results, bias = np.empty((2, steps, rows, model.vocabulary_size))
    for step in range(steps):
        log_probs = np.array(model.next_log_probs(state), dtype=np.float64)  # (rows * samples, V)
        probs = running[:, None] * np.exp(log_probs)
        probs[:, EOS] += 1 - running
        values = probs.reshape(rows, samples, -1)
        mean = values.mean(1)  # (rows, V)
        with np.errstate(divide="ignore"):
            results[step] = np.log(mean)
        # The squares of values below 1e-162 are zero, so the variance is that of the ratios to the mean.
        ratios = np.divide(values, mean[:, None], out=np.zeros_like(values), where=mean[:, None] > 0)
        bias[step] = ratios.var(1, ddof=1) / (2 * samples)
        if step + 1 < steps:
            running = 1 - probs[:, EOS]
            log_probs[:, EOS] = -np.inf
            log_probs[np.isneginf(log_probs).all(1), EOS] = 0.0  # every document ends here, and the weight is zero
            state = model.advance(state, sample_tokens(log_probs, 1.0, generator))
    return Estimate(results, bias)


def kl_divergence(oracle: LogProbs, model: LogProbs) -> NDArray[np.float64]:
    """Compute KL(oracle || model) by step.

    Args:
        oracle: The log-probabilities of the oracle (steps, contexts, V).
        model: The log-probabilities of the model for the same contexts.

    Returns:
        The mean over contexts in nats, (steps,).
    """
    oracle, model = np.asarray(oracle, np.float64), np.asarray(model, np.float64)
    with np.errstate(invalid="ignore"):  # a token with probability 0 adds 0, also where the model gives -inf
        terms = np.where(np.isneginf(oracle), 0.0, np.exp(oracle) * (oracle - model))
    return terms.sum(2).mean(1)


def kl_bias(oracle: LogProbs, biases: Sequence[NDArray[np.floating]]) -> NDArray[np.float64]:
    """Compute by how much KL(oracle || model) is expected to be too large, by step.

    The bias of -log p enters with the weight p of the oracle. That of an oracle that is itself estimated from samples
    enters in the same way, since E[p' log p'] exceeds p log p by s^2 / (2 n p).

    Args:
        oracle: The log-probabilities of the oracle (steps, contexts, V).
        biases: The biases of the model and of the oracle (steps, contexts, V), of those that are not exact.

    Returns:
        The mean over contexts in nats, (steps,).
    """
    return (np.exp(np.asarray(oracle, np.float64)) * sum(biases, np.zeros_like(oracle))).sum(2).mean(1)
