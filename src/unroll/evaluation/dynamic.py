"""Dynamic evaluation: the perplexity of a network that learns from the test text (Krause et al. 2018)."""

from unroll.evaluation.evaluation import Evaluation
from unroll.evaluation.perplexity import score
from unroll.evaluation.subject import Subject
from unroll.models.base.protocol import DynamicModel


def measure(subject: Subject) -> Evaluation | None:
    """Measure the perplexity of a model by dynamic evaluation, if params.yaml enables it."""
    params = subject.params.dynamic
    if params.kind == "none" or not isinstance(subject.model, DynamicModel):
        return None
    documents = subject.documents["test"]
    log_probs = subject.model.adapted_log_probs(documents, params)
    metrics = {"dynamic_perplexity": score(log_probs, documents).perplexity}
    return Evaluation(metrics, log_probs={"dynamic_nll": log_probs})
