"""The settings of a text, for which a test chooses the source."""

TEXT = {
    "documents": "source",
    "encoding": "utf-8",
    "errors": "strict",
    "markup": "keep",
    "cleaning": "plain",
    "invisible": "drop",
    "lowercase": True,
    "empty": "drop",
    "max_characters": 100_000,
    "duplicates": {"kind": "exact", "drop": False},
    "splits": {"by": "hash", "valid": 0.1, "test": 0.1},
}
