"""A trained model with its tokenizer and its cleaning: text in, numbers or text out.

from unroll.use import load
model = load("models/lstm")
model.score(["the students opened their books"])
model.generate("the students opened their", count=3, length=20, temperature=0.8, seed=1)
"""

import json
import math
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from unroll import models
from unroll.errors import UnrollError
from unroll.evaluation import generation, translation
from unroll.models.protocol import ConditionalModel, LanguageModel
from unroll.params import Root
from unroll.text.cleaning import Cleaner
from unroll.text.tokenizer import Tokenizer
from unroll.text.vocabulary import EOS, UNK

TOKENIZER, TEXT = "tokenizer.json", "text.json"


@dataclass(frozen=True)
class LineScore:
    """log p of one line, `<eos>` included."""

    log_likelihood: float
    """Nats."""
    tokens: int
    unknown: int
    """Tokens the vocabulary lacks."""

    @property
    def perplexity(self) -> float:
        return math.exp(-self.log_likelihood / self.tokens) if self.log_likelihood > -math.inf else math.inf


class TextModel:
    """What `load` gives."""

    def __init__(self, model: Any, tokenizer: Tokenizer, cleaner: Cleaner, folder: Path) -> None:
        self.model, self.tokenizer, self.cleaner, self.folder = model, tokenizer, cleaner, folder

    def encode(self, text: str) -> Any:
        """Token ids of a text, cleaned as the training corpus was."""
        return np.asarray(self.tokenizer.encode(self.cleaner(text)), dtype=np.int64)

    def score(self, texts: Sequence[str]) -> list[LineScore]:
        """The log-likelihood of each text as a document of its own."""
        documents = [np.append(self.encode(text), EOS) for text in texts]
        return [
            LineScore(float(np.sum(scores, dtype=np.float64)), len(document), int((document == UNK).sum()))
            for scores, document in zip(self._language_model().log_probs(documents), documents, strict=True)
        ]

    def generate(self, prompt: str, count: int, length: int, temperature: float, seed: int) -> list[str]:
        """`count` continuations of the prompt, each at most `length` tokens; temperature 0 is greedy."""
        model, tokens = self._language_model(), self.encode(prompt)
        state = generation.read(model, tokens, count)
        found = generation.generate(model, state, count, length, temperature, seed)
        return [self.tokenizer.decode([*tokens, *continuation]) for continuation in found]

    def translate(self, texts: Sequence[str], batch_size: int = 64) -> list[str]:
        """The greedy translation of each text."""
        if not isinstance(self.model, ConditionalModel):
            raise UnrollError(f"{self.folder}: does not translate; it can score and generate")
        sources = [self.encode(text) for text in texts]
        return [self.tokenizer.decode(found) for found in translation.translate(self.model, sources, batch_size)]

    def predict(self, texts: Sequence[str]) -> list[dict[str, Any]]:
        """One dictionary per text, for MLflow: translation, or log_likelihood, tokens and perplexity."""
        if isinstance(self.model, ConditionalModel):
            return [{"translation": text} for text in self.translate(texts)]
        return [
            {"log_likelihood": line.log_likelihood, "tokens": line.tokens, "perplexity": line.perplexity}
            for line in self.score(texts)
        ]

    def _language_model(self) -> LanguageModel[Any]:
        if not isinstance(self.model, LanguageModel):
            raise UnrollError(f"{self.folder}: is no language model; it can translate")
        return self.model


def load(folder: Path | str) -> TextModel:
    """The model of a folder as the train stage wrote it."""
    folder = Path(folder)
    model = models.load(folder)
    cleaning = json.loads((folder / TEXT).read_text(encoding="utf-8"))
    return TextModel(model, Tokenizer.load(folder / TOKENIZER), Cleaner(**cleaning), folder)


def describe(folder: Path, params: Root, tokens: str) -> None:
    """Put into a model's folder what `load` needs besides the weights: the tokenizer and the cleaning."""
    shutil.copyfile(Path("data/tokens") / tokens / TOKENIZER, folder / TOKENIZER)
    corpus = params.corpora[params.tokens[tokens].corpus]
    (folder / TEXT).write_text(json.dumps(Cleaner.params_of(corpus), indent=1) + "\n", encoding="utf-8")
