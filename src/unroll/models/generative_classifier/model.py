"""A classifier with one language model per class: p(c | document) ∝ p(c) p_c(document).

The members may be of any family of language models. With unigram members it is naive Bayes, except that `<eos>` counts:
the members also model the length of the documents of a class.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from unroll import models
from unroll.errors import UnrollError
from unroll.models.base import storage
from unroll.models.base.classification import compute_log_priors, count_priors, index_labels, normalize
from unroll.models.base.inputs import Inputs
from unroll.models.base.protocol import Log, LogProbs, Member
from unroll.models.base.saved_params import with_omitted
from unroll.models.generative_classifier.params import GenerativeClassifierParams
from unroll.text.streams import Data, Ids, Stream, stream_of


class Model:
    """A classifier with one language model per class. It satisfies Classifier."""

    def __init__(
        self,
        params: GenerativeClassifierParams,
        classes: list[str],
        members: Sequence[Member[Any]],
        log_priors: LogProbs,
    ) -> None:
        """Set the parameters.

        Args:
            params: The settings.
            classes: The labels (C,), sorted.
            members: The language models of the classes.
            log_priors: log p(c), (C,).
        """
        self.params, self.classes, self.members, self.log_priors = params, classes, list(members), log_priors

    @property
    def parameters(self) -> int:
        """Those of the members, and C - 1 for the priors of C classes, which uniform priors do not have."""
        return sum(member.parameters for member in self.members) + count_priors(self.params.priors, len(self.classes))

    @property
    def fitted_on_valid(self) -> tuple[str, ...]:
        """What the members fitted there."""
        return tuple(dict.fromkeys(name for member in self.members for name in member.fitted_on_valid))

    def log_posteriors(self, documents: Sequence[Ids]) -> LogProbs:
        """Return log p(class | document), (D, C).

        The posterior of a document that is impossible in every class is the prior.
        """
        likelihoods = [[scores.sum(dtype=np.float64) for scores in m.log_probs(documents)] for m in self.members]
        joint = np.array(likelihoods).reshape(len(self.members), len(documents)).T  # (D, C)
        joint[np.isneginf(joint).all(1)] = 0
        return normalize(joint + self.log_priors)

    def save(self, path: Path) -> None:
        """Write the classifier into the folder `path`, with the members in the subfolders 0, 1, ..."""
        for index, member in enumerate(self.members):
            (path / str(index)).mkdir()
            member.save(path / str(index))
        saved = {"params": self.params.model_dump(), "classes": self.classes}
        storage.write(path, saved, {"log_priors": self.log_priors})


def load(path: Path) -> Model:
    """Load the classifier that `Model.save` wrote into the folder `path`."""
    saved = storage.read_params(path)
    members = [models.load(path / str(index)) for index in range(len(saved["classes"]))]
    return Model(
        GenerativeClassifierParams.model_validate(with_omitted(saved["params"])),
        saved["classes"],
        members,
        **storage.read_weights(path),
    )


def fit(params: GenerativeClassifierParams, data: Data, inputs: Inputs, log: Log) -> Model:
    """Train a language model for each class of the train split, on the documents of this class only.

    Args:
        params: The settings, with those of the members.
        data: The partition of a labelled corpus.
        inputs: The inputs of the members.
        log: Receives the measurements of every member, named `class_<index>_<measurement>` in the order of the classes.

    Returns:
        The classifier.

    Raises:
        UnrollError: The corpus has no labels, or the documents of a class are too few for its member: a network needs
            some in the valid split, too.
    """
    classes, labels = index_labels(data)
    members = [_fit_member(params, data, inputs, log, classes, index) for index in range(len(classes))]
    return Model(params, classes, members, compute_log_priors(labels, len(classes), params.priors))


def _fit_member(
    params: GenerativeClassifierParams, data: Data, inputs: Inputs, log: Log, classes: Sequence[str], index: int
) -> Member[Any]:
    """Train the language model of a class. Its measurements have names of their own: all classes share a curve."""

    def log_class(step: int, **values: float) -> None:
        log(step, **{f"class_{index}_{name}": value for name, value in values.items()})

    own = _select_class(data, classes[index])
    try:
        return models.family(params.member.family).fit(params.member, own, inputs, log_class)
    except UnrollError as error:
        raise UnrollError(f"class {classes[index]}: {error}") from error


def _select_class(data: Data, label: str) -> Data:
    """Select the documents of a class in train and valid. If valid has none, its stream is empty."""

    def select(split: str) -> Stream:
        documents = data.streams[split]["text"].documents
        chosen = [d[:-1] for d, other in zip(documents, data.labels[split], strict=True) if other == label]
        return stream_of(chosen, data.vocabulary_size)

    return replace(data, streams={split: {"text": select(split)} for split in ("train", "valid")})
