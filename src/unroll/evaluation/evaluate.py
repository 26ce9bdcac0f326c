"""Everything that is measured of one model, by the contract it keeps."""

from typing import Any

import numpy as np

from unroll.evaluation import classification, perplexity, translation
from unroll.evaluation.generation import generate
from unroll.models.protocol import Classifier, ConditionalModel, LanguageModel
from unroll.params.root import Evaluate
from unroll.partition import Data
from unroll.text.tokenizer import Tokenizer

Metrics = dict[str, Any]


def evaluate(model: Any, data: Data, tokenizer: Tokenizer, params: Evaluate, seed: int) -> tuple[Metrics, str]:
    """(numbers, samples as text) of the test split; perplexity also of the valid split."""
    if isinstance(model, ConditionalModel):
        return _translations(model, data, tokenizer, params)
    if isinstance(model, Classifier):
        return _classes(model, data)
    return _texts(model, data, tokenizer, params, seed)


def _classes(model: Classifier, data: Data) -> tuple[Metrics, str]:
    documents, labels = data.test.documents, data.labels["test"]
    scores = classification.evaluate(model, documents, labels)
    metrics = {
        "test_documents": scores.documents,
        "classes": len(scores.classes),
        "accuracy": scores.accuracy,
        "macro_f1": scores.macro_f1,
        "log_loss": _number(scores.log_loss),
        "vocabulary_size": data.vocabulary_size,
    }
    predicted = (model.classes[column] for column in model.log_posteriors(documents).argmax(1))
    rows = zip(labels, predicted, strict=True)
    return metrics, "true\tpredicted\n" + "".join(f"{label}\t{answer}\n" for label, answer in rows)


def _texts(
    model: LanguageModel[Any], data: Data, tokenizer: Tokenizer, params: Evaluate, seed: int
) -> tuple[Metrics, str]:
    valid = perplexity.evaluate(model, data.valid.documents)
    test = perplexity.evaluate(model, data.test.documents)
    count = params.samples
    samples = (
        generate(model, model.start(count), count, params.sample_length, params.temperature, seed) if count else []
    )
    return _perplexities(valid, test, data, "text"), "".join(f"{tokenizer.decode(sample)}\n" for sample in samples)


def _translations(model: ConditionalModel, data: Data, tokenizer: Tokenizer, params: Evaluate) -> tuple[Metrics, str]:
    scores = {}
    for split in ("valid", "test"):
        sources, targets = (data.streams[split][side].documents for side in ("source", "target"))
        given = model.given([source[:-1] for source in sources])
        scores[split] = perplexity.evaluate(given, targets)
    sources, targets = (data.streams["test"][side].documents for side in ("source", "target"))
    found = translation.translate(model, [source[:-1] for source in sources], params.batch_size)
    exact = float(np.mean([np.array_equal(a, b[:-1]) for a, b in zip(found, targets, strict=True)]))
    lines = []
    for source, target, answer in list(zip(sources, targets, found, strict=True))[: params.samples]:
        texts = (tokenizer.decode(ids) for ids in (source[:-1], target[:-1], answer))
        lines.append("source:    {}\nreference: {}\ngreedy:    {}\n\n".format(*texts))
    return _perplexities(scores["valid"], scores["test"], data, "target") | {"exact_match": exact}, "".join(lines)


def _perplexities(valid: perplexity.Score, test: perplexity.Score, data: Data, side: str) -> Metrics:
    counts = data.counts["test"][side]
    return {
        "valid_perplexity": _number(valid.perplexity),
        "test_perplexity": _number(test.perplexity),
        "test_perplexity_without_unknown": _number(test.perplexity_without_unknown),
        "cross_entropy": _number(test.cross_entropy),
        "bits_per_byte": _number(test.bits_per_byte(counts["bytes"] + counts["documents"], counts["oov_bytes"])),
        "test_tokens": test.tokens,
        "unknown_share": test.unknown / test.tokens,
        "impossible_tokens": test.impossible,
        "vocabulary_size": data.vocabulary_size,
    }


def _number(value: float) -> float | str:
    """As JSON can say it: infinity is a word there."""
    return value if np.isfinite(value) else "inf"
