"""How far numbers of `arithmetic: native` may differ between two kinds of processor.

Every tolerance follows from a measurement, which docs/reproducibility.md describes: the results of an Intel processor
with AVX-512 compared with those of an AMD processor with AVX2, and the deviation between seeds. A bug does not fit
between the rounding of double precision (1e-14) and its tolerance; a network whose training was rounded otherwise is
another draw, like one with another seed.
"""

import math
from dataclasses import dataclass

COUNTING = frozenset({"ngram", "cache", "naive_bayes", "vector_file"})
"""Families that count, or copy. Their folders below models/ have equal bytes on all processors."""
DOUBLE = frozenset(
    {"hmm", "oracle", "hmm_tagger", "tag_oracle", "sine", "persistence", "seasonal_naive", "autoregression"}
    | {"direct", "var_process"},
)
"""Families that are fitted in double precision."""
NETWORKS = frozenset(
    {"recurrent", "bidirectional", "window", "transformer", "seq2seq", "word2vec", "latent"}
    | {"glove", "masked_transformer", "bag_of_embeddings", "recurrent_classifier", "recurrent_tagger"},
)
"""Families that are trained in single precision, step by step."""
MIN_SAMPLES = 200
"""Shares and scores of fewer sentences, documents or forecasts are not compared: in 47 sentences BLEU differed by 7."""


@dataclass(frozen=True)
class Tolerance:
    """The largest difference of a measure."""

    unit: str
    """The unit of the difference."""
    limit: float
    """The largest difference, in this unit."""
    measured: str
    """The measurement that it follows from."""
    scale: float = 1.0
    """The difference of the numbers is multiplied by it."""
    logarithmic: bool = False
    """Whether the logarithms of the numbers are subtracted."""
    floor: float | None = None
    """The difference is divided by the larger of the numbers, or by this if it is larger. None: it is not divided."""

    def difference(self, one: float, other: float) -> float:
        """Return `one` minus `other` in the unit; 0 for equal numbers, and infinity if only one is finite."""
        if one == other or (math.isnan(one) and math.isnan(other)):
            return 0.0
        if not (math.isfinite(one) and math.isfinite(other)) or (self.logarithmic and min(one, other) <= 0):
            return math.inf
        if self.logarithmic:
            return self.scale * math.log(one / other)
        unit = 1.0 if self.floor is None else max(abs(one), abs(other), self.floor)
        return self.scale * (one - other) / unit


ROUNDING = Tolerance("relative", 1e-9, "at most 4e-15; 3e-14 for the excess over the oracle", floor=1.0)
"""Of double precision. A difference of two numbers may be 0 but for the rounding of both, so it has a floor."""
NATS = Tolerance(
    "nats per token",
    0.02,
    "at most 0.0061 (gru), and 0.0107 for the end of an interval; the deviation between seeds of gru is 0.023",
)
PERPLEXITY = Tolerance(NATS.unit, NATS.limit, NATS.measured, logarithmic=True)
EXCESS = Tolerance("millibits per token", 1000 * NATS.limit / math.log(2), "0.02 nats in this unit")
ERRORS = Tolerance("relative", 0.02, "at most 2.7e-6; an error that is 2 % larger costs 0.02 nats", floor=0.0)
SHARE = Tolerance("points", 3.0, "at most 1.7 points (exact match of seq2seq_attention)", scale=100)
SCORE = Tolerance("point", 1.0, "at most 0.54 points (chrF of seq2seq_attention)")

OF_NETWORKS = {
    "cross_entropy": NATS,
    "valid_perplexity": PERPLEXITY,
    "test_perplexity_low": PERPLEXITY,
    "test_perplexity_high": PERPLEXITY,
    "test_perplexity_without_unknown": PERPLEXITY,
    "cache_perplexity": PERPLEXITY,
    "carried_perplexity": PERPLEXITY,
    "dynamic_perplexity": PERPLEXITY,
    "cloze_perplexity": PERPLEXITY,
    "cache_weight": SHARE,
    "accuracy": SHARE,
    "accuracy_low": SHARE,
    "accuracy_high": SHARE,
    "macro_f1": SHARE,
    "tag_accuracy": SHARE,
    "tag_accuracy_low": SHARE,
    "tag_accuracy_high": SHARE,
    "known_word_accuracy": SHARE,
    "unknown_word_accuracy": SHARE,
    "sentence_accuracy": SHARE,
    "span_precision": SHARE,
    "span_recall": SHARE,
    "span_f1": SHARE,
    "fold_accuracy": SHARE,
    "fold_macro_f1": SHARE,
    "exact_match": SHARE,
    "length_ratio": SHARE,
    "cloze_accuracy": SHARE,
    "analogy_accuracy": SHARE,
    "bleu": SCORE,
    "chrf": SCORE,
    "nll": NATS,
    "within": SHARE,
    "rmse": ERRORS,
    "mae": ERRORS,
    "excess": EXCESS,
    "low": EXCESS,
    "high": EXCESS,
    "expected": ROUNDING,
    "bits_per_byte_spelling": ROUNDING,
    "bits_per_byte_spacing": ROUNDING,
    "oov_rate": ROUNDING,
    "unknown_word_rate": ROUNDING,
    "coverage": ROUNDING,
    "test_coverage": ROUNDING,
}
"""The tolerances of the metrics of networks, by name. Whole numbers, words and lists of words must be equal."""

NOT_COMPARED = {
    "losses_sha256": "it is the hash of the losses, whose mean is compared",
    "test_perplexity": "it is a function of cross_entropy",
    "bits_per_token": "it is a function of cross_entropy",
    "bits_per_character": "it is a function of cross_entropy",
    "bits_per_byte": "it is a function of cross_entropy",
    "bits_per_byte_tokens": "it is a function of cross_entropy",
    "log_loss": "its difference between processors is not measured; accuracy and macro_f1 are compared",
    "tag_log_loss": "its difference between processors is not measured; tag_accuracy and span_f1 are compared",
    "log_loss_low": "it is an end of the interval of log_loss",
    "log_loss_high": "it is an end of the interval of log_loss",
    "calibration_error": "its difference between processors is not measured; accuracy and macro_f1 are compared",
    "fold_log_loss": "its difference between processors is not measured; fold_accuracy and fold_macro_f1 are compared",
    "fold_accuracy_deviation": "it is a deviation of few numbers, whose mean is compared",
    "fold_macro_f1_deviation": "it is a deviation of few numbers, whose mean is compared",
    "fold_log_loss_deviation": "it is a deviation of few numbers",
    "by_fold": "a fold has few documents; the means over the folds are compared",
    "by_source_length": "of 338 sentences, exact_match differed by 3.6 points and BLEU by 1.1",
    "context_accuracy": "the bands of rare words have few positions; coverage and analogies are compared",
    "analogies_by_section": "most sections have fewer than 200 questions",
}
"""Metrics of networks that are not compared, with the reason. Those of other families are compared, but the hash."""

HEADLINES = (
    *("cross_entropy", "valid_perplexity", "accuracy", "tag_accuracy", "exact_match", "bleu", "chrf"),
    *("analogy_accuracy", "nll"),
)
"""Metrics that the table always shows. It shows others only where they are out of tolerance."""
