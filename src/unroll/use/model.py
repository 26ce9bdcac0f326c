"""A trained model with its tokenizer and its cleaning."""

import json
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unroll import models
from unroll.errors import UnrollError
from unroll.evaluation import generation
from unroll.evaluation.generation import WHOLE, Truncation
from unroll.models.base.folder import CLEANING, TOKENIZER
from unroll.models.base.protocol import Classifier, ConditionalModel, LanguageModel
from unroll.params.evaluate import Search
from unroll.text.cleaner import Cleaner
from unroll.text.streams import Ids
from unroll.text.tokenizers.base import Tokenizer
from unroll.text.tokenizers.loading import load_tokenizer
from unroll.text.tokenizers.vocabulary import EOS, UNK
from unroll.use.capabilities import refuse
from unroll.use.completion import Completion, complete
from unroll.use.scoring import LineScore, TextScore, TokenScore, total
from unroll.use.translation import Attended, Translated, attended, translations


class TextModel:
    """What `load` gives. Texts are cleaned as the training corpus was; a text is a document of its own."""

    def __init__(
        self, model: Any, tokenizer: Tokenizer, cleaner: Cleaner, folder: Path, source: Tokenizer | None = None
    ) -> None:
        """`source` is the tokenizer of what is translated, where it is another."""
        self.model, self.tokenizer, self.cleaner, self.folder = model, tokenizer, cleaner, folder
        self.source = source or tokenizer

    def encode(self, text: str) -> Ids:
        """Token ids of a text, cleaned as the training corpus was."""
        return np.asarray(self.tokenizer.encode(self.cleaner(text)), dtype=np.int64)

    def score(self, texts: Sequence[str], wanted: str = "score") -> list[LineScore]:
        """The log-likelihood of each text. `wanted` names what it is for, in the error of a model that cannot."""
        return [line for line, _, _ in self._scored(texts, wanted)]

    def token_scores(self, texts: Sequence[str]) -> list[list[TokenScore]]:
        """The log-probability of every token of each text, `<eos>` last."""
        found = []
        for text, (_, document, log_probs) in zip(texts, self._scored(texts, "score"), strict=True):
            unknown = iter(self.tokenizer.unknown(self.cleaner(text)))
            tokens = document.tolist()
            written = [next(unknown, None) if token == UNK else None for token in tokens]
            spelt = zip((self.spellings[token] for token in tokens), log_probs.tolist(), written, strict=True)
            found.append([TokenScore(*parts) for parts in spelt])
        return found

    def evaluate(self, texts: Sequence[str]) -> TextScore:
        """Perplexity, bits per byte and share of unknown words of at least one text."""
        if not texts:
            raise UnrollError("no text to evaluate; give at least one")
        return total(self.score(texts, "evaluate"))

    def generate(
        self,
        prompt: str = "",
        count: int = 1,
        length: int = 50,
        temperature: float = 1.0,
        seed: int = 1,
        truncation: Truncation = WHOLE,
    ) -> list[str]:
        """`count` continuations of the prompt, each at most `length` tokens; temperature 0 is greedy."""
        model, tokens = self.language_model("generate"), self.encode(prompt)
        state = generation.read(model, tokens, count)
        found = generation.generate(model, state, count, length, temperature, seed, truncation, tokens)
        return [self.tokenizer.decode([*tokens, *continuation]) for continuation in found]

    def complete(self, text: str, count: int = 5, partial: bool = False) -> list[Completion]:
        """The most probable next words; with `partial`, a last word without a space after it is only begun."""
        return complete(
            self.language_model("complete"), self.tokenizer, self.cleaner, self.spellings, text, count, partial
        )

    def translate(self, texts: Sequence[str], beam: int = 5) -> list[str]:
        """The best translation of each text; an empty one has an empty translation."""
        search = Search(beam=beam, length_penalty=1.0, coverage_penalty=0.0, max_length_ratio=2.0, max_length_offset=10)
        return [found[0].text if found else "" for found in self.translations(texts, search)]

    def translations(self, texts: Sequence[str], search: Search) -> list[list[Translated]]:
        """The `search.beam` best translations of each text, best first; none of an empty one."""
        if not isinstance(self.model, ConditionalModel):
            refuse(self.model, self.folder, "translate")
        cleaned = [self.cleaner(text) for text in several(texts)]
        return translations(self.model, self.source, self.tokenizer, cleaned, search)

    def attention(self, text: str, translation: Translated) -> Attended | None:
        """Where the model looks when it translates `text` so; None without attention."""
        if not isinstance(self.model, ConditionalModel):
            refuse(self.model, self.folder, "translate")
        return attended(self.model, self.source, self.tokenizer, self.cleaner(text), translation)

    def classify(self, texts: Sequence[str]) -> list[dict[str, float]]:
        """p(class | text) of every class, most probable first, for each text."""
        if not isinstance(self.model, Classifier):
            refuse(self.model, self.folder, "classify")
        documents = [np.append(self.encode(text), EOS) for text in several(texts)]
        posteriors: Any = np.exp(self.model.log_posteriors(documents)) if documents else []
        return [{self.model.classes[c]: float(row[c]) for c in np.argsort(-row, kind="stable")} for row in posteriors]

    def predict(self, texts: Sequence[str]) -> list[dict[str, Any]]:
        """One dictionary per text, for MLflow: translation, classes, or log_likelihood, tokens and perplexity."""
        if isinstance(self.model, ConditionalModel):
            return [{"translation": text} for text in self.translate(texts)]
        if isinstance(self.model, Classifier):
            return [{"class": next(iter(found)), "probability": max(found.values())} for found in self.classify(texts)]
        return [
            {"log_likelihood": line.log_likelihood, "tokens": line.tokens, "perplexity": line.perplexity}
            for line in self.score(texts)
        ]

    def language_model(self, wanted: str) -> LanguageModel[Any]:
        """The model itself, if it is a language model; else UnrollError, which says that `wanted` needs one."""
        if not isinstance(self.model, LanguageModel):
            refuse(self.model, self.folder, wanted)
        return self.model

    @cached_property
    def spellings(self) -> list[str]:
        """The spelling of every token by id."""
        return [self.tokenizer.token(token) for token in range(self.tokenizer.vocabulary_size)]

    def _scored(self, texts: Sequence[str], wanted: str) -> list[tuple[LineScore, Ids, NDArray[np.floating]]]:
        """Of each text its score, its tokens and log p of each of them."""
        model, cleaned = self.language_model(wanted), [self.cleaner(text) for text in several(texts)]
        documents = [np.append(np.asarray(ids, np.int64), EOS) for ids in self.tokenizer.encode_batch(cleaned)]
        lines = []
        for text, scores, document in zip(cleaned, model.log_probs(documents), documents, strict=True):
            unknown = int((document == UNK).sum())
            spelt = sum(len(piece.encode()) for piece in self.tokenizer.unknown(text)) if unknown else 0
            likelihood = float(np.sum(scores, dtype=np.float64))
            line = LineScore(likelihood, len(document), unknown, len(text.encode()) + 1, spelt)
            lines.append((line, document, np.asarray(scores)))
        return lines


def load(folder: Path | str) -> TextModel:
    """The model of a folder as the train stage wrote it, or of its name under `models/`."""
    folder = _found(Path(folder))
    model = models.load(folder)
    try:
        cleaning = json.loads((folder / CLEANING).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UnrollError(f"{folder / CLEANING}: unreadable ({error}); run `dvc repro -f` for this model") from error
    source, target = (load_tokenizer(folder / TOKENIZER, side=side) for side in ("source", "target"))
    return TextModel(model, target, Cleaner(**cleaning), folder, source)


def several(texts: Sequence[str]) -> Sequence[str]:
    """The texts; UnrollError of a single one, whose letters would pass for texts."""
    if isinstance(texts, str):
        raise UnrollError("one text where a list of texts is wanted; write [text]")
    return texts


def _found(folder: Path) -> Path:
    named = Path("models") / folder
    return named if not folder.exists() and (named.exists() or len(folder.parts) == 1) else folder
