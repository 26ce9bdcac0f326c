"""What the page asks and is told: the JSON API. Every text and every number has a bound."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

TEXT, MODELS, WORDS, TOKENS, SAMPLES = 1000, 8, 20, 200, 8
"""Bounds: characters of a text, models at a time, words per position, tokens and number of generated texts."""

Text = Annotated[str, Field(max_length=TEXT)]
Name = Annotated[str, Field(min_length=1, max_length=200)]


class Question(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Read(Question):
    text: Text
    models: Annotated[list[Name], Field(min_length=1, max_length=MODELS)]
    count: Annotated[int, Field(ge=1, le=WORDS)] = 8


class Generate(Question):
    model: Name
    prompt: Text = ""
    count: Annotated[int, Field(ge=1, le=SAMPLES)] = 3
    length: Annotated[int, Field(ge=1, le=TOKENS)] = 40
    temperature: Annotated[float, Field(ge=0, le=10)] = 0.8
    top_k: Annotated[int, Field(ge=0, le=10_000)] = 0
    nucleus: Annotated[float, Field(ge=0, le=1)] = 0.95
    repetition_penalty: Annotated[float, Field(ge=1, le=10)] = 1.0
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 1


class Translate(Question):
    model: Name
    text: Text


class ModelCard(BaseModel):
    name: str
    family: str
    verbs: list[str]


class Word(BaseModel):
    word: str
    probability: float


class Token(BaseModel):
    token: str
    start: int
    """Characters of the cleaned text."""
    end: int
    bits: float | None
    """Its surprise, -log2 p; null where it was impossible."""
    next: list[Word]
    """The most probable tokens in its place."""


class Reading(BaseModel):
    model: str
    text: str
    """Cleaned as the model's training text was."""
    tokens: list[Token]
    next: list[Word]
    """The most probable words after the text."""
    perplexity: float | None


class Generated(BaseModel):
    texts: list[str]


class Translation(BaseModel):
    source: list[str]
    """Tokens, the end of the text included; none without attention."""
    target: list[str]
    text: str
    attention: list[list[float]] | None
    """For every target token the weights of the source's, which sum to one; null for a model without attention."""
