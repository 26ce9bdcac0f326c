"""The subject of an evaluation: a model with the data, tokenizers and settings that the measures share."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from unroll import models
from unroll.evaluation.tasks import translation
from unroll.models.base.folder import TOKENIZER, read_experiment
from unroll.models.base.inputs import Inputs
from unroll.models.base.protocol import ConditionalModel, LanguageModel, LogProbs
from unroll.params.evaluate import Evaluate
from unroll.text import streams
from unroll.text.streams import Data, Ids
from unroll.text.tokenizers.base import Tokenizer
from unroll.text.tokenizers.loading import load_tokenizer


@dataclass(frozen=True)
class Subject:
    """A model and everything that it is evaluated with. Scores that several measures need are computed once."""

    model: Any
    """The model, of any family."""
    data: Data
    """The partition."""
    tokenizer: Tokenizer
    """The tokenizer of the text that is predicted, for pairs that of the target side."""
    source_tokenizer: Tokenizer
    """The tokenizer of the source side of pairs; for other text the same as `tokenizer`."""
    params: Evaluate
    """The section `evaluate` of params.yaml."""
    seed: int
    """The random seed."""
    sampled: bool = False
    """Whether the corpus was sampled from a known distribution."""
    inputs: Inputs = field(default_factory=Inputs)
    """The source of files that a measure reads."""

    @staticmethod
    def load(folder: Path, partition: Path, params: Evaluate, seed: int) -> "Subject":
        """Load a trained model and its data.

        Args:
            folder: The folder of the model.
            partition: The folder of the partition.
            params: The section `evaluate` of params.yaml.
            seed: The random seed.

        Returns:
            The subject.

        Raises:
            UnrollError: The model or the partition is missing or damaged.
        """
        path = folder / TOKENIZER
        return Subject(
            models.load(folder),
            streams.load(partition),
            load_tokenizer(path),
            load_tokenizer(path, side="source"),
            params,
            seed,
            read_experiment(folder)["sampled"],
        )

    @property
    def predicts(self) -> bool:
        """Whether the model gives a probability to every token of a text, or of a target given its source."""
        return isinstance(self.model, LanguageModel | ConditionalModel)

    @property
    def side(self) -> str:
        """The side of the partition that is predicted: "text", or "target" for pairs."""
        return "target" if isinstance(self.model, ConditionalModel) else "text"

    @property
    def documents(self) -> dict[str, Sequence[Ids]]:
        """The documents that are predicted, with `<eos>`, for the splits valid and test."""
        return {split: self.data.streams[split][self.side].documents for split in ("valid", "test")}

    def sources(self, split: str) -> list[Ids]:
        """Return the sources of a split of pairs, without `<eos>`."""
        return [document[:-1] for document in self.data.streams[split]["source"].documents]

    @cached_property
    def log_probs(self) -> dict[str, Sequence[LogProbs]]:
        """The log-probabilities of all tokens of `documents` (natural logarithm)."""
        if isinstance(self.model, ConditionalModel):
            return {
                split: translation.log_probs(self.model, self.sources(split), documents, self.params.batch_size)
                for split, documents in self.documents.items()
            }
        return {split: self.model.log_probs(documents) for split, documents in self.documents.items()}
