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
    quality,
    recurrence,
    statistics,
    translation,
)
from unroll.evaluation.alignment import alignment
from unroll.evaluation.analogies import Questions
from unroll.evaluation.evaluation import Evaluation, Metrics, finite
from unroll.evaluation.generation import generate
from unroll.models.protocol import (
    Adapts,
    Classifier,
    ConditionalModel,
    Embeddings,
    Embeds,
    FillsBlanks,
    LanguageModel,
    LogProbs,
)
from unroll.params.evaluate import Evaluate
from unroll.partition import SPLITS, Data, Ids
from unroll.text.tokenizer import Tokenizer
from unroll.text.vocabulary import EOS, SPECIAL, UNK


@dataclass(frozen=True)
class Tokenizers:
    """Of the two sides of pairs, often one; other text has a target only."""

    source: Tokenizer
    target: Tokenizer


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
    tokenizers: Tokenizers,
    params: Evaluate,
    seed: int,
    known: bool,
    questions: Questions,
) -> Evaluation:
    """Measure a model on the test split. `cache` is the unigram cache of cache evaluation; `known` says that the text
    was sampled from a known source, so that predictions further ahead can be compared with the truth; `questions` of
    analogy are for vectors."""
    tokenizer = tokenizers.target
    if isinstance(model, Embeddings):
        metrics, table = embeddings.evaluate(model, data, tokenizer, questions)
        return Evaluation(metrics, table, {})
    if isinstance(model, ConditionalModel):
        return _translations(model, data, tokenizers, params, seed)
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
    columns: dict[str, Sequence[LogProbs]] = {"cache_nats": mixed}
    if params.dynamic.kind == "sgd" and isinstance(model, Adapts):
        columns["dynamic_nats"] = adapted = model.adapted_log_probs(documents["test"], params.dynamic)
        metrics["dynamic_perplexity"] = perplexity.score(adapted, documents["test"]).perplexity
    if params.carried and not known:
        metrics["carried_perplexity"] = perplexity.carried(model, documents["test"], params.carried).perplexity
    if isinstance(model, FillsBlanks):
        metrics |= blanks.evaluate(model, documents["test"])
    arrays = {}
    diagnostics: dict[str, Any] = {
        "position": context.by_position(text.log_probs["test"]),
        "context": context.look(model, documents["test"], text.log_probs["test"], params.context, seed),
    }
    if isinstance(model, recurrence.Unrolled):
        diagnostics |= recurrence.look(model, documents["valid"], data.sequence_length, params.context, seed)
    if isinstance(model, Embeds):
        diagnostics["map"] = embeddings.embedding_map(model.embedding, tokenizer)
    if known:
        diagnostics["ahead"], arrays["ahead"] = ahead.predict(model, documents["test"], params.ahead, seed)
    count = params.samples
    samples = (
        generate(model, model.start(count), count, params.sample_length, params.temperature, seed) if count else []
    )
    decoded = "".join(f"{tokenizer.decode(sample)}\n" for sample in samples)
    return Evaluation(finite(metrics), decoded, diagnostics, _columns(text, data, tokenizer.token, columns), arrays)


def _translations(
    model: ConditionalModel, data: Data, tokenizers: Tokenizers, params: Evaluate, seed: int
) -> Evaluation:
    pairs = {split: [data.streams[split][side].documents for side in ("source", "target")] for split in SPLITS[1:]}
    sources = {split: [document[:-1] for document in sides[0]] for split, sides in pairs.items()}
    targets: dict[str, Sequence[Ids]] = {split: sides[1] for split, sides in pairs.items()}
    text = Text(
        "target",
        targets,
        {s: translation.log_probs(model, sources[s], targets[s], params.batch_size) for s in targets},
    )
    searched = translation.translate(model, sources["test"], params.batch_size, params.translation)
    found = [hypotheses[0].tokens for hypotheses in searched]
    references = [target[:-1] for target in targets["test"]]
    # An unknown word is never right, not even where the reference has one too.
    exact = [np.array_equal(a, b) and UNK not in b for a, b in zip(found, references, strict=True)]
    answers = [tokenizers.target.decode(tokens).replace(SPECIAL[UNK], "\ufffd") for tokens in found]
    written = [tokenizers.target.decode(tokens) for tokens in references]
    lengths = [len(source) for source in sources["test"]]
    rows = range(min(params.samples, len(found)))
    looked = [_look(model, sources["test"][row], found[row], tokenizers) for row in rows]
    metrics = (
        _perplexities(text, data, params, seed)
        | quality.measure(answers, written, exact)
        | {"by_source_length": quality.by_length(lengths, answers, written, exact)}
    )
    read = [tokenizers.source.decode(sources["test"][row]) for row in rows]
    samples = [
        f"source:      {read[row]}\nreference:   {written[row]}\ntranslation: {answers[row]}\n\n" for row in rows
    ]
    diagnostics: dict[str, Any] = {
        "position": context.by_position(text.log_probs["test"]),
        "attention": [one for one in looked if one],
    }
    columns = _columns(text, data, tokenizers.target.token, {})
    return Evaluation(finite(metrics), "".join(samples), diagnostics, columns)


def _look(model: ConditionalModel, source: Ids, target: Ids, tokenizers: Tokenizers) -> dict[str, Any] | None:
    """Words and weights of an attention; None of a model without."""
    if (weights := alignment(model, source, np.append(target, EOS))) is None:
        return None
    spelled = [
        [spell.token(int(token)) for token in (*tokens, EOS)]
        for spell, tokens in ((tokenizers.source, source), (tokenizers.target, target))
    ]
    return {"source": spelled[0], "target": spelled[1], "weights": np.round(weights.astype(np.float64), 4)}


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
