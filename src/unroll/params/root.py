"""The whole of params.yaml, and what its sections must agree on."""

from collections.abc import Iterable
from typing import Annotated

from pydantic import Field, model_validator

from unroll.params.base import Name, Params, nearest
from unroll.params.corpora import Corpus, SampledCorpus, kind_of
from unroll.params.evaluate import Evaluate
from unroll.params.learning import LearningParams
from unroll.params.models import (
    InitialisedParams,
    MixtureParams,
    ModelParams,
    RepeatedParams,
    Seq2seqParams,
    SourceParams,
    VectorsParams,
)
from unroll.params.series import SeriesParams
from unroll.params.tokens import TokenParams

NEEDED = {"seq2seq": "pairs", "naive_bayes": "labelled", "per_class": "labelled"}
"""What a family's corpus holds, if not running text."""

SECTIONS = ("models", "mixtures", "truths", "vectors", "initialised", "repeats")
"""Whose entries are evaluated, and share their names: each is a folder of `models/`."""

Experiment = ModelParams | MixtureParams | SourceParams | VectorsParams | InitialisedParams | RepeatedParams


class Root(Params):
    seed: Annotated[int, Field(ge=0, lt=2**32)]
    """Of everything random."""
    threads: Annotated[int, Field(ge=1, le=1024)]
    """Of torch and BLAS; part of the result, since sums of floats depend on their order."""
    corpora: Annotated[dict[Name, Corpus], Field(min_length=1)]
    tokens: Annotated[dict[Name, TokenParams], Field(min_length=1)]
    models: Annotated[dict[Name, ModelParams], Field(min_length=1)]
    mixtures: dict[Name, MixtureParams]
    """Models made of two of `models`."""
    truths: dict[Name, SourceParams]
    """The sources of sampled corpora, as models."""
    vectors: dict[Name, VectorsParams]
    """Vectors of tokens, trained or read: no language models."""
    initialised: dict[Name, InitialisedParams]
    """Models whose embeddings begin from some of `vectors`."""
    repeats: dict[Name, RepeatedParams]
    """Models of `models` trained again with other seeds."""
    learning: dict[Name, LearningParams]
    """Models of `models` on sampled corpora, fitted to parts of their text."""
    series: dict[Name, SeriesParams]
    """Forecasts of numbers: no language models, and compared among themselves."""
    evaluate: Evaluate

    @property
    def experiments(self) -> dict[str, Experiment]:
        """Everything that is evaluated, by name."""
        return {name: model for section in SECTIONS for name, model in getattr(self, section).items()}

    @model_validator(mode="after")
    def _sections_agree(self) -> "Root":
        for name, tokens in self.tokens.items():
            _known(f"tokens.{name}.corpus", tokens.corpus, self.corpora)
        seen: dict[str, str] = {}
        for section in SECTIONS:
            for name, model in getattr(self, section).items():
                self._check_tokens(f"{section}.{name}", model)
                if name in seen:
                    raise ValueError(f"{section}.{name}: {seen[name]} has a {name} too; give one of them another name")
                seen[name] = section
        for name, mixture in self.mixtures.items():
            for place in ("first", "second"):
                member = self.models[_known(f"mixtures.{name}.{place}", getattr(mixture, place), self.models)]
                if member.tokens != mixture.tokens:
                    raise ValueError(
                        f"mixtures.{name}.{place}: {getattr(mixture, place)} is of tokens {member.tokens}, but tokens "
                        f"is {mixture.tokens}; mix models of the same tokens"
                    )
        for name, model in self.initialised.items():
            vectors = self.vectors[_known(f"initialised.{name}.vectors", model.vectors, self.vectors)]
            if vectors.tokens != model.tokens:
                raise ValueError(
                    f"initialised.{name}.vectors: {model.vectors} is of tokens {vectors.tokens}, but tokens is "
                    f"{model.tokens}; use vectors of the same tokens"
                )
        for name, repeat in self.repeats.items():
            of = self.models[_known(f"repeats.{name}.model", repeat.model, self.models)]
            for key in ("family", "tokens"):
                if getattr(of, key) != getattr(repeat, key):
                    raise ValueError(
                        f"repeats.{name}.{key}: {getattr(repeat, key)}, but models.{repeat.model} has "
                        f"{getattr(of, key)}; write that"
                    )
        for name, truth in self.truths.items():
            corpus = self.corpora[_known(f"truths.{name}.corpus", truth.corpus, self.corpora)]
            if truth.corpus != self.tokens[truth.tokens].corpus or not isinstance(corpus, SampledCorpus):
                raise ValueError(
                    f"truths.{name}: needs the sampled corpus (source markov, hmm or pcfg) of its tokens; "
                    f"tokens.{truth.tokens} is of corpus {self.tokens[truth.tokens].corpus}, corpus is {truth.corpus} "
                    f"(source {corpus.source})"
                )
        for name, learning in self.learning.items():
            learner = self.models[_known(f"learning.{name}", name, self.models)]
            known = self.truths[_known(f"learning.{name}.truth", learning.truth, self.truths)]
            for key, value in (("family", learner.family), ("tokens", learner.tokens)):
                if getattr(learning, key) != value:
                    raise ValueError(
                        f"learning.{name}.{key}: {getattr(learning, key)}, but models.{name} has {value}; write that"
                    )
            if known.tokens != learner.tokens:
                raise ValueError(
                    f"learning.{name}.truth: {learning.truth} is of tokens {known.tokens}, but models.{name} is of "
                    f"{learner.tokens}; give the truth of those tokens"
                )
        for name, series in self.series.items():
            kind = kind_of(self.corpora[_known(f"series.{name}.corpus", series.corpus, self.corpora)])
            if kind != "series":
                raise ValueError(f"series.{name}.corpus: {series.corpus} is {KINDS[kind]}; give a corpus of numbers")
        return self

    def _check_tokens(self, path: str, model: Experiment) -> None:
        tokens = self.tokens[_known(f"{path}.tokens", model.tokens, self.tokens)]
        corpus = self.corpora[tokens.corpus]
        if (needed := NEEDED.get(model.family, "text")) != (found := kind_of(corpus)):
            raise ValueError(
                f"{path}: family {model.family} needs tokens of a corpus of {KINDS[needed]}, but "
                f"tokens.{model.tokens} is of corpus {tokens.corpus} (source {corpus.source}), which is {KINDS[found]}"
            )
        separate = getattr(tokens, "vocabularies", "joint") == "separate"
        if isinstance(model, Seq2seqParams) and model.share_embeddings and separate:
            raise ValueError(
                f"{path}: share_embeddings needs one vocabulary, but tokens.{model.tokens} has two; set "
                f"tokens.{model.tokens}.vocabularies: joint or share_embeddings: false"
            )


KINDS = {"text": "running text", "pairs": "sentence pairs", "labelled": "labelled text", "series": "numbers"}


def _known(path: str, name: str, names: Iterable[str]) -> str:
    if name in names:
        return name
    raise ValueError(f"{path}: there is no {name}{nearest(name, names)}")
