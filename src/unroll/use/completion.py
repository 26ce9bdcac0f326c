"""The most probable next words of a text, and the most probable rest of its sentence, for any tokenizer.

For a word tokenizer, a word is a token. For characters and subwords, a word is any sequence of tokens up to a boundary:

    p(word | context) = sum_{tokens that spell it} p(tokens | context) p(boundary next | context, tokens)

A beam search finds the words with the largest p. A boundary is white space, `<eos>`, or punctuation after a word.

A sentence ends with `<eos>` or after a token that ends with a full stop, a question or an exclamation mark.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from unicodedata import category

import numpy as np
from numpy.typing import NDArray

from unroll.evaluation import beam
from unroll.evaluation.generation import read_prompt
from unroll.models.base.protocol import LanguageModel, LogProbs, log_probs_by_stepping
from unroll.params.evaluate import Search
from unroll.text.cleaner import Cleaner
from unroll.text.streams import Ids
from unroll.text.tokenizers.base import Tokenizer
from unroll.text.tokenizers.vocabulary import EOS, SPECIAL

BEAM = 24
"""The number of partial words that the search keeps."""
JOINERS, APOSTROPHES = "\u200c\u200d", "_'’"
MAX_TOKENS = 24
"""The maximum number of tokens of a word."""
SENTENCE_ENDS = (".", "?", "!", "。", "？", "！", "।", "؟")
MAX_WORDS, MAX_PIECES = 50, 250
"""The maximum number of tokens of the rest of a sentence, if they are words, and if they are characters or subwords."""


@dataclass(frozen=True)
class Completion:
    """A word that may come next."""

    word: str
    """The whole word."""
    log_prob: float
    """log p(word | context) in nats. If the word completes a prefix, it is relative to all words that were found with
    that prefix."""

    @property
    def probability(self) -> float:
        """The exponential of `log_prob`."""
        return math.exp(self.log_prob)


@dataclass(frozen=True)
class Ending:
    """The rest of a sentence."""

    text: str
    """The text with the rest of its sentence."""
    log_prob: float
    """log p(rest | text) in nats."""


class _Sentence:
    """A language model of the rest of a sentence: after its end, `<eos>` is certain."""

    def __init__(self, model: LanguageModel[Any], prompt: Ids, ends: NDArray[np.bool_]) -> None:
        """Set the model, the tokens of the text, and which tokens (V,) end a sentence."""
        self.model, self.prompt, self.ends = model, prompt, ends
        self.vocabulary_size = model.vocabulary_size

    def start(self, batch_size: int = 1) -> Any:
        """Return the state after the text, and that no sentence has ended."""
        return read_prompt(self.model, self.prompt, batch_size), np.zeros(batch_size, dtype=bool)

    def advance(self, state: Any, tokens: Ids) -> Any:
        """Return the state after row b has read tokens[b]."""
        return self.model.advance(state[0], tokens), self.ends[tokens]

    def next_log_probs(self, state: Any) -> LogProbs:
        """Return log p(next token), (B, V)."""
        following = np.array(self.model.next_log_probs(state[0]), dtype=np.float64)
        following[:, :EOS] = following[:, EOS + 1 : len(SPECIAL)] = -np.inf
        following[state[1]] = -np.inf
        following[state[1], EOS] = 0.0
        return following

    def select(self, state: Any, rows: Ids) -> Any:
        """Return the state whose row i is row rows[i] of `state`."""
        return self.model.select(state[0], rows), state[1][rows]

    def log_probs(self, documents: Sequence[Ids]) -> list[LogProbs]:
        """Return log p of every token given the text and its context."""
        return log_probs_by_stepping(self, documents)


def complete_sentences(
    model: LanguageModel[Any],
    tokenizer: Tokenizer,
    cleaner: Cleaner,
    spellings: Sequence[str],
    text: str,
    count: int,
) -> list[Ending]:
    """Find the most probable ends of the sentence that a text begins.

    Args:
        model: The language model.
        tokenizer: Its tokenizer.
        cleaner: The cleaning of its training corpus.
        spellings: The spelling of every token by id.
        text: The text so far.
        count: The maximum number of ends.

    Returns:
        The ends that a beam search finds, most probable first. Unknown tokens are not predicted.
    """
    ends = np.array([spelling.rstrip().endswith(SENTENCE_ENDS) for spelling in spellings])
    prompt = np.asarray(tokenizer.encode(cleaner(text)), dtype=np.int64)
    settings = Search(
        beam=max(BEAM, count), length_penalty=0, coverage_penalty=0, max_length_ratio=1, max_length_offset=1
    )
    limit = MAX_WORDS if tokenizer.type == "word" else MAX_PIECES
    (found,) = beam.search(_Sentence(model, prompt, ends), [limit], settings)
    return [Ending(tokenizer.decode([*prompt, *one.tokens]), one.log_prob) for one in found[:count]]


def complete(
    model: LanguageModel[Any],
    tokenizer: Tokenizer,
    cleaner: Cleaner,
    spellings: Sequence[str],
    text: str,
    count: int,
    partial: bool,
) -> list[Completion]:
    """Find the most probable next words of a text.

    Args:
        model: The language model.
        tokenizer: Its tokenizer.
        cleaner: The cleaning of its training corpus.
        spellings: The spelling of every token by id.
        text: The text so far.
        count: The maximum number of words.
        partial: Whether the characters after the last white space are the prefix of the next word.

    Returns:
        The words, most probable first.
    """
    prefix = ""
    if partial and text and not text[-1].isspace():
        tail = text.split()[-1]
        text, prefix = text[: -len(tail)], cleaner(tail)
    context = cleaner(text)
    state = model.start(1)
    for token in tokenizer.encode(context):
        state = model.advance(state, np.asarray([token]))
    if tokenizer.type == "word":
        completions = _complete_by_one_token(model.next_log_probs(state)[0], spellings, prefix)
    else:
        separator = " " if context else ""
        completions = _search_words(model, state, np.asarray(spellings, dtype=object), separator, prefix)
    ranked = sorted(completions, key=lambda one: (-one.log_prob, one.word))
    if prefix:
        total = np.logaddexp.reduce([one.log_prob for one in ranked]) if ranked else 0.0
        ranked = [Completion(one.word, float(one.log_prob - total)) for one in ranked]
    return ranked[:count]


def _complete_by_one_token(log_probs: NDArray, spellings: Sequence[str], prefix: str) -> list[Completion]:
    return [
        Completion(spellings[token], float(log_probs[token]))
        for token in range(len(SPECIAL), len(spellings))
        if spellings[token].startswith(prefix) and log_probs[token] > -math.inf
    ]


def _search_words(
    model: LanguageModel[Any], state: Any, spellings: NDArray, separator: str, prefix: str
) -> list[Completion]:
    """Search words of several tokens. `separator` is the white space between the context and the word."""
    usable = np.arange(len(spellings)) >= len(SPECIAL)
    usable &= np.array([not text.startswith("<0x") for text in spellings])  # a byte of a character is not printable
    spaced = np.array([text[:1].isspace() for text in spellings]) & usable
    punctuation = np.array([not _continues_word(text[:1]) for text in spellings]) & usable & ~spaced
    start = separator + prefix
    texts, log_probs = [""], np.zeros(1)
    words: dict[str, float] = {}
    for _ in range(MAX_TOKENS):
        following = np.asarray(model.next_log_probs(state), dtype=np.float64)  # (B, V)
        for row, text in enumerate(texts):
            word = text[len(separator) :]
            if word and text.startswith(start):
                ends = spaced | (punctuation if _is_letter(word[-1]) else usable & ~spaced & ~punctuation)
                boundary = np.logaddexp.reduce([*following[row, ends], following[row, EOS]])
                words[word] = float(np.logaddexp(words.get(word, -np.inf), log_probs[row] + boundary))
        joint = log_probs[:, None] + np.where(usable, following, -np.inf)  # (B, V)
        for row, text in enumerate(texts):
            allowed = _allowed_tokens(text, spellings, spaced, punctuation, separator, start)
            joint[row, ~allowed] = -np.inf
        flat = joint.ravel()
        best = np.argpartition(-flat, min(BEAM, flat.size - 1))[:BEAM]
        best = best[np.isfinite(flat[best])]
        if not best.size or (len(words) >= BEAM and flat[best].max() < sorted(words.values())[-BEAM]):
            break
        rows, tokens = np.divmod(best, len(spellings))
        texts = [texts[row] + spellings[token] for row, token in zip(rows, tokens, strict=True)]
        log_probs, state = flat[best], model.advance(model.select(state, rows), tokens)
    return [Completion(word, log_prob) for word, log_prob in words.items()]


def _allowed_tokens(
    text: str, spellings: NDArray, spaced: NDArray, punctuation: NDArray, separator: str, start: str
) -> NDArray[np.bool_]:
    """Mark the tokens that continue the same word and agree with the required start, (V,)."""
    word = text[len(separator) :]
    if len(text) < len(separator):
        allowed = spaced
    elif not word:
        allowed = ~spaced
    else:  # letters continue with letters, punctuation with punctuation
        allowed = ~spaced & (~punctuation if _continues_word(word[-1]) else punctuation)
    if len(text) < len(start):
        rest = start[len(text) :]
        allowed = allowed & np.array([rest.startswith(token) or token.startswith(rest) for token in spellings])
    return allowed


def _is_letter(character: str) -> bool:
    """Return whether a character is a letter, a digit, or a mark or joiner of a script, which follow letters."""
    return character.isalnum() or (character != "" and (category(character)[0] == "M" or character in JOINERS))


def _continues_word(character: str) -> bool:
    return _is_letter(character) or character in APOSTROPHES
