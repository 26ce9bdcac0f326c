"""Cache evaluation: p = (1 - w) p_model + w p_cache, where the cache counts the recent tokens of the document.

Kuhn and De Mori (1990); Grave, Joulin and Usunier (2017) for neural language models. The weight w is fitted by EM on
the valid split.
"""

from collections.abc import Sequence

import numpy as np

from unroll.evaluation.perplexity import score
from unroll.evaluation.result import Evaluation
from unroll.evaluation.subject import Subject
from unroll.models import family
from unroll.models.base.protocol import LanguageModel, LogProbs


def measure(subject: Subject) -> Evaluation | None:
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
