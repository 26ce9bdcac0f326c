"""A trained model with its tokenizer and its cleaning."""

from collections.abc import Sequence
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unroll.errors import UnrollError
from unroll.evaluation import generation
from unroll.evaluation.generation import UNCHANGED, SamplingOptions
from unroll.models.base.label_protocol import Classifier, Tagger
from unroll.models.base.protocol import ConditionalModel, LanguageModel
from unroll.params.evaluate import Search
from unroll.text.cleaner import Cleaner
from unroll.text.streams import Ids
from unroll.text.tokenizers.base import Tokenizer
from unroll.text.tokenizers.vocabulary import EOS, UNK
from unroll.use import completion, tagging, translation
from unroll.use.capabilities import raise_unsupported
from unroll.use.completion import Completion
from unroll.use.scoring import LineScore, TextScore, TokenScore, sum_scores
from unroll.use.translation import DEFAULT_SEARCH, AttentionMap, Translation, change_search


class TextModel:
    """A trained model that works on texts. Each text is a document, cleaned as the training corpus was.

    Attributes:
        model: The model of tokens.
        tokenizer: The tokenizer of the model, for pairs that of the target side.
        source: The tokenizer of the source side.
        cleaner: The cleaning of the training corpus.
        folder: The folder of the model.
    """

    def __init__(
        self, model: Any, tokenizer: Tokenizer, cleaner: Cleaner, folder: Path, source: Tokenizer | None = None
    ) -> None:
        """Set the parts of the model. `source` is None if both sides of pairs share a tokenizer."""
        self.model, self.tokenizer, self.cleaner, self.folder = model, tokenizer, cleaner, folder
        self.source = source or tokenizer

    def encode(self, text: str) -> Ids:
        """Return the token ids (tokens,) of a text, without special tokens."""
        return np.asarray(self.tokenizer.encode(self.cleaner(text)), dtype=np.int64)

    def score(self, texts: Sequence[str], verb: str = "score") -> list[LineScore]:
        """Compute the log-likelihood of each text.

        Args:
            texts: The texts.
            verb: The purpose, for the message of the error.

        Returns:
            A score for each text.

        Raises:
            UnrollError: The model is not a language model.
        """
        return [line for line, _, _ in self._score(texts, verb)]

    def token_scores(self, texts: Sequence[str]) -> list[list[TokenScore]]:
        """Compute the log-probability of every token.

        Args:
            texts: The texts.

        Returns:
            The scores of the tokens of each text, `<eos>` last.

        Raises:
            UnrollError: The model is not a language model.
        """
        results = []
        for text, (_, document, log_probs) in zip(texts, self._score(texts, "score"), strict=True):
            unknown_words = iter(self.tokenizer.unknown_tokens(self.cleaner(text)))
            tokens = document.tolist()
            unknown = [next(unknown_words, None) if token == UNK else None for token in tokens]
            spellings = [self.spellings[token] for token in tokens]
            results.append([TokenScore(*row) for row in zip(spellings, log_probs.tolist(), unknown, strict=True)])
        return results

    def evaluate(self, texts: Sequence[str]) -> TextScore:
        """Compute perplexity, bits per byte and the rate of unknown words.

        Args:
            texts: At least one text.

        Returns:
            The score of all texts together.

        Raises:
            UnrollError: There is no text, or the model is not a language model.
        """
        if not texts:
            raise UnrollError("no text to evaluate; give at least one")
        return sum_scores(self.score(texts, "evaluate"))

    def generate(
        self,
        prompt: str = "",
        count: int = 1,
        length: int = 50,
        temperature: float = 1.0,
        seed: int = 1,
        options: SamplingOptions = UNCHANGED,
    ) -> list[str]:
        """Generate continuations of a prompt.

        Args:
            prompt: The beginning of all texts.
            count: The number of texts.
            length: The maximum number of tokens after the prompt.
            temperature: Log-probabilities are divided by it; 0 is greedy search.
            seed: The seed of the random draws.
            options: Restrictions of the distribution that tokens are drawn from.

        Returns:
            The texts, each with the prompt.

        Raises:
            UnrollError: The model is not a language model.
        """
        model, tokens = self.language_model("generate"), self.encode(prompt)
        state = generation.read_prompt(model, tokens, count)
        continuations = generation.generate(model, state, count, length, temperature, seed, options, tokens)
        return [self.tokenizer.decode([*tokens, *continuation]) for continuation in continuations]

    def complete(self, text: str, count: int = 5, partial: bool = False) -> list[Completion]:
        """Find the most probable next words.

        Args:
            text: The text so far.
            count: The maximum number of words.
            partial: Whether the characters after the last white space are the prefix of the next word.

        Returns:
            The words, most probable first.

        Raises:
            UnrollError: The model is not a language model.
        """
        model = self.language_model("complete")
        return completion.complete(model, self.tokenizer, self.cleaner, self.spellings, text, count, partial)

    def translate(self, texts: Sequence[str], beam: int = DEFAULT_SEARCH.beam) -> list[str]:
        """Translate texts by beam search.

        Args:
            texts: The texts.
            beam: The number of hypotheses that are kept; 1 is greedy search.

        Returns:
            The best translation of each text; an empty one for an empty text.

        Raises:
            UnrollError: The model does not translate.
        """
        results = self.translate_nbest(texts, change_search(beam=beam))
        return [translations[0].text if translations else "" for translations in results]

    def translate_nbest(self, texts: Sequence[str], search: Search) -> list[list[Translation]]:
        """Find the best translations of each text.

        Args:
            texts: The texts.
            search: The settings of the beam search.

        Returns:
            At most `search.beam` translations of each text, best first; none of an empty text.

        Raises:
            UnrollError: The model does not translate.
        """
        model = self._translation_model()
        cleaned = [self.cleaner(text) for text in _check_list(texts)]
        return translation.translate(model, self.source, self.tokenizer, cleaned, search)

    def map_attention(self, text: str, result: Translation) -> AttentionMap | None:
        """Compute the attention behind a translation of a text.

        Args:
            text: The text.
            result: A translation of it.

        Returns:
            The attention, or None if the model has no attention.

        Raises:
            UnrollError: The model does not translate.
        """
        model = self._translation_model()
        return translation.map_attention(model, self.source, self.tokenizer, self.cleaner(text), result)

    def classify(self, texts: Sequence[str]) -> list[dict[str, float]]:
        """Compute p(class | text).

        Args:
            texts: The texts.

        Returns:
            For each text the probability of every class, most probable first.

        Raises:
            UnrollError: The model is not a classifier.
        """
        if not isinstance(self.model, Classifier):
            raise_unsupported(self.model, self.folder, "classify")
        documents = [np.append(self.encode(text), EOS) for text in _check_list(texts)]
        posteriors: Any = np.exp(self.model.log_posteriors(documents)) if documents else []
        return [{self.model.classes[c]: float(row[c]) for c in np.argsort(-row, kind="stable")} for row in posteriors]

    def tag(self, texts: Sequence[str | Sequence[str]]) -> list[list[tagging.TaggedWord]]:
        """Tag the words of sentences.

        Args:
            texts: Sentences with white space between the words, or lists of words.

        Returns:
            The words of each sentence with their tags.

        Raises:
            UnrollError: The model is not a tagger.
        """
        return tagging.tag(self.model, self.tokenizer, self.cleaner, self.folder, _check_list(texts))

    def predict(self, texts: Sequence[str]) -> list[dict[str, Any]]:
        """Compute what MLflow's `predict` returns for each text.

        Args:
            texts: The texts.

        Returns:
            A dictionary per text: its translation, class, tagged words, or log-likelihood, with what belongs to it.

        Raises:
            UnrollError: The model supports none of them.
        """
        if isinstance(self.model, ConditionalModel):
            return [{"translation": text} for text in self.translate(texts)]
        if isinstance(self.model, Classifier):
            results = self.classify(texts)
            return [{"class": next(iter(row)), "probability": max(row.values())} for row in results]
        if isinstance(self.model, Tagger):
            return [{"words": [asdict(word) for word in words]} for words in self.tag(texts)]
        return [
            {"log_likelihood": line.log_likelihood, "tokens": line.tokens, "perplexity": line.perplexity}
            for line in self.score(texts)
        ]

    def language_model(self, verb: str) -> LanguageModel[Any]:
        """Return the model of tokens if it is a language model.

        Args:
            verb: The purpose, for the message of the error.

        Returns:
            The language model.

        Raises:
            UnrollError: It is not a language model.
        """
        if not isinstance(self.model, LanguageModel):
            raise_unsupported(self.model, self.folder, verb)
        return self.model

    @cached_property
    def spellings(self) -> list[str]:
        """The spelling of every token by id."""
        return [self.tokenizer.id_to_token(token) for token in range(self.tokenizer.vocabulary_size)]

    def _translation_model(self) -> ConditionalModel:
        if not isinstance(self.model, ConditionalModel):
            raise_unsupported(self.model, self.folder, "translate")
        return self.model

    def _score(self, texts: Sequence[str], verb: str) -> list[tuple[LineScore, Ids, NDArray[np.floating]]]:
        """Compute the score of each text, its tokens, and the log-probability of each token."""
        model, cleaned = self.language_model(verb), [self.cleaner(text) for text in _check_list(texts)]
        documents = [np.append(np.asarray(ids, np.int64), EOS) for ids in self.tokenizer.encode_batch(cleaned)]
        results = []
        for text, log_probs, document in zip(cleaned, model.log_probs(documents), documents, strict=True):
            unknown = int((document == UNK).sum())
            spelling = self.tokenizer.spelling_bits(text) if unknown else 0.0
            size, spacing = len(text.encode()) + 1, self.tokenizer.spacing_bits(text)
            log_likelihood = float(np.sum(log_probs, dtype=np.float64))
            line = LineScore(log_likelihood, len(document), unknown, size, spelling, spacing)
            results.append((line, document, np.asarray(log_probs)))
        return results


def _check_list(texts: Sequence[Any]) -> Sequence[Any]:
    """Return the texts; raise UnrollError for a string, whose characters would be taken for texts."""
    if isinstance(texts, str):
        raise UnrollError("a list of texts is required, not one text; write [text]")
    return texts
