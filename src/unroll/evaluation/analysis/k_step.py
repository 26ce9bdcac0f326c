"""Predictions of the token k steps ahead, p(x_{t+k} | x_1..x_t).

The probability is a sum over all possible tokens in between. A model with `k_step_log_probs` computes it exactly (an
HMM by powers of the transition matrix, an n-gram model by the distribution of its last n - 1 tokens). For any other
model it is estimated by the mean over sampled continuations. A document that has ended continues with `<eos>`, so that
every row is a distribution.
"""

from collections.abc import Sequence
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


def measure(subject: Subject) -> Evaluation | None:
    """Measure the predictions k steps ahead of a language model of a sampled corpus."""
    if not isinstance(subject.model, LanguageModel) or not subject.sampled:
        return None
    rows, log_probs = predict(subject.model, subject.documents["test"], subject.params.k_step, subject.seed)
    return Evaluation(diagnostics={"k_step": rows}, arrays={"k_step": log_probs})


def predict(
    model: LanguageModel[Any], documents: Sequence[Ids], params: KStep, seed: int
) -> tuple[list[dict[str, float]], NDArray[np.float32]]:
    """Predict k steps ahead from the beginnings of randomly drawn documents.

    Args:
        model: The language model.
        documents: The documents, with `<eos>`.
        params: The number of documents, the number of tokens read, the number of steps and of sampled continuations.
        seed: The random seed.

    Returns:
        For each k, the nats of the token that followed k steps later; and the log-probabilities (steps, contexts, V).
    """
    long = [document for document in documents if len(document) > params.length]
    drawn = np.sort(np.random.default_rng([seed, 4]).permutation(len(long))[: params.contexts])
    if not len(drawn):
        return [], np.empty((0, 0, 0), np.float32)
    contexts = np.stack([long[index][: params.length] for index in drawn]).astype(np.int64)  # (N, length)
    state = read_contexts(model, contexts)
    log_probs = k_step_log_probs(model, state, len(contexts), params.steps, params.samples, seed)
    targets = np.full((params.steps, len(drawn)), EOS)
    for column, index in enumerate(drawn):
        future = long[index][params.length : params.length + params.steps]
        targets[: len(future), column] = future
    nats = -np.take_along_axis(log_probs, targets[:, :, None], axis=2)[:, :, 0].mean(1)
    rows = [{"steps": step, "nats": float(value)} for step, value in enumerate(nats, 1)]
    return rows, log_probs.astype(np.float32)


def k_step_log_probs(model: LanguageModel[Any], state: Any, rows: int, steps: int, samples: int, seed: int) -> LogProbs:
    """Compute log p(x_{t+k} | x_1..x_t) for k = 1 .. steps.

    Args:
        model: The language model. The result is exact if it satisfies KStepModel.
        state: The state of the contexts.
        rows: The number of contexts.
        steps: The largest k.
        samples: The number of sampled continuations per context of a model without an exact method.
        seed: The random seed of the continuations.

    Returns:
        Log-probabilities (steps, rows, V). The first step is exact for every model.
    """
    if isinstance(model, KStepModel):
        return model.k_step_log_probs(state, steps)
    generator = np.random.default_rng([seed, 3])
    state = model.select(state, np.repeat(np.arange(rows), samples))
    ended = np.zeros(rows * samples, dtype=bool)
    results = np.empty((steps, rows, model.vocabulary_size))
    for step in range(steps):
        log_probs = np.array(model.next_log_probs(state), dtype=np.float64)  # (rows * samples, V)
        log_probs[ended] = np.where(np.arange(model.vocabulary_size) == EOS, 0.0, -np.inf)
        with np.errstate(divide="ignore"):
            results[step] = np.log(np.exp(log_probs).reshape(rows, samples, -1).mean(1))
        if step + 1 < steps:
            tokens = sample_tokens(log_probs, 1.0, generator)
            state = model.advance(state, tokens)
            ended |= tokens == EOS
    return results


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
