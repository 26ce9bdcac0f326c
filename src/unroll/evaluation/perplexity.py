"""Cross-entropy, perplexity and bits per byte of any language model."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from unroll.evaluation import statistics
from unroll.evaluation.evaluation import Evaluation
from unroll.evaluation.subject import Subject
from unroll.models.base.protocol import LanguageModel, LogProbs
from unroll.text.streams import Ids
from unroll.text.tokenizers.vocabulary import BOS, UNK

BITS_PER_UNKNOWN_BYTE = 8.0


@dataclass(frozen=True)
class Score:
    """Sums over the tokens of a text, in float64."""

    tokens: int
    """Counted tokens: all that are predicted, `<eos>` and `<unk>` included."""
    nats: float
    """Minus the summed log-probabilities."""
    unknown: int
    """Tokens that are `<unk>`."""
    known_nats: float
    """The part of `nats` that is not theirs."""
    impossible: int
    """Tokens with probability zero; one makes the perplexity infinite."""

    @property
    def cross_entropy(self) -> float:
        """Nats per counted token."""
        return self.nats / self.tokens

    @property
    def bits(self) -> float:
        """Bits per counted token."""
        return self.cross_entropy / math.log(2)

    @property
    def perplexity(self) -> float:
        """exp of the mean negative log-likelihood (seed 004, equation 18)."""
        return exp(self.cross_entropy)

    @property
    def perplexity_without_unknown(self) -> float:
        """Over the tokens the vocabulary has, given everything before them."""
        known = self.tokens - self.unknown
        return exp(self.known_nats / known) if known else math.inf

    def bits_per(self, units: int, unknown_bytes: int) -> float:
        """Bits of a complete code of the text, per unit of it: comparable across tokenizers.

        A closed vocabulary says `<unk>` and not which word it was, so each unknown word is charged its spelling too,
        at 8 bits a byte and one more byte to end it. `units` are the bytes of the text as UTF-8 (or its characters),
        with one per document for its end.
        """
        spelling = BITS_PER_UNKNOWN_BYTE * (unknown_bytes + self.unknown)
        return (self.nats / math.log(2) + spelling) / units


def score(log_probs: Sequence[LogProbs], documents: Sequence[Ids]) -> Score:
    """Sum up per-token log-probabilities as `LanguageModel.log_probs` returns them; ValueError if one is missing."""
    if [*map(len, log_probs)] != [*map(len, documents)]:
        raise ValueError("a model gives one log-probability for each token of each document")
    scores = np.concatenate([*log_probs, np.empty(0)], dtype=np.float64)
    known = np.concatenate([*documents, np.empty(0, dtype=np.int64)]) != UNK
    impossible = int(np.isneginf(scores).sum())
    unknown = len(known) - int(known.sum())
    return Score(len(scores), -float(scores.sum()), unknown, -float(scores[known].sum()), impossible)


def evaluate(model: LanguageModel[Any], documents: Sequence[Ids]) -> Score:
    """Score documents (arrays of tokens to predict, each with its `<eos>`)."""
    return score(model.log_probs(documents), documents)


def carried(model: LanguageModel[Any], documents: Sequence[Ids], rows: int) -> Score:
    """The same when the context goes on across documents, as in the Penn Treebank papers: they are dealt out to `rows`
    stretches, each read as one. Between two documents stands `<bos>`, as in training: given, not predicted."""
    parts = np.array_split(np.arange(len(documents)), min(rows, len(documents)))
    stretches = [np.concatenate([np.append(documents[index], BOS) for index in part])[:-1] for part in parts]
    counted = [stretch != BOS for stretch in stretches]
    log_probs = [np.asarray(found)[kept] for found, kept in zip(model.log_probs(stretches), counted, strict=True)]
    return score(log_probs, [stretch[kept] for stretch, kept in zip(stretches, counted, strict=True)])


def exp(nats: float) -> float:
    """e^nats, infinite where a float ends."""
    try:
        return math.exp(nats)
    except OverflowError:
        return math.inf


def measure(subject: Subject) -> Evaluation | None:
    """Measure perplexity and bits per byte of a model that predicts tokens."""
    if not subject.predicts:
        return None
    counts, data, log_probs = subject.data.counts["test"][subject.side], subject.data, subject.log_probs
    valid, test = (score(log_probs[split], subject.documents[split]) for split in ("valid", "test"))
    nats = -np.concatenate(log_probs["test"]).astype(np.float64)
    interval = statistics.estimate(nats, subject.params.statistics, subject.seed)
    metrics = {
        "valid_perplexity": valid.perplexity,
        "test_perplexity": test.perplexity,
        "test_perplexity_low": exp(interval.low),
        "test_perplexity_high": exp(interval.high),
        "test_perplexity_without_unknown": test.perplexity_without_unknown,
        "cross_entropy": test.cross_entropy,
        "bits_per_token": test.bits,
        "bits_per_character": test.bits_per(counts["characters"] + counts["documents"], counts["oov_bytes"]),
        "bits_per_byte": test.bits_per(counts["bytes"] + counts["documents"], counts["oov_bytes"]),
        "train_tokens": data.streams["train"][subject.side].predicted,
        "test_tokens": test.tokens,
        "oov_rate": test.unknown / test.tokens,
        "impossible_tokens": test.impossible,
        "vocabulary_size": data.vocabulary_size,
    }
    return Evaluation(metrics, log_probs={"nll": log_probs["test"]})


def measure_carried(subject: Subject) -> Evaluation | None:
    """Measure the perplexity of a language model whose context is carried across documents."""
    streams = subject.params.carried_streams
    if not isinstance(subject.model, LanguageModel) or not streams or subject.sampled:
        return None
    found = carried(subject.model, subject.documents["test"], streams)
    return Evaluation({"carried_perplexity": found.perplexity})
