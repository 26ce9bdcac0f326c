"""The inputs of a training in addition to its data: what an entry of params.yaml names."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from unroll import models
from unroll.params.files import File
from unroll.text.tokenizers.base import Tokenizer
from unroll.text.tokenizers.loading import load_tokenizer


@dataclass(frozen=True)
class Inputs:
    """Where a model finds other models, tokenizers, raw corpora and files. Each is loaded when it is asked for."""

    root: Path = Path()
    """The folder of the pipeline, with its `models` and `data`."""
    checkpoints: Path | None = None
    """The folder for the checkpoints of the training; None if the training writes none."""
    trained: Mapping[str, Any] = field(default_factory=dict)
    """Trained models in memory, by name. They take precedence over those of the folder `models`."""

    def model(self, name: str) -> Any:
        """Return the trained model of this name."""
        return self.trained[name] if name in self.trained else models.load(self.root / "models" / name)

    def tokenizer(self, name: str) -> Tokenizer:
        """Return the tokenizer of this name, for pairs that of the target side."""
        return load_tokenizer(self.root / "data" / "tokens" / name / "tokenizer.json")

    def raw(self, corpus: str) -> Path:
        """Return the folder of the raw files of a corpus."""
        return self.root / "data" / "raw" / corpus

    def read_file(self, file: File, format: str) -> "ReadFile":
        """Return a context manager that gives the path of a local copy of a file of this format."""
        return ReadFile(file, format)


class ReadFile:
    """A temporary copy of a file of the catalogue or of the user, with its hash checked."""

    def __init__(self, file: File, format: str) -> None:
        """Set the file and its format, `vectors` or `analogies`."""
        self.file, self.format, self.folder = file, format, TemporaryDirectory()

    def __enter__(self) -> Path:
        """Fetch the file and return its path."""
        from unroll.corpora.assets import fetch

        return fetch(self.file, self.format, Path(self.folder.name))

    def __exit__(self, *_: object) -> None:
        """Remove the copy."""
        self.folder.cleanup()
