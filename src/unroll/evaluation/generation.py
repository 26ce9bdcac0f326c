"""Text generation from any language model, by sampling or greedy search."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unroll.models.base.protocol import LanguageModel, LogProbs
from unroll.text.streams import Ids
from unroll.text.tokenizers.vocabulary import EOS


@dataclass(frozen=True)
class SamplingOptions:
    """Changes to the distribution from which a token is drawn. The default values change nothing."""

    top_k: int = 0
    """Only the k most probable tokens are drawn (Fan, Lewis and Dauphin 2018); 0 allows all."""
    top_p: float = 1.0
    """Only the smallest set of tokens with at least this probability is drawn (the nucleus of Holtzman et al. 2020)."""
    repetition_penalty: float = 1.0
    """log p of a token that the text already contains is multiplied by this number. Keskar et al. (2019) divide
    positive logits and multiply negative ones; log p is never positive."""


UNCHANGED = SamplingOptions()
"""Options that leave the distribution of the model unchanged."""


def generate(
    model: LanguageModel[Any],
    state: Any,
    count: int,
    length: int,
    temperature: float,
    seed: int,
    options: SamplingOptions = UNCHANGED,
    prompt: Sequence[int] | Ids = (),
) -> list[Ids]:
    """Continue contexts until `<eos>` or a maximum length.

    Args:
        model: The language model.
        state: The state of the contexts.
        count: The number of contexts.
        length: The maximum number of tokens of a continuation.
        temperature: The number by which log-probabilities are divided before sampling. 0 is greedy search.
        seed: The random seed.
        options: Changes to the distribution.
        prompt: The tokens that `state` has read. The repetition penalty counts them as part of the text.

    Returns:
        The continuations, without `<eos>`.
    """
    generator = np.random.default_rng(seed)
    finished = np.zeros(count, dtype=bool)
    used = np.zeros((count, model.vocabulary_size), dtype=bool)
    used[:, np.asarray(prompt, dtype=np.int64)] = True
    steps: list[Ids] = []
    for _ in range(length):
        log_probs = apply_options(model.next_log_probs(state), temperature, options, used)
        tokens = np.where(finished, EOS, sample_tokens(log_probs, temperature, generator))
        used[np.arange(count), tokens] = True
        steps.append(tokens)
        finished |= tokens == EOS
        if finished.all():
            break
        state = model.advance(state, tokens)
    columns = np.stack(steps) if steps else np.empty((0, count), dtype=np.int64)
    return [column[: _length_before_eos(column)] for column in columns.T]


def sample_tokens(log_probs: Any, temperature: float, generator: np.random.Generator) -> Ids:
    """Draw one token per row from p(token) ~ exp(log_probs / temperature), by inverting the cumulative distribution.

    Args:
        log_probs: Log-probabilities (B, V); a row need not sum to one.
        temperature: The temperature. 0 takes the most probable token and draws no random number.
        generator: The random generator. It draws one uniform number per row.

    Returns:
        Token ids (B,).
    """
    if temperature == 0:
        return np.argmax(log_probs, axis=1)
    cumulative = np.cumsum(_tempered(np.asarray(log_probs, np.float64), temperature), axis=1)
    total = cumulative[:, -1]
    threshold = np.minimum(generator.random(len(total)) * total, np.nextafter(total, 0))  # rounding could reach total
    return np.argmax(cumulative > threshold[:, None], axis=1)


def apply_options(
    log_probs: LogProbs, temperature: float, options: SamplingOptions, used: NDArray[np.bool_]
) -> LogProbs:
    """Apply the repetition penalty, top-k and top-p, in this order.

    Args:
        log_probs: Log-probabilities (B, V).
        temperature: The temperature of the sampling, since top-p applies to the distribution with temperature.
        options: The options.
        used: Whether the text of a row already contains a token (B, V).

    Returns:
        Log-probabilities (B, V), -inf for tokens that are not allowed. Rows no longer sum to one. The most probable
        token of a row is always allowed.
    """
    if options.repetition_penalty != 1:
        log_probs = np.where(used, log_probs * options.repetition_penalty, log_probs)
    if 0 < options.top_k < log_probs.shape[1]:
        least = np.partition(log_probs, -options.top_k, axis=1)[:, [-options.top_k]]
        log_probs = np.where(log_probs >= least, log_probs, -np.inf)
    if options.top_p < 1 and temperature > 0:
        order = np.argsort(-log_probs, axis=1, kind="stable")
        sorted_p = np.take_along_axis(_tempered(log_probs, temperature), order, axis=1)
        before = np.cumsum(sorted_p, axis=1) - sorted_p  # the probability of the tokens more probable than this one
        outside = before >= options.top_p * sorted_p.sum(axis=1, keepdims=True)
        outside[:, 0] = False
        log_probs = log_probs.copy()
        rows, columns = np.nonzero(outside)
        log_probs[rows, order[rows, columns]] = -np.inf
    return log_probs


def read_contexts(model: LanguageModel[Any], contexts: Ids) -> Any:
    """Return the state of N contexts that have read `<bos>` and their K tokens; contexts is (N, K)."""
    state = model.start(len(contexts))
    for tokens in contexts.T:
        state = model.advance(state, tokens)
    return state


def read_prompt(model: LanguageModel[Any], prompt: Ids, count: int) -> Any:
    """Return the state of `count` equal contexts that have read `<bos>` and the prompt (T,)."""
    state = read_contexts(model, np.asarray(prompt, dtype=np.int64)[None])
    return model.select(state, np.zeros(count, dtype=np.int64))


def _tempered(log_probs: LogProbs, temperature: float) -> LogProbs:
    """Return p^(1 / temperature), (B, V), relative to the most probable token of the row."""
    with np.errstate(over="ignore"):  # division by a tiny temperature overflows to -inf
        return np.exp((log_probs - log_probs.max(axis=1, keepdims=True)) / temperature)


def _length_before_eos(column: Ids) -> int:
    """Return the number of tokens before the first `<eos>`."""
    ends = np.flatnonzero(column == EOS)
    return int(ends[0]) if len(ends) else len(column)
