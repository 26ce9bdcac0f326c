"""Predicting the token k steps ahead: notes "Recurrent Neural Networks" (Qin), k-step-ahead prediction.

p(x_t+k | x_1..t) sums over all that may come between. A model with `foresee` does it exactly (HMM: powers of the
transition matrix; n-grams: the distribution over what they remember, moved on token by token); for any other the sum is
a mean over sampled continuations of the last step's distribution. A document that has ended goes on with `<eos>`, so
that every row is a distribution.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unroll.evaluation.evaluation import Evaluation
from unroll.evaluation.generation import choose
from unroll.evaluation.subject import Subject
from unroll.models.base.protocol import KStepModel, LanguageModel, LogProbs
from unroll.params.evaluate import KStep
from unroll.text.streams import Ids
from unroll.text.tokenizers.vocabulary import EOS


def k_step_log_probs(model: LanguageModel[Any], state: Any, rows: int, steps: int, samples: int, seed: int) -> LogProbs:
    """(steps, rows, V) log-probabilities ahead of the `rows` contexts of `state`: exact where the model can, else from
    `samples` continuations of each. The first step is exact always."""
    if isinstance(model, KStepModel):
        return model.k_step_log_probs(state, steps)
    generator = np.random.default_rng([seed, 3])
    state = model.select(state, np.repeat(np.arange(rows), samples))
    ended = np.zeros(rows * samples, dtype=bool)
    found = np.empty((steps, rows, model.vocabulary_size))
    for step in range(steps):
        log_probs = np.array(model.next_log_probs(state), dtype=np.float64)  # (rows * samples, V)
        log_probs[ended] = np.where(np.arange(model.vocabulary_size) == EOS, 0.0, -np.inf)
        with np.errstate(divide="ignore"):
            found[step] = np.log(np.exp(log_probs).reshape(rows, samples, -1).mean(1))
        if step + 1 < steps:
            tokens = choose(log_probs, 1.0, generator)
            state = model.advance(state, tokens)
            ended |= tokens == EOS
    return found


def predict(
    model: LanguageModel[Any], documents: Sequence[Ids], params: KStep, seed: int
) -> tuple[list[dict[str, float]], NDArray[np.float32]]:
    """From the first `length` tokens of documents drawn at random: nats of the token that came k steps later, by k, and
    the (steps, contexts, V) log-probabilities themselves."""
    long = [document for document in documents if len(document) > params.length]
    drawn = np.sort(np.random.default_rng([seed, 4]).permutation(len(long))[: params.contexts])
    if not len(drawn):
        return [], np.empty((0, 0, 0), np.float32)
    contexts = np.stack([long[index][: params.length] for index in drawn]).astype(np.int64)  # (N, length)
    state = model.start(len(contexts))
    for tokens in contexts.T:
        state = model.advance(state, tokens)
    log_probs = k_step_log_probs(model, state, len(contexts), params.steps, params.samples, seed)
    came = np.full((params.steps, len(drawn)), EOS)
    for column, index in enumerate(drawn):
        future = long[index][params.length : params.length + params.steps]
        came[: len(future), column] = future
    nats = -np.take_along_axis(log_probs, came[:, :, None], axis=2)[:, :, 0].mean(1)
    rows = [{"steps": step, "nats": float(value)} for step, value in enumerate(nats, 1)]
    return rows, log_probs.astype(np.float32)


def divergence(truth: LogProbs, model: LogProbs) -> NDArray[np.float64]:
    """KL(truth || model) in nats by step, the mean over contexts; both (steps, contexts, V) log-probabilities."""
    truth, model = np.asarray(truth, np.float64), np.asarray(model, np.float64)
    with np.errstate(invalid="ignore"):  # what cannot be adds nothing, whatever the model thinks of it
        terms = np.where(np.isneginf(truth), 0.0, np.exp(truth) * (truth - model))
    return terms.sum(2).mean(1)


def measure(subject: Subject) -> Evaluation | None:
    """Measure the predictions k steps ahead of a language model of a sampled corpus."""
    if not isinstance(subject.model, LanguageModel) or not subject.sampled:
        return None
    rows, log_probs = predict(subject.model, subject.documents["test"], subject.params.k_step, subject.seed)
    return Evaluation(diagnostics={"k_step": rows}, arrays={"k_step": log_probs})
