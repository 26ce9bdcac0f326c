"""Keys and values of params.yaml that an earlier release called by another name."""

from collections.abc import Collection
from typing import Any

KEYS: dict[str, tuple[str, ...]] = {
    "tokens": ("tokenizers", "tokenizer", "expected_tokens"),
    "level": ("type",),
    "pieces": ("pretokenizer",),
    "vocabularies": ("shared_vocabulary",),
    "learn_characters": ("max_training_characters",),
    "alphabet": ("base_alphabet",),
    "order": ("batching",),
    "longest": ("max_characters",),
    "shortest": ("min_characters",),
    "symbols": ("vocabulary_size",),
    "end": ("stop_probability", "final_factor"),
    "truths": ("oracles",),
    "truth": ("oracle",),
    "initialised": ("pretrained",),
    "frozen": ("freeze_embeddings",),
    "repeats": ("seeds",),
    "learning": ("learning_curves",),
    "parts": ("fractions",),
    "between": ("hidden",),
    "locked": ("variational",),
    "weights": ("weight_drop",),
    "activation_penalty": ("activation_regularization",),
    "size": ("ar",),
    "change": ("tar", "predict_difference"),
    "factor": ("div_value",),
    "direct": ("direct_connections",),
    "limit": ("max_norm", "max_value"),
    "accumulate": ("accumulate_grad_batches",),
    "hold": ("constant_epochs",),
    "rise": ("warmup_fraction",),
    "start": ("initial_factor",),
    "average": ("averaging",),
    "missing": ("oov_init",),
    "readout": ("matrix",),
    "carried": ("carried_streams",),
    "ahead": ("k_step",),
    "context": ("context_ablation",),
    "ratio": ("max_length_ratio",),
    "extra": ("max_length_offset",),
}
"""The new names of a key, of which its section has one."""

REMOVED = {
    "threads": "results no longer depend on the number of threads; set the variable UNROLL_THREADS to choose it",
}
"""Keys that no longer exist, with the reason."""

VALUES: dict[tuple[str, Any], str] = {
    ("documents", "given"): "source",
    ("by", "given"): "source",
    ("family", "source"): "oracle",
    ("family", "pretrained"): "vector_file",
    ("family", "per_class"): "generative_classifier",
    ("kind", "non_monotonic"): "nt_asgd",
    ("kind", "exponential"): "ema",
    ("batching", "sequential"): "contiguous",
    ("batching", "random"): "shuffled",
    ("matrix", "first"): "input",
    ("matrix", "second"): "output",
}
"""The new value of a key."""

SECTIONS = {"generative_classifier": "generative_classifiers"}
"""The section of a value whose entries were moved."""

HINTS = {
    "shared_vocabulary": " (true for joint, false for separate)",
    "batching": " (contiguous for sequential, shuffled for random)",
    "fractions": " (1 / 16 becomes 0.0625)",
    "matrix": " (input for first, output for second)",
}
"""How the values of a renamed key changed."""


def new_key(key: str, fields: Collection[str]) -> str | None:
    """Return the new name of a key in a section with these fields, with a hint; None if it was not renamed."""
    name = next((new for new in KEYS.get(key, ()) if new in fields), None)
    return None if name is None else name + HINTS.get(name, "")


def new_value(key: str, value: Any, expected: str) -> str | None:
    """Return the new name of a value of a key, with a hint; None if it was not renamed, or not for this section.

    Args:
        key: The key.
        value: Its value.
        expected: The values that the section allows, each in quotes.

    Returns:
        The new value. Without a hint that names its section, it is one of `expected`.
    """
    new = VALUES.get((key, value)) if isinstance(value, str) else None
    if new in SECTIONS:
        return f"{new}, and move the entry to the section {SECTIONS[new]}"
    return new if new and f"'{new}'" in expected else None
