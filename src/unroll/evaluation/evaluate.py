"""The evaluation of one model: a list of measures, each a function of the subject in its own module."""

from collections.abc import Callable, Sequence

import numpy as np

from unroll.evaluation import perplexity, samples, token_losses
from unroll.evaluation.analysis import (
    calibration,
    context_ablation,
    embeddings,
    frequency_bands,
    influence,
    k_step,
    past_attention,
    rnn_diagnostics,
    table_growth,
)
from unroll.evaluation.result import Evaluation
from unroll.evaluation.subject import Subject
from unroll.evaluation.tasks import analogies, classification, cloze, cross_validation, tagging, translation_metrics

Measure = Callable[[Subject], Evaluation | None]
"""Returns None for a model that does not satisfy the protocol of the measure, and if params.yaml omits the measure."""

MEASURES: Sequence[Measure] = (
    perplexity.measure,
    perplexity.measure_cache,
    perplexity.measure_dynamic,
    perplexity.measure_carried,
    cloze.measure,
    context_ablation.measure_position,
    context_ablation.measure,
    influence.measure,
    rnn_diagnostics.measure,
    past_attention.measure,
    calibration.measure,
    table_growth.measure,
    embeddings.measure_map,
    k_step.measure,
    samples.measure,
    translation_metrics.measure,
    classification.measure,
    tagging.measure,
    cross_validation.measure,
    embeddings.measure,
    frequency_bands.measure,
    analogies.measure,
)


def evaluate(subject: Subject) -> Evaluation:
    """Measure a model on the test split.

    Args:
        subject: The model with its data and settings.

    Returns:
        The merged results of all measures that apply to the model, with the table of losses of a model that predicts
        tokens.
    """
    merged = Evaluation()
    for measure in MEASURES:
        if (result := measure(subject)) is not None:
            merged = merged.merge(result)
    if not merged.log_probs:
        return merged
    counts = np.bincount(subject.data.streams["train"][subject.side].tokens, minlength=subject.data.vocabulary_size)
    losses = token_losses.table(subject.documents["test"], merged.log_probs, counts, subject.tokenizer.id_to_token)
    return merged.merge(Evaluation(losses=losses))
