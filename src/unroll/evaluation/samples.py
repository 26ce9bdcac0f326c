"""Samples: texts that a language model generates."""

from unroll.evaluation.generation import generate
from unroll.evaluation.result import Evaluation
from unroll.evaluation.subject import Subject
from unroll.models.base.protocol import LanguageModel


def measure(subject: Subject) -> Evaluation | None:
    """Generate texts by sampling from a language model."""
    model, params, count = subject.model, subject.params, subject.params.samples
    if not isinstance(model, LanguageModel) or not count:
        return None
    texts = generate(model, model.start(count), count, params.sample_length, params.temperature, subject.seed)
    return Evaluation(samples="".join(f"{subject.tokenizer.decode(tokens)}\n" for tokens in texts))
