"""What flows from the raw files to the tokenizer."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Record:
    """One document of running text, one sentence pair or one labelled text."""

    name: str
    """Where it comes from: file and line, topic or module."""
    fields: dict[str, str]
    """{"text": ...}, {"source": ..., "target": ...} or {"label": ..., "text": ...}; labels are not cleaned."""
    split: str | None = None
    """"train", "valid" or "test" where the source says so."""
