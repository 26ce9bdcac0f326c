"""Everything that is measured of one model: a list of measures, each a function of the subject in a module of its own."""

from collections.abc import Callable, Sequence

import numpy as np

from unroll.evaluation import cache_mixture, dynamic, perplexity, samples, token_losses
from unroll.evaluation.analysis import context_ablation, embeddings, k_step, position, rnn_diagnostics
from unroll.evaluation.evaluation import Evaluation
from unroll.evaluation.subject import Subject
from unroll.evaluation.tasks import analogies, classification, cloze, translation_metrics

Measure = Callable[[Subject], Evaluation | None]
"""Returns None for a model that does not satisfy the protocol of the measure."""

MEASURES: Sequence[Measure] = (
    perplexity.measure,
    cache_mixture.measure,
    dynamic.measure,
    perplexity.measure_carried,
    cloze.measure,
    position.measure,
    context_ablation.measure,
    rnn_diagnostics.measure,
    embeddings.measure_map,
    k_step.measure,
    samples.measure,
    translation_metrics.measure,
    classification.measure,
    embeddings.measure,
    analogies.measure,
)


def evaluate(subject: Subject) -> Evaluation:
    """Measure a model on the test split.

    Args:
        subject: The model with its data and settings.

    Returns:
        The results of all measures whose protocols the model satisfies.
    """
    found = Evaluation()
    for measure in MEASURES:
        if (result := measure(subject)) is not None:
            found = found.merge(result)
    if not found.log_probs:
        return found
    counts = np.bincount(subject.data.streams["train"][subject.side].tokens, minlength=subject.data.vocabulary_size)
    table = token_losses.table(subject.documents["test"], found.log_probs, counts, subject.tokenizer.token)
    return found.merge(Evaluation(table=table))
