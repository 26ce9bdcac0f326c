"""Cache evaluation: p = (1 - w) p_model + w p_cache, the cache being the document's own recent tokens.

Kuhn and De Mori 1990; for networks Grave, Joulin and Usunier 2017. w is fitted by EM on the valid split.
"""

from collections.abc import Sequence

import numpy as np

from unroll.evaluation.evaluation import Evaluation
from unroll.evaluation.perplexity import score
from unroll.evaluation.subject import Subject
from unroll.models import family
from unroll.models.base.protocol import LanguageModel, LogProbs


def weight(model: Sequence[LogProbs], cache: Sequence[LogProbs], iterations: int) -> float:
    """w from the log-probabilities of both on the valid split: EM steps from 1/2; 0 where there is no token."""
    ours, theirs = (np.exp(np.concatenate(scores).astype(np.float64)) for scores in (model, cache))
    possible = (ours > 0) | (theirs > 0)
    ours, theirs, w = ours[possible], theirs[possible], 0.5
    if not len(ours):
        return 0.0
    for _ in range(iterations):
        w = float(np.mean(w * theirs / (w * theirs + (1 - w) * ours)))
    return w


def mixed(model: Sequence[LogProbs], cache: Sequence[LogProbs], w: float) -> list[LogProbs]:
    """Log-probabilities of the mixture, document by document."""
    with np.errstate(divide="ignore"):  # log 0 is -inf
        ours, theirs = np.log1p(-w), np.log(w)
    return [np.logaddexp(ours + a.astype(np.float64), theirs + b) for a, b in zip(model, cache, strict=True)]


def measure(subject: Subject) -> Evaluation | None:
    """Measure the perplexity of a language model that is mixed with a unigram cache of the document."""
    if not isinstance(subject.model, LanguageModel):
        return None
    params, documents = subject.params.cache, subject.documents
    cache = family("cache").Model(params, subject.data.vocabulary_size)
    w = weight(subject.log_probs["valid"], cache.log_probs(documents["valid"]), params.iterations)
    found = mixed(subject.log_probs["test"], cache.log_probs(documents["test"]), w)
    perplexity = score(found, documents["test"]).perplexity
    return Evaluation({"cache_perplexity": perplexity, "cache_weight": w}, log_probs={"cache_nll": found})
