"""The inputs of a training in addition to its data: what an entry of params.yaml names."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from unroll import models
from unroll.params.word_vectors import File
from unroll.text.tokenizers.base import Tokenizer
from unroll.text.tokenizers.loading import load_tokenizer

if TYPE_CHECKING:
    from unroll.training.ranks.process_group import Group


@dataclass(frozen=True)
class Inputs:
    """Where a family finds other models, tokenizers, raw corpora and files. Each is loaded when it is needed."""

    root: Path = Path()
    """The folder of the pipeline, with its `models` and `data`."""
    checkpoints: Path | None = None
    """The folder for the checkpoints of the training; None if the training writes none."""
    device: str = "cpu"
    """The device of the training, `cpu` or `cuda`."""
    group: "Group | None" = None
    """The ranks of the training; None for a training by one process."""
    trained: Mapping[str, Any] = field(default_factory=dict)
    """Trained models in memory, by name. They take precedence over those of the folder `models`."""

    def model(self, name: str) -> Any:
        """Return the trained model of this name.

        Raises:
            UnrollError: There is no such model, or it cannot be loaded.
        """
        return self.trained[name] if name in self.trained else models.load(self.root / "models" / name)

    def tokenizer(self, name: str, side: str = "target") -> Tokenizer:
        """Return the tokenizer of this name, by default that of the target side of pairs (`load_tokenizer`)."""
        return load_tokenizer(self.root / "data" / "tokens" / name / "tokenizer.json", side)

    def raw(self, corpus: str) -> Path:
        """Return the folder of the raw files of a corpus."""
        return self.root / "data" / "raw" / corpus

    @contextmanager
    def local_copy(self, file: File, format: str) -> Iterator[Path]:
        """Fetch a file of the catalogue or of the user into a temporary folder, and verify its SHA-256.

        Args:
            file: The file.
            format: The required format, `vectors` or `analogies`.

        Yields:
            The path of the copy. It is removed at the end of the `with` statement.

        Raises:
            UnrollError: There is no such file of this format, or its SHA-256 is wrong.
        """
        from unroll.corpora.assets import fetch  # most trainings need no file, and this imports clients of networks

        with TemporaryDirectory() as folder:
            yield fetch(file, format, Path(folder))
