"""`models`: one entry per experiment, by family (stages train and evaluate). One file per family."""

from typing import Annotated

from pydantic import Field

from unroll.params.models.cache import Cache, CacheParams
from unroll.params.models.classifiers import NaiveBayesParams, PerClassParams
from unroll.params.models.hmm import HmmParams
from unroll.params.models.initialised import InitialisedParams
from unroll.params.models.mixture import MixtureParams
from unroll.params.models.ngram import NgramParams
from unroll.params.models.recurrent import BidirectionalParams, RecurrentParams
from unroll.params.models.repeated import RepeatedParams
from unroll.params.models.seq2seq import Seq2seqParams
from unroll.params.models.source import SourceParams
from unroll.params.models.training import Training
from unroll.params.models.transformer import TransformerParams
from unroll.params.models.vectors import PretrainedParams, VectorsParams, Word2vecParams
from unroll.params.models.window import WindowParams

ModelParams = Annotated[
    NgramParams
    | HmmParams
    | NaiveBayesParams
    | PerClassParams
    | CacheParams
    | WindowParams
    | RecurrentParams
    | BidirectionalParams
    | TransformerParams
    | Seq2seqParams,
    Field(discriminator="family"),
]

__all__ = [
    "BidirectionalParams",
    "Cache",
    "CacheParams",
    "HmmParams",
    "InitialisedParams",
    "MixtureParams",
    "ModelParams",
    "NaiveBayesParams",
    "NgramParams",
    "PerClassParams",
    "PretrainedParams",
    "RecurrentParams",
    "RepeatedParams",
    "Seq2seqParams",
    "SourceParams",
    "Training",
    "TransformerParams",
    "VectorsParams",
    "WindowParams",
    "Word2vecParams",
]
