"""The accuracy of a tagger, on all words and on unknown ones, with the scores of each tag and of spans."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unroll.evaluation.result import Evaluation
from unroll.evaluation.statistics import estimate
from unroll.evaluation.subject import Subject
from unroll.evaluation.tasks.spans import is_bio, score_spans
from unroll.models.base.label_protocol import Tagger
from unroll.models.base.tagged import UNKNOWN_TAG, WORD, is_unknown, sentences, tags
from unroll.text.streams import Ids

UNSEEN = "(unseen)"
"""The name of the tags that the train split lacks. No tagger can predict them."""


def measure(subject: Subject) -> Evaluation | None:
    """Measure the tags that a tagger gives to the test split."""
    model, data = subject.model, subject.data
    if not isinstance(model, Tagger):
        return None
    words, labels = sentences(data, "test"), tags(data, "test")
    predicted, posteriors = model.tag(words), model.tag_log_posteriors(words)
    numbers = _renumber(model.tags, data.tags)
    true = [numbers[label] for label in labels]
    flat_true, flat_predicted, flat_words = (np.concatenate(parts) for parts in (true, predicted, words))
    right = flat_true == flat_predicted
    accuracy = estimate(right.astype(np.float64), subject.params.statistics, subject.seed)
    unknown = is_unknown(flat_words)
    metrics: dict[str, Any] = {
        "tagged_words": len(right),
        "test_sentences": len(words),
        "tags": len(model.tags),
        "vocabulary_size": data.vocabulary_size,
        "tag_accuracy": accuracy.mean,
        "tag_accuracy_low": accuracy.low,
        "tag_accuracy_high": accuracy.high,
        "unknown_word_rate": float(unknown.mean()),
        "tag_log_loss": _log_loss(posteriors, true),
        "sentence_accuracy": float(np.mean([np.array_equal(*pair) for pair in zip(true, predicted, strict=True)])),
    }
    for name, chosen in (("known", ~unknown), ("unknown", unknown)):
        if chosen.any():
            metrics[f"{name}_word_accuracy"] = float(right[chosen].mean())
    names = [*model.tags, UNSEEN]
    counts = _confusion(flat_true, flat_predicted, len(names))
    if not counts[-1].any():
        names, counts = names[:-1], counts[:-1, :-1]
    by_tag = score_tags(names, counts)
    metrics["macro_f1"] = float(np.mean([row["f1"] for row in by_tag]))
    if is_bio(model.tags):
        spelled = ([[names[number] for number in row] for row in rows] for rows in (true, predicted))
        spans = score_spans(*spelled)
        metrics |= {"spans": spans.spans, "span_precision": spans.precision, "span_recall": spans.recall}
        metrics["span_f1"] = spans.f1
    samples = "".join(
        _show(subject, names, words[row], true[row], predicted[row]) for row in range(_shown(subject, words))
    )
    return Evaluation(metrics, samples, {"confusion": {"classes": names, "counts": counts}, "by_tag": by_tag})


def score_tags(names: Sequence[str], counts: NDArray[np.int64]) -> list[dict[str, Any]]:
    """Score each tag by itself.

    Args:
        names: The tags (K,).
        counts: The number of words by true tag (rows) and predicted tag (columns), (K, K).

    Returns:
        For each tag that occurs or is predicted, the most frequent first: the tag, the number of words with it, its
        precision, recall and F1, and the wrong tag that its words most often get, or None.
    """
    rows = []
    for index in np.argsort(-counts.sum(1), kind="stable").tolist():
        right, true, predicted = (int(n) for n in (counts[index, index], counts[index].sum(), counts[:, index].sum()))
        if not true + predicted:
            continue
        wrong = counts[index].copy()
        wrong[index] = 0
        rows.append(
            {
                "tag": names[index],
                "words": true,
                "precision": right / max(1, predicted),
                "recall": right / max(1, true),
                "f1": 2 * right / (true + predicted),
                "mistaken_for": names[int(wrong.argmax())] if wrong.any() else None,
            }
        )
    return rows


def _renumber(tags: Sequence[str], names: Sequence[str]) -> NDArray[np.int64]:
    """Return the number in `tags` of each of the tags of the data, and last that of an unseen tag."""
    numbers = {tag: number for number, tag in enumerate(tags)}
    found = [numbers.get(name, len(tags)) for name in names]
    assert UNKNOWN_TAG == -1  # the last one
    return np.asarray([*found, len(tags)], dtype=np.int64)


def _log_loss(posteriors: Sequence[NDArray[np.floating]], true: Sequence[Ids]) -> float:
    """Return the mean of -log p(true tag | sentence) in nats. It is infinite for an unseen tag."""
    nats: list[float] = []
    for log_probs, labels in zip(posteriors, true, strict=True):
        padded = np.pad(np.asarray(log_probs, np.float64), ((0, 0), (0, 1)), constant_values=-np.inf)
        nats += (-padded[np.arange(len(labels)), labels]).tolist()
    return float(np.mean(nats))


def _confusion(true: Ids, predicted: Ids, size: int) -> NDArray[np.int64]:
    return np.bincount(true * size + predicted, minlength=size * size).reshape(size, size)


def _shown(subject: Subject, words: Sequence[Ids]) -> int:
    return min(subject.params.samples, len(words))


def _show(subject: Subject, names: Sequence[str], words: Ids, true: Ids, predicted: Ids) -> str:
    """Return a sentence with its tags. Where the tag is wrong, the true one follows in brackets."""

    def spell() -> Iterator[str]:
        for word, right, chosen in zip(words[:, WORD], true, predicted, strict=True):
            note = "" if right == chosen else f"[{names[right]}]"
            yield f"{subject.tokenizer.id_to_token(int(word))}/{names[chosen]}{note}"

    return " ".join(spell()) + "\n"
