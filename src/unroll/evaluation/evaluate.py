"""Everything that is measured of one model, by the contract it keeps."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from unroll.evaluation import (
    ahead,
    blanks,
    cached,
    classification,
    context,
    embeddings,
    losses,
    perplexity,
    statistics,
    translation,
)
from unroll.evaluation.alignment import alignment
from unroll.evaluation.analogies import Questions
from unroll.evaluation.evaluation import Evaluation, Metrics, finite
from unroll.evaluation.generation import generate
from unroll.models.protocol import Classifier, ConditionalModel, Embeddings, FillsBlanks, LanguageModel, LogProbs
from unroll.params.evaluate import Evaluate
from unroll.partition import Data, Ids
from unroll.text.tokenizer import Tokenizer


@dataclass(frozen=True)
class Text:
    """One side of a partition that is predicted, and the log-probabilities of its splits."""

    side: str
    documents: dict[str, Sequence[Ids]]
    log_probs: dict[str, Sequence[LogProbs]]


def evaluate(
    model: Any,
    cache: LanguageModel[Any],
    data: Data,
    tokenizer: Tokenizer,
    params: Evaluate,
    seed: int,
    known: bool,
    questions: Questions,
) -> Evaluation:
    """Measure a model on the test split. `cache` is the unigram cache of cache evaluation; `known` says that the text
    was sampled from a known source, so that predictions further ahead can be compared with the truth; `questions` of
    analogy are for vectors."""
    if isinstance(model, Embeddings):
        metrics, table = embeddings.evaluate(model, data, tokenizer, questions)
        return Evaluation(metrics, table, {})
    if isinstance(model, ConditionalModel):
        return _translations(model, data, tokenizer, params, seed)
    if isinstance(model, Classifier):
        return _classes(model, data)
    return _texts(model, cache, data, tokenizer, params, seed, known)


def _classes(model: Classifier, data: Data) -> Evaluation:
    documents, labels = data.test.documents, data.labels["test"]
    scores = classification.evaluate(model, documents, labels)
    metrics = {
        "test_documents": scores.documents,
        "classes": len(scores.classes),
        "accuracy": scores.accuracy,
        "macro_f1": scores.macro_f1,
        "log_loss": scores.log_loss,
        "vocabulary_size": data.vocabulary_size,
    }
    predicted = (model.classes[column] for column in model.log_posteriors(documents).argmax(1))
    rows = zip(labels, predicted, strict=True)
    samples = "true\tpredicted\n" + "".join(f"{label}\t{answer}\n" for label, answer in rows)
    confusion = {"classes": scores.classes, "counts": scores.confusion}
    return Evaluation(finite(metrics), samples, {"confusion": confusion})


def _texts(
    model: LanguageModel[Any],
    cache: LanguageModel[Any],
    data: Data,
    tokenizer: Tokenizer,
    params: Evaluate,
    seed: int,
    known: bool,
) -> Evaluation:
    documents = {"valid": data.valid.documents, "test": data.test.documents}
    text = Text("text", documents, {split: model.log_probs(documents[split]) for split in documents})
    remembered = {split: cache.log_probs(documents[split]) for split in documents}
    weight = cached.weight(text.log_probs["valid"], remembered["valid"], params.cache.iterations)
    mixed = cached.mixed(text.log_probs["test"], remembered["test"], weight)
    metrics = _perplexities(text, data, params, seed) | {
        "cache_perplexity": perplexity.score(mixed, documents["test"]).perplexity,
        "cache_weight": weight,
    }
    if params.carried and not known:
        metrics["carried_perplexity"] = perplexity.carried(model, documents["test"], params.carried).perplexity
    if isinstance(model, FillsBlanks):
        metrics |= blanks.evaluate(model, documents["test"])
    arrays = {}
    diagnostics: dict[str, Any] = {
        "position": context.by_position(text.log_probs["test"]),
        "context": context.look(model, documents["test"], text.log_probs["test"], params.context, seed),
    }
    if known:
        diagnostics["ahead"], arrays["ahead"] = ahead.predict(model, documents["test"], params.ahead, seed)
    count = params.samples
    samples = (
        generate(model, model.start(count), count, params.sample_length, params.temperature, seed) if count else []
    )
    columns = _columns(text, data, tokenizer.token, {"cache_nats": mixed})
    decoded = "".join(f"{tokenizer.decode(sample)}\n" for sample in samples)
    return Evaluation(finite(metrics), decoded, diagnostics, columns, arrays)


def _translations(model: ConditionalModel, data: Data, tokenizer: Tokenizer, params: Evaluate, seed: int) -> Evaluation:
    documents: dict[str, Sequence[Ids]] = {}
    log_probs: dict[str, Sequence[LogProbs]] = {}
    for split in ("valid", "test"):
        sources, targets = (data.streams[split][side].documents for side in ("source", "target"))
        documents[split] = targets
        log_probs[split] = model.given([source[:-1] for source in sources]).log_probs(targets)
    text = Text("target", documents, log_probs)
    sources, targets = (data.streams["test"][side].documents for side in ("source", "target"))
    found = translation.translate(model, [source[:-1] for source in sources], params.batch_size)
    exact = float(np.mean([np.array_equal(a, b[:-1]) for a, b in zip(found, targets, strict=True)]))
    lines = []
    for source, target, answer in list(zip(sources, targets, found, strict=True))[: params.samples]:
        texts = (tokenizer.decode(ids) for ids in (source[:-1], target[:-1], answer))
        lines.append("source:    {}\nreference: {}\ngreedy:    {}\n\n".format(*texts))
    diagnostics: dict[str, Any] = {"position": context.by_position(log_probs["test"])}
    looks = [(s, t, alignment(model, s[:-1], t)) for s, t in zip(sources[:1], targets[:1], strict=True)]
    diagnostics["attention"] = [
        {
            "source": [tokenizer.token(int(token)) for token in source],
            "target": [tokenizer.token(int(token)) for token in target],
            "weights": weights[:, : len(source)],
        }
        for source, target, weights in looks
        if weights is not None
    ]
    return Evaluation(
        finite(_perplexities(text, data, params, seed) | {"exact_match": exact}),
        "".join(lines),
        diagnostics,
        _columns(text, data, tokenizer.token, {}),
    )


def _columns(
    text: Text, data: Data, spell: Callable[[int], str], more: dict[str, Sequence[LogProbs]]
) -> dict[str, losses.Column]:
    seen = np.bincount(data.streams["train"][text.side].tokens, minlength=data.vocabulary_size)
    return losses.table(text.documents["test"], {"nats": text.log_probs["test"], **more}, seen, spell)


def _perplexities(text: Text, data: Data, params: Evaluate, seed: int) -> Metrics:
    counts = data.counts["test"][text.side]
    valid, test = (perplexity.score(text.log_probs[split], text.documents[split]) for split in ("valid", "test"))
    nats = -np.concatenate(text.log_probs["test"]).astype(np.float64)
    interval = statistics.estimate(nats, params.statistics, seed)
    return {
        "valid_perplexity": valid.perplexity,
        "test_perplexity": test.perplexity,
        "test_perplexity_low": perplexity.exp(interval.low),
        "test_perplexity_high": perplexity.exp(interval.high),
        "test_perplexity_without_unknown": test.perplexity_without_unknown,
        "cross_entropy": test.cross_entropy,
        "bits_per_token": test.bits,
        "bits_per_character": test.bits_per(counts["characters"] + counts["documents"], counts["oov_bytes"]),
        "bits_per_byte": test.bits_per(counts["bytes"] + counts["documents"], counts["oov_bytes"]),
        "train_tokens": data.streams["train"][text.side].predicted,
        "test_tokens": test.tokens,
        "unknown_share": test.unknown / test.tokens,
        "impossible_tokens": test.impossible,
        "vocabulary_size": data.vocabulary_size,
    }
