"""The raw folder of a corpus: its data files, and `raw.json` that says what each of them is."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

MANIFEST = "raw.json"

Format = Literal["text", "documents", "pairs", "labelled", "series", "vectors", "analogies"]
Split = Literal["train", "valid", "test"]
Documents = Literal["line", "paragraph", "file"]


@dataclass(frozen=True)
class RawFile:
    """One data file of a raw folder."""

    file: str
    """Its name in the folder."""
    format: Format
    """`text`: plain text; `documents`: JSON Lines {"document": name, "text": ...}; `pairs`: tab-separated source,
    target (further columns are not read); `labelled`: tab-separated label, text; `series`: CSV; `vectors` and
    `analogies` are no text and are not cleaned: word and numbers, four words."""
    split: Split | None = None
    """Where the source itself divides its data."""
    documents: Documents | None = None
    """What `documents: given` means for this file; None where the format says it (or the file is all there is)."""


def write(folder: Path, files: Iterable[RawFile]) -> None:
    """Write `raw.json` for the data files that `folder` already holds, in the given order."""
    entries = [asdict(file) | {"sha256": sha256(folder / file.file)} for file in files]
    text = json.dumps(entries, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    (folder / MANIFEST).write_text(text, encoding="utf-8")


def sha256(path: Path) -> str:
    """Hexadecimal digest of a file's bytes, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
