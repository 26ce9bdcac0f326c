"""The requests and responses of the JSON API. Every text and every number has a bound."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

MAX_TEXT = 1000
"""The maximum number of characters of a text."""
MAX_MODELS = 8
"""The maximum number of models of a request."""
MAX_WORDS = 20
"""The maximum number of predicted words per position."""
MAX_TOKENS = 200
"""The maximum number of tokens of a generated text."""
MAX_TEXTS = 8
"""The maximum number of generated texts."""

Text = Annotated[str, Field(max_length=MAX_TEXT)]
Name = Annotated[str, Field(min_length=1, max_length=200)]


class Request(BaseModel):
    """A request. Unknown fields are refused."""

    model_config = ConfigDict(extra="forbid")


class PredictRequest(Request):
    """The request for the predictions of several models at every position of a text."""

    text: Text
    """The text."""
    models: Annotated[list[Name], Field(min_length=1, max_length=MAX_MODELS)]
    """The names of the models."""
    count: Annotated[int, Field(ge=1, le=MAX_WORDS)] = 8
    """The number of predicted words per position."""


class GenerateRequest(Request):
    """The request for generated texts."""

    model: Name
    """The name of the model."""
    prompt: Text = ""
    """The beginning of the texts."""
    count: Annotated[int, Field(ge=1, le=MAX_TEXTS)] = 3
    """The number of texts."""
    length: Annotated[int, Field(ge=1, le=MAX_TOKENS)] = 40
    """The maximum number of tokens after the prompt."""
    temperature: Annotated[float, Field(ge=0, le=10)] = 0.8
    """Log-probabilities are divided by it; 0 is greedy search."""
    top_k: Annotated[int, Field(ge=0, le=10_000)] = 0
    """Only the k most probable tokens are drawn; 0 allows all."""
    top_p: Annotated[float, Field(ge=0, le=1)] = 0.95
    """Only the most probable tokens with this total probability are drawn."""
    repetition_penalty: Annotated[float, Field(ge=1, le=10)] = 1.0
    """log p of tokens that the text already has is multiplied by it."""
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 1
    """The random seed."""


class TranslateRequest(Request):
    """The request for a translation."""

    model: Name
    """The name of the model."""
    text: Text
    """The text."""


class ModelCard(BaseModel):
    """A model of the page."""

    name: str
    """Its name, which is the name of its folder."""
    family: str
    """Its family."""
    verbs: list[str]
    """The verbs of the command line that it supports."""


class WordProbability(BaseModel):
    """A predicted word or token."""

    word: str
    """Its spelling."""
    probability: float
    """Its probability given the text before it."""


class TokenSurprisal(BaseModel):
    """A token of the text."""

    token: str
    """Its spelling in the text."""
    start: int
    """The position of its first character in the cleaned text."""
    end: int
    """The position after its last character."""
    bits: float | None
    """Its surprisal, -log2 p(token | context); null if its probability is zero."""
    next: list[WordProbability]
    """The most probable tokens at its position."""


class PredictResponse(BaseModel):
    """The predictions of one model."""

    model: str
    """The name of the model."""
    text: str
    """The text, cleaned as the training corpus was."""
    tokens: list[TokenSurprisal]
    """The tokens of the text."""
    next: list[WordProbability]
    """The most probable words after the text."""
    perplexity: float | None
    """The perplexity per token; null if it is infinite or there is no token."""


class GenerateResponse(BaseModel):
    """Generated texts."""

    texts: list[str]
    """The texts, each with the prompt."""


class TranslateResponse(BaseModel):
    """The best translation of a text."""

    source: list[str]
    """The source tokens, `<eos>` included; empty for a model without attention."""
    target: list[str]
    """The target tokens, `<eos>` included; empty for a model without attention."""
    text: str
    """The translation."""
    attention: list[list[float]] | None
    """For each target token the weights of the source tokens, which sum to one; null for a model without attention."""
