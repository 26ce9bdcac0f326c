"""The whole of params.yaml, and the rules that hold between its sections."""

from collections.abc import Callable, Iterable
from typing import Annotated, Literal

from pydantic import Field, model_validator

from unroll.models.generative_classifier.params import GenerativeClassifierParams
from unroll.models.mixture.params import MixtureParams
from unroll.models.seq2seq.params import Seq2seqParams
from unroll.params.arithmetic import Arithmetic
from unroll.params.base import Name, Params, suggest
from unroll.params.corpora import Corpus, SampledCorpus, ToyTagsCorpus, corpus_format
from unroll.params.evaluate import Evaluate
from unroll.params.experiments import (
    Experiment,
    LearningCurveParams,
    ModelParams,
    OracleEntry,
    PretrainedParams,
    SeedParams,
    VectorsParams,
)
from unroll.params.series import SeriesParams
from unroll.params.tokenizers import TokenizerParams

NEEDED = {"seq2seq": "pairs"} | dict.fromkeys(
    ("naive_bayes", "bag_of_embeddings", "recurrent_classifier", "generative_classifier"), "labelled"
)
NEEDED |= dict.fromkeys(("hmm_tagger", "recurrent_tagger", "tag_oracle"), "tagged")
"""The kind of corpus that a family needs, if it is not running text."""

NO_NEXT_TOKEN = frozenset({*NEEDED, "masked_transformer"})
"""Families of `models` that give no probability to the next token of a text."""

SECTIONS = ("models", "mixtures", "generative_classifiers", "oracles", "vectors", "pretrained", "seeds")
"""The sections whose entries are trained and evaluated. They share one set of names: each is a folder of `models/`."""

KINDS = {"text": "running text", "pairs": "sentence pairs", "labelled": "labelled text", "series": "numbers"}
KINDS |= {"tagged": "tagged text"}
"""The kinds of corpora, as messages name them."""


class Root(Params):
    """The settings of the whole pipeline."""

    seed: Annotated[int, Field(ge=0, lt=2**32)]
    """Global random seed."""
    arithmetic: Arithmetic
    """portable: the same bits on every x86-64 processor with AVX2. native: the fastest kernels of the processor."""
    device: Literal["cpu", "cuda"]
    """The device of training: the CPU, or an NVIDIA GPU. It is part of the result, since each computes other bits."""
    corpora: Annotated[dict[Name, Corpus], Field(min_length=1)]
    tokenizers: Annotated[dict[Name, TokenizerParams], Field(min_length=1)]
    models: Annotated[dict[Name, ModelParams], Field(min_length=1)]
    mixtures: dict[Name, MixtureParams]
    """Linear interpolations of two entries of `models`."""
    generative_classifiers: dict[Name, GenerativeClassifierParams]
    """Classifiers with one language model per class."""
    oracles: dict[Name, OracleEntry]
    """The true distributions of sampled corpora, as models and as taggers."""
    vectors: dict[Name, VectorsParams]
    """Word vectors, trained or read from files. They are not language models."""
    pretrained: dict[Name, PretrainedParams]
    """Models whose embeddings begin from an entry of `vectors`."""
    seeds: dict[Name, SeedParams]
    """Entries of `models` that are trained again with other seeds."""
    learning_curves: dict[Name, LearningCurveParams]
    """Entries of `models` on sampled corpora that are also trained on fractions of their text."""
    series: dict[Name, SeriesParams]
    """Forecasts of numbers. They are not language models, and are compared with each other only."""
    evaluate: Evaluate

    @property
    def experiments(self) -> dict[str, Experiment]:
        """Every entry that is trained and evaluated, by name."""
        return {name: entry for section in SECTIONS for name, entry in getattr(self, section).items()}

    @property
    def random(self) -> set[str]:
        """The entries whose training depends on the seed: networks, hidden Markov models, and what is made of them."""
        entries, names = self.experiments, set[str]()
        for name, entry in entries.items():
            parts = [entry, getattr(entry, "member", None)]
            parts += [entries.get(getattr(entry, key, None) or "") for key in ("first", "second", "model")]
            if any(hasattr(part, "training") or getattr(part, "family", "") == "hmm" for part in parts):
                names.add(name)
        return names

    @model_validator(mode="after")
    def _sections_agree(self) -> "Root":
        for name, tokenizer in self.tokenizers.items():
            corpus = self.corpora[_known(f"tokenizers.{name}.corpus", tokenizer.corpus, self.corpora)]
            if (tokenizer.type == "tagged") != (corpus_format(corpus) == "tagged"):
                raise ValueError(
                    f"tokenizers.{name}.type: is {tokenizer.type}, but corpus {tokenizer.corpus} is "
                    f"{KINDS[corpus_format(corpus)]}; tagged text needs type tagged, and other text another type"
                )
        seen: dict[str, str] = {}
        for section in SECTIONS:
            for name, entry in getattr(self, section).items():
                self._check_tokenizer(f"{section}.{name}", entry)
                if name in seen:
                    raise ValueError(
                        f"{section}.{name}: {seen[name]} has an entry {name}, too; give one of them another name"
                    )
                seen[name] = section
        checks: dict[str, Callable[[str, str], None]] = {
            "mixtures": self._check_mixture,
            "pretrained": self._check_pretrained,
            "seeds": self._check_seed,
            "oracles": self._check_oracle,
            "learning_curves": self._check_learning_curve,
            "series": self._check_series,
        }
        for section, check in checks.items():
            for name in getattr(self, section):
                check(f"{section}.{name}", name)
        return self

    def _check_tokenizer(self, path: str, entry: Experiment) -> None:
        tokenizer = self.tokenizers[_known(f"{path}.tokenizer", entry.tokenizer, self.tokenizers)]
        corpus = self.corpora[tokenizer.corpus]
        if (needed := NEEDED.get(entry.family, "text")) != (found := corpus_format(corpus)):
            raise ValueError(
                f"{path}: family {entry.family} needs a tokenizer of a corpus of {KINDS[needed]}, but "
                f"tokenizers.{entry.tokenizer} is of corpus {tokenizer.corpus} (source {corpus.source}), which is "
                f"{KINDS[found]}"
            )
        if isinstance(entry, Seq2seqParams) and entry.share_embeddings and not tokenizer.shared_vocabulary:
            raise ValueError(
                f"{path}: share_embeddings needs one vocabulary, but tokenizers.{entry.tokenizer} has two; set "
                f"tokenizers.{entry.tokenizer}.shared_vocabulary: true or share_embeddings: false"
            )

    def _check_mixture(self, path: str, name: str) -> None:
        mixture = self.mixtures[name]
        for place in ("first", "second"):
            member = getattr(mixture, place)
            known = self.models[_known(f"{path}.{place}", member, self.models)]
            _same(f"{path}.{place}", "tokenizer", member, known.tokenizer, mixture.tokenizer)
            _predicts_next_token(f"{path}.{place}", member, known.family)

    def _check_pretrained(self, path: str, name: str) -> None:
        model = self.pretrained[name]
        vectors = self.vectors[_known(f"{path}.vectors", model.vectors, self.vectors)]
        _same(f"{path}.vectors", "tokenizer", model.vectors, vectors.tokenizer, model.tokenizer)

    def _check_seed(self, path: str, name: str) -> None:
        entry = self.seeds[name]
        self._check_copies(path, entry, _known(f"{path}.model", entry.model, self.models))

    def _check_copies(self, path: str, entry: SeedParams | LearningCurveParams, model: str) -> None:
        for key in ("family", "tokenizer"):
            if (value := getattr(self.models[model], key)) != getattr(entry, key):
                raise ValueError(
                    f"{path}.{key}: is {getattr(entry, key)}, but models.{model}.{key} is {value}; write {value}"
                )

    def _check_oracle(self, path: str, name: str) -> None:
        oracle = self.oracles[name]
        corpus = self.corpora[_known(f"{path}.corpus", oracle.corpus, self.corpora)]
        source: type = ToyTagsCorpus if oracle.family == "tag_oracle" else SampledCorpus
        sources = "toy-tags" if oracle.family == "tag_oracle" else "markov, hmm, pcfg or everyday-english"
        if oracle.corpus != self.tokenizers[oracle.tokenizer].corpus or not isinstance(corpus, source):
            raise ValueError(
                f"{path}: needs the sampled corpus (source {sources}) of its tokenizer; "
                f"tokenizers.{oracle.tokenizer} is of corpus {self.tokenizers[oracle.tokenizer].corpus}, corpus is "
                f"{oracle.corpus} (source {corpus.source})"
            )
        if isinstance(corpus, ToyTagsCorpus) and (corpus.lowercase or corpus.cleaning == "letters"):
            raise ValueError(
                f"{path}: needs the words as they were sampled; set lowercase: false and cleaning: plain in "
                f"corpora.{oracle.corpus}"
            )

    def _check_learning_curve(self, path: str, name: str) -> None:
        curve = self.learning_curves[name]
        self._check_copies(path, curve, _known(path, name, self.models))
        _predicts_next_token(path, name, curve.family)
        oracle = self.oracles[_known(f"{path}.oracle", curve.oracle, self.oracles)]
        _same(f"{path}.oracle", "tokenizer", curve.oracle, oracle.tokenizer, curve.tokenizer)

    def _check_series(self, path: str, name: str) -> None:
        corpus = self.series[name].corpus
        kind = corpus_format(self.corpora[_known(f"{path}.corpus", corpus, self.corpora)])
        if kind != "series":
            raise ValueError(f"{path}.corpus: {corpus} is {KINDS[kind]}; give a corpus of numbers")


def _known(path: str, name: str, names: Iterable[str]) -> str:
    if name in names:
        return name
    raise ValueError(f"{path}: there is no {name}{suggest(name, names)}")


def _predicts_next_token(path: str, name: str, family: str) -> None:
    if family in NO_NEXT_TOKEN:
        raise ValueError(f"{path}: {name} (family {family}) predicts no next token; give a language model")


def _same(path: str, key: str, name: str, value: str, wanted: str) -> None:
    if value != wanted:
        raise ValueError(f"{path}: {name} has {key} {value}, but {key} is {wanted} here; give one with the same {key}")
