"""What flows from the raw files to the tokenizer."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Record:
    """One document of running text, one sentence pair, one labelled text or one observation of a series."""

    name: str
    """Where it comes from: file and line, topic or module."""
    fields: dict[str, str]
    """{"text": ...}, {"source": ..., "target": ...}, {"label": ..., "text": ...} or {"time": ..., "value": ...}; labels
    and times are not cleaned."""
    split: str | None = None
    """"train", "valid" or "test" where the source says so."""
    continues: bool = False
    """Whether it is the next piece of the document before it, which was too long to stay in one."""
    divisible: bool = False
    """Whether it may be cut where splits meet: the pieces of a whole file may, a line or paragraph may not."""
