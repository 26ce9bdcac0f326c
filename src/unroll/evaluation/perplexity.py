"""Cross-entropy, perplexity and bits per byte of a model that predicts tokens (Jurafsky and Martin, chapter 3).

The perplexity with a cache is that of p = (1 - w) p_model + w p_cache, where the cache counts the recent tokens of the
document (Kuhn and De Mori 1990; Grave, Joulin and Usunier 2017). The weight w is fitted by EM on the valid split.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from unroll.evaluation import statistics
from unroll.evaluation.code_length import code_length
from unroll.evaluation.result import Evaluation
from unroll.evaluation.subject import Subject
from unroll.models import family
from unroll.models.base.protocol import DynamicModel, LanguageModel, LogProbs
from unroll.text.streams import Ids
from unroll.text.tokenizers.vocabulary import BOS, UNK
from unroll.training.perplexity import perplexity


@dataclass(frozen=True)
class Score:
    """Sums over the tokens of a text, in float64."""

    tokens: int
    """The number of predicted tokens, `<eos>` and `<unk>` included."""
    nats: float
    """The summed negative log-likelihood in nats."""
    unknown_tokens: int
    """The number of tokens that are `<unk>`."""
    nats_without_unknown: float
    """The part of `nats` that belongs to tokens other than `<unk>`."""
    impossible_tokens: int
    """The number of tokens with probability zero. One makes the perplexity infinite."""

    @property
    def cross_entropy(self) -> float:
        """The mean negative log-likelihood in nats per token."""
        return self.nats / self.tokens

    @property
    def bits(self) -> float:
        """The mean negative log-likelihood in bits per token."""
        return self.cross_entropy / math.log(2)

    @property
    def perplexity(self) -> float:
        """The exponential of the cross-entropy."""
        return perplexity(self.cross_entropy)

    @property
    def perplexity_without_unknown(self) -> float:
        """The perplexity over the tokens other than `<unk>`, given all tokens before them."""
        tokens = self.tokens - self.unknown_tokens
        return perplexity(self.nats_without_unknown / tokens) if tokens else math.inf


def score(log_probs: Sequence[LogProbs], documents: Sequence[Ids]) -> Score:
    """Sum the log-probabilities of the tokens of a text.

    Args:
        log_probs: For each document an array, as `LanguageModel.log_probs` returns them.
        documents: The documents.

    Returns:
        The sums.

    Raises:
        ValueError: The numbers of log-probabilities and of tokens of a document differ.
    """
    if [*map(len, log_probs)] != [*map(len, documents)]:
        raise ValueError("log_probs must have one log-probability for each token of each document")
    scores = np.concatenate([*log_probs, np.empty(0)], dtype=np.float64)
    known = np.concatenate([*documents, np.empty(0, dtype=np.int64)]) != UNK
    impossible = int(np.isneginf(scores).sum())
    unknown = len(known) - int(known.sum())
    return Score(len(scores), -float(scores.sum()), unknown, -float(scores[known].sum()), impossible)


def evaluate(model: LanguageModel[Any], documents: Sequence[Ids]) -> Score:
    """Score documents, arrays of tokens to predict with their `<eos>`, with a language model."""
    return score(model.log_probs(documents), documents)


def evaluate_carried(model: LanguageModel[Any], documents: Sequence[Ids], streams: int) -> Score:
    """Score documents without a reset of the context between them, as in papers on the Penn Treebank.

    Args:
        model: The language model.
        documents: The documents, with `<eos>`.
        streams: The number of streams that the documents are divided into. The documents of a stream are read one after
            the other, with `<bos>` between them as in training. It is read, but not predicted.

    Returns:
        The sums over the tokens of the documents.
    """
    parts = np.array_split(np.arange(len(documents)), min(streams, len(documents)))
    joined = [np.concatenate([np.append(documents[index], BOS) for index in part])[:-1] for part in parts]
    predicted = [stream != BOS for stream in joined]
    log_probs = [np.asarray(scores)[kept] for scores, kept in zip(model.log_probs(joined), predicted, strict=True)]
    return score(log_probs, [stream[kept] for stream, kept in zip(joined, predicted, strict=True)])


def measure(subject: Subject) -> Evaluation | None:
    """Measure perplexity and bits per byte of a model that predicts tokens."""
    if not subject.predicts:
        return None
    counts, data, log_probs = subject.data.counts["test"][subject.side], subject.data, subject.log_probs
    valid, test = (score(log_probs[split], subject.documents[split]) for split in ("valid", "test"))
    code = code_length(test.nats, counts["spelling_bits"], counts["spacing_bits"])
    per_byte = code.per(counts["bytes"] + counts["documents"])
    nats = -np.concatenate(log_probs["test"]).astype(np.float64)
    interval = statistics.estimate(nats, subject.params.statistics, subject.seed)
    metrics = {
        "valid_perplexity": valid.perplexity,
        "test_perplexity": test.perplexity,
        "test_perplexity_low": perplexity(interval.low),
        "test_perplexity_high": perplexity(interval.high),
        "test_perplexity_without_unknown": test.perplexity_without_unknown,
        "cross_entropy": test.cross_entropy,
        "bits_per_token": test.bits,
        "bits_per_character": code.per(counts["characters"] + counts["documents"]).total,
        "bits_per_byte": per_byte.total,
        "bits_per_byte_tokens": per_byte.tokens,
        "bits_per_byte_spelling": per_byte.spelling,
        "bits_per_byte_spacing": per_byte.spacing,
        "train_tokens": data.streams["train"][subject.side].predicted,
        "test_tokens": test.tokens,
        "oov_rate": test.unknown_tokens / test.tokens,
        "impossible_tokens": test.impossible_tokens,
        "vocabulary_size": data.vocabulary_size,
    }
    return Evaluation(metrics, log_probs={"nll": log_probs["test"]})


def measure_carried(subject: Subject) -> Evaluation | None:
    """Measure the perplexity of a language model whose context is carried across documents.

    The documents of sampled corpora are independent, so the measure omits them.
    """
    streams = subject.params.carried_streams
    if not isinstance(subject.model, LanguageModel) or not streams or subject.sampled:
        return None
    carried = evaluate_carried(subject.model, subject.documents["test"], streams)
    return Evaluation({"carried_perplexity": carried.perplexity})


def measure_dynamic(subject: Subject) -> Evaluation | None:
    """Measure the perplexity of a model by dynamic evaluation, if params.yaml enables it."""
    params = subject.params.dynamic
    if params.kind == "none" or not isinstance(subject.model, DynamicModel):
        return None
    documents = subject.documents["test"]
    log_probs = subject.model.adapted_log_probs(documents, params)
    metrics = {"dynamic_perplexity": score(log_probs, documents).perplexity}
    return Evaluation(metrics, log_probs={"dynamic_nll": log_probs})


def measure_cache(subject: Subject) -> Evaluation | None:
    """Measure the perplexity of a language model that is mixed with a unigram cache of the document."""
    if not isinstance(subject.model, LanguageModel):
        return None
    params, documents = subject.params.cache, subject.documents
    cache = family("cache").Model(params, subject.data.vocabulary_size)
    weight = fit_weight(subject.log_probs["valid"], cache.log_probs(documents["valid"]), params.iterations)
    mixture = mix(subject.log_probs["test"], cache.log_probs(documents["test"]), weight)
    metrics = {"cache_perplexity": score(mixture, documents["test"]).perplexity, "cache_weight": weight}
    return Evaluation(metrics, log_probs={"cache_nll": mixture})


def fit_weight(model: Sequence[LogProbs], cache: Sequence[LogProbs], iterations: int) -> float:
    """Fit the weight of the cache by EM.

    Args:
        model: The log-probabilities of the model, for each document an array.
        cache: The log-probabilities of the cache for the same tokens.
        iterations: The number of EM steps, which start from 1/2.

    Returns:
        The weight w; 0 if both give every token probability 0, or if there are no tokens.
    """
    p_model, p_cache = (np.exp(np.concatenate(scores).astype(np.float64)) for scores in (model, cache))
    possible = (p_model > 0) | (p_cache > 0)
    p_model, p_cache, w = p_model[possible], p_cache[possible], 0.5
    if not len(p_model):
        return 0.0
    for _ in range(iterations):
        w = float(np.mean(w * p_cache / (w * p_cache + (1 - w) * p_model)))
    return w


def mix(model: Sequence[LogProbs], cache: Sequence[LogProbs], weight: float) -> list[LogProbs]:
    """Mix a model with the cache.

    Args:
        model: The log-probabilities of the model, for each document an array.
        cache: The log-probabilities of the cache for the same tokens.
        weight: The weight of the cache.

    Returns:
        The log-probabilities of the mixture, for each document an array.
    """
    with np.errstate(divide="ignore"):  # log 0 is -inf
        log_model, log_cache = np.log1p(-weight), np.log(weight)
    return [np.logaddexp(log_model + a.astype(np.float64), log_cache + b) for a, b in zip(model, cache, strict=True)]
