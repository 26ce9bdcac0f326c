"""One language model per class, and a prior: p(c | document) ∝ p(c) p_c(document), for any family of language models.

With unigram members it is naive Bayes once more, but for `<eos>`: its members also say how long a text of a class is.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from unroll import models
from unroll.models.base import storage
from unroll.models.base.inputs import Inputs
from unroll.models.base.protocol import Log, LogProbs, Member
from unroll.models.generative_classifier.params import GenerativeClassifierParams
from unroll.models.naive_bayes.model import classes_of, log_priors, normalised
from unroll.text.streams import Data, Ids, Stream, stream_of


class Model:
    def __init__(
        self,
        params: GenerativeClassifierParams,
        classes: list[str],
        members: Sequence[Member[Any]],
        log_priors: LogProbs,
    ) -> None:
        """Member c is the model of classes[c]."""
        self.params, self.classes, self.members, self.log_priors = params, classes, list(members), log_priors

    def log_posteriors(self, documents: Sequence[Ids]) -> LogProbs:
        """A document that is impossible in every class is no evidence: its posterior is the prior."""
        likelihoods = [[scores.sum(dtype=np.float64) for scores in m.log_probs(documents)] for m in self.members]
        joint = np.array(likelihoods).reshape(len(self.members), len(documents)).T  # (D, C)
        joint[np.isneginf(joint).all(1)] = 0
        return normalised(joint + self.log_priors)

    def save(self, path: Path) -> None:
        """Members in subfolders 0, 1, ... by class."""
        for index, member in enumerate(self.members):
            (path / str(index)).mkdir()
            member.save(path / str(index))
        saved = {"params": self.params.model_dump(), "classes": self.classes}
        storage.write(path, saved, {"log_priors": self.log_priors})


def load(path: Path) -> Model:
    saved = storage.read_params(path)
    members = [models.load(path / str(index)) for index in range(len(saved["classes"]))]
    return Model(
        GenerativeClassifierParams.model_validate(saved["params"]),
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
        log: Receives the measurements of every member.

    Returns:
        The classifier.

    Raises:
        UnrollError: The corpus has no labels.
    """
    classes, labels = classes_of(data)
    family = models.family(params.member.family)
    members = [family.fit(params.member, _of_class(data, label), inputs, log) for label in classes]
    return Model(params, classes, members, log_priors(labels, len(classes), params.priors))


def _of_class(data: Data, label: str) -> Data:
    """The train and valid documents of one class; where valid has none, all of its documents."""

    def of(split: str) -> Stream:
        stream = data.streams[split]["text"]
        chosen = [d[:-1] for d, of in zip(stream.documents, data.labels[split], strict=True) if of == label]
        return stream_of(chosen, data.vocabulary_size) if chosen else stream

    return replace(data, streams={split: {"text": of(split)} for split in ("train", "valid")})
