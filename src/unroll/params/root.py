"""The whole of params.yaml, and what its sections must agree on."""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Annotated

from pydantic import Field, model_validator

from unroll.params.base import Name, Params
from unroll.params.corpora import Corpus, SampledCorpus, ToyDutchCorpus
from unroll.params.models import ModelParams, RecurrentParams, Seq2seqParams, SourceParams
from unroll.params.tokens import TokenParams


class Evaluate(Params):
    """`evaluate`: what the evaluate stage does besides perplexity."""

    batch_size: Annotated[int, Field(ge=1, le=65536)]
    """Documents or contexts scored together; changes speed, never a score."""
    samples: Annotated[int, Field(ge=0, le=1000)]
    """Texts generated per model (for pairs: test sentences translated)."""
    sample_length: Annotated[int, Field(ge=1, le=100_000)]
    """Tokens per sample at most."""
    temperature: Annotated[float, Field(gt=0, le=100)]
    """Log-probabilities are divided by it before sampling; 1 samples from the model itself."""


class Root(Params):
    seed: Annotated[int, Field(ge=0, lt=2**32)]
    """Of everything random."""
    threads: Annotated[int, Field(ge=1, le=1024)]
    """Of torch and BLAS; part of the result, since sums of floats depend on their order."""
    corpora: Annotated[dict[Name, Corpus], Field(min_length=1)]
    tokens: Annotated[dict[Name, TokenParams], Field(min_length=1)]
    models: Annotated[dict[Name, ModelParams], Field(min_length=1)]
    evaluate: Evaluate

    @model_validator(mode="after")
    def _sections_agree(self) -> "Root":
        for name, tokens in self.tokens.items():
            _known(f"tokens.{name}.corpus", tokens.corpus, self.corpora)
        for name, model in self.models.items():
            tokens = self.tokens[_known(f"models.{name}.tokens", model.tokens, self.tokens)]
            pairs = isinstance(self.corpora[tokens.corpus], ToyDutchCorpus)
            if pairs != isinstance(model, Seq2seqParams):
                raise ValueError(
                    f"models.{name}: family {model.family} needs tokens of a corpus of "
                    f"{'running text' if pairs else 'sentence pairs'}, but tokens.{model.tokens} is of corpus "
                    f"{tokens.corpus} (source {self.corpora[tokens.corpus].source})"
                )
            if isinstance(model, SourceParams) and not isinstance(self.corpora[tokens.corpus], SampledCorpus):
                raise ValueError(
                    f"models.{name}: family source is known only of a sampled corpus (source markov, hmm or pcfg), but "
                    f"tokens.{model.tokens} is of corpus {tokens.corpus} (source {self.corpora[tokens.corpus].source})"
                )
            if isinstance(model, RecurrentParams) and model.tie_weights and model.embedding_size != model.hidden_size:
                raise ValueError(
                    f"models.{name}: tie_weights needs embedding_size ({model.embedding_size}) equal to "
                    f"hidden_size ({model.hidden_size})"
                )
        return self


def _known(path: str, name: str, names: Iterable[str]) -> str:
    if name in names:
        return name
    raise ValueError(f"{path}: there is no {name}{nearest(name, names)}")


def nearest(name: str, names: Iterable[str]) -> str:
    """A hint for a misspelt name: "; did you mean lstm?", or what there is to choose from."""
    close = get_close_matches(name, names := list(names), n=1)
    return f"; did you mean {close[0]}?" if close else f"; choose one of {', '.join(names)}"
