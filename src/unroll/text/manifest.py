"""The manifest of a raw folder, raw.json: the data files of a corpus and their formats.

`unroll.corpora` writes it and `unroll.text.records` reads it.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from unroll.errors import UnrollError

MANIFEST = "raw.json"

Format = (
    Literal["text", "documents", "pairs", "labelled", "labelled-lines"]
    | Literal["tagged", "conllu", "series", "vectors", "analogies"]
)
Split = Literal["train", "valid", "test"]
Documents = Literal["line", "paragraph", "file"]


@dataclass(frozen=True)
class RawFile:
    """One data file of a raw folder."""

    file: str
    """The name of the file in the folder."""
    format: Format
    """The content of the file. `text`: plain text. `documents`: JSON Lines of {"document": name, "text": ...}. `pairs`:
    source and target, separated by a tab; further columns are ignored. `labelled`: label and text, separated by a tab.
    `labelled-lines`: a text on each line, whose label is `label` or the name of the file without its suffix. `tagged`:
    token and tag on each line, and a blank line between sentences. `conllu`: CoNLL-U. `series`: CSV. `vectors`: a word
    and its vector on each line. `analogies`: four words on each line. Stage clean does not read vectors and
    analogies."""
    split: Split | None = None
    """The split that the source assigns to this file; None if the source does not define splits."""
    documents: Documents | None = None
    """The unit that `documents: source` selects for this file. None if the format determines it, or if the file is one
    document. A labelled file with the unit `file` holds one text, and its folder's name is the label."""
    unknown_word: str | None = None
    """The word that stands for unknown words in a prepared corpus; None if there is no such word."""
    label: str | None = None
    """The label of all texts of a labelled file; None if its lines or the names of the file or its folder give it."""


def write_manifest(folder: Path, files: Iterable[RawFile]) -> None:
    """Write raw.json with the SHA-256 of each file.

    Args:
        folder: The raw folder, which already holds the data files.
        files: The data files in the order in which stage clean reads them.
    """
    # A label that is not set is left out, so that the manifests of other corpora have the bytes of earlier releases.
    entries = [
        {key: value for key, value in asdict(file).items() if key != "label" or value is not None}
        | {"sha256": file_sha256(folder / file.file)}
        for file in files
    ]
    text = json.dumps(entries, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    (folder / MANIFEST).write_text(text, encoding="utf-8")


def write_documents(folder: Path, documents: Iterable[tuple[str, str]]) -> None:
    """Write name and text of documents to documents.jsonl, and the manifest.

    Args:
        folder: The empty raw folder.
        documents: The names and texts.
    """
    with (folder / "documents.jsonl").open("w", encoding="utf-8", newline="\n") as file:
        for name, text in documents:
            file.write(json.dumps({"document": name, "text": text}, ensure_ascii=False) + "\n")
    write_manifest(folder, [RawFile("documents.jsonl", "documents")])


def write_labelled(folder: Path, rows: Iterable[tuple[str, str]]) -> None:
    """Write labels and texts to labelled.tsv, and the manifest.

    Args:
        folder: The empty raw folder.
        rows: The labels and texts, which contain neither tabs nor ends of lines.
    """
    lines = "".join(f"{label}\t{text}\n" for label, text in rows)
    (folder / "labelled.tsv").write_text(lines, encoding="utf-8", newline="\n")
    write_manifest(folder, [RawFile("labelled.tsv", "labelled")])


def read_manifest(folder: Path) -> list[RawFile]:
    """Read raw.json.

    Args:
        folder: The raw folder.

    Returns:
        The data files in the order of the manifest, at least one.

    Raises:
        UnrollError: The manifest is missing, damaged or empty.
    """
    path = folder / MANIFEST
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
        files = [RawFile(**{key: value for key, value in entry.items() if key != "sha256"}) for entry in entries]
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise UnrollError(f"{path}: unreadable ({error}); download this corpus again") from None
    if not files:
        raise UnrollError(f"{path}: lists no file; download this corpus again")
    return files


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal. The file is read in blocks."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
