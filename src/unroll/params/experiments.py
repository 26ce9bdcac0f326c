"""The sections of params.yaml whose entries are trained and evaluated."""

from typing import Annotated

from pydantic import Field, model_validator

from unroll.models.bag_of_embeddings.params import BagOfEmbeddingsParams
from unroll.models.bidirectional.params import BidirectionalParams
from unroll.models.cache.params import CacheParams
from unroll.models.generative_classifier.params import GenerativeClassifierParams
from unroll.models.glove.params import GloveParams
from unroll.models.hmm.params import HmmParams
from unroll.models.hmm_tagger.params import HmmTaggerParams
from unroll.models.masked_transformer.params import MaskedTransformerParams
from unroll.models.mixture.params import MixtureParams
from unroll.models.naive_bayes.params import NaiveBayesParams
from unroll.models.ngram.params import NgramParams
from unroll.models.oracle.params import OracleParams
from unroll.models.recurrent.params import RecurrentParams
from unroll.models.recurrent_classifier.params import RecurrentClassifierParams
from unroll.models.recurrent_tagger.params import RecurrentTaggerParams
from unroll.models.seq2seq.params import Seq2seqParams
from unroll.models.tag_oracle.params import TagOracleParams
from unroll.models.transformer.params import TransformerParams
from unroll.models.vector_file.params import VectorFileParams
from unroll.models.window.params import WindowParams
from unroll.models.word2vec.params import Word2vecParams
from unroll.params.base import Name, Params

ModelParams = Annotated[
    NgramParams
    | HmmParams
    | NaiveBayesParams
    | BagOfEmbeddingsParams
    | RecurrentClassifierParams
    | CacheParams
    | WindowParams
    | RecurrentParams
    | BidirectionalParams
    | TransformerParams
    | MaskedTransformerParams
    | Seq2seqParams
    | HmmTaggerParams
    | RecurrentTaggerParams,
    Field(discriminator="family"),
]
"""An entry of `models`."""

OracleEntry = Annotated[OracleParams | TagOracleParams, Field(discriminator="family")]
"""An entry of `oracles`."""

VectorsParams = Annotated[Word2vecParams | GloveParams | VectorFileParams, Field(discriminator="family")]
"""An entry of `vectors`."""


class Pretrained(Params):
    """The settings of a model with pretrained embeddings, in addition to those of its family."""

    vectors: Name
    """A key of `vectors` with the same tokenizer. The size of the vectors must equal the embedding size."""
    freeze_embeddings: bool
    """Keep the embeddings as they are; otherwise they are fine-tuned. With `tie_weights` this holds for the output
    layer, too."""

    @model_validator(mode="after")
    def _has_an_embedding(self) -> "Pretrained":
        if getattr(self, "embedding_size", None) == "one_hot":
            raise ValueError(
                "embedding_size: one_hot has no embedding that could begin from vectors; set it to their size"
            )
        return self


class PretrainedWindow(Pretrained, WindowParams):
    """Settings of a window model with pretrained embeddings."""


class PretrainedRecurrent(Pretrained, RecurrentParams):
    """Settings of a recurrent model with pretrained embeddings."""


class PretrainedTransformer(Pretrained, TransformerParams):
    """Settings of a transformer with pretrained embeddings."""


PretrainedParams = Annotated[
    PretrainedWindow | PretrainedRecurrent | PretrainedTransformer, Field(discriminator="family")
]
"""An entry of `pretrained`."""


class SeedParams(Params):
    """An entry of `models` that is trained again with another seed, to measure the variance between seeds."""

    family: Name
    """Must equal the model's family. DVC needs it to resolve dependencies."""
    tokenizer: Name
    """Must equal the model's tokenizer. DVC needs it to resolve dependencies."""
    model: Name
    """A key of `models`."""
    seed: Annotated[int, Field(ge=0, lt=2**32)]
    """The random seed of the training. The partition stays the same."""


Experiment = (
    ModelParams
    | MixtureParams
    | GenerativeClassifierParams
    | OracleEntry
    | VectorsParams
    | PretrainedParams
    | SeedParams
)
"""An entry of any of the sections that are trained and evaluated."""

Fraction = Annotated[float, Field(gt=0, lt=1)]


class LearningCurveParams(Params):
    """How the excess of a model over the oracle falls as its train split grows. Its key is a key of `models`."""

    family: Name
    """Must equal the model's family. DVC needs it to resolve dependencies."""
    tokenizer: Name
    """Must equal the model's tokenizer. DVC needs it to resolve dependencies."""
    oracle: Name
    """A key of `oracles` with the same tokenizer."""
    fractions: Annotated[list[Fraction], Field(min_length=1, max_length=20)]
    """Fractions of the documents of the train split, ascending. The model is trained on the first documents of each
    fraction; the model that is trained on all of them ends the curve."""

    @model_validator(mode="after")
    def _ascend(self) -> "LearningCurveParams":
        if self.fractions != sorted(set(self.fractions)):
            raise ValueError(
                f"fractions {self.fractions} are not in ascending order; write {sorted(set(self.fractions))}"
            )
        return self
