"""Training of an entry of params.yaml, by one process or by the ranks of `training.ranks`."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from unroll.fingerprint import resolve, settings_hash
from unroll.models import family
from unroll.models.base.inputs import Inputs
from unroll.models.base.protocol import Log
from unroll.params.root import Root
from unroll.params.training import ranks_of
from unroll.text import streams
from unroll.text.streams import Data, Stream
from unroll.training.ranks.join import join
from unroll.training.ranks.launcher import find_place

PARTITIONS = Path("data/partitions")


def train(params: Root, name: str, checkpoints: Path, log: Log) -> Any:
    """Train the entry `name` on its partition, together with the other ranks if there are several.

    Args:
        params: The settings of the pipeline.
        name: The name of an entry that is trained.
        checkpoints: The folder for the checkpoints of the training. Each settings of the entry have a folder in it.
        log: Receives the measurements of the training.

    Returns:
        The trained model, the same on all ranks.

    Raises:
        UnrollError: The training fails, or a rank ends early.
    """
    settings, seed = resolve(params, name)
    with join(ranks_of(settings), params.device) as group:
        data = replace(streams.load(PARTITIONS / settings.tokenizer), seed=seed)
        # A killed training with other settings, such as dropout, may have had the same network.
        own = checkpoints / settings_hash(settings.model_dump())
        inputs = Inputs(checkpoints=own, device=params.device, group=group)
        return family(settings.family).fit(settings, data, inputs, log)


def train_on_fractions(params: Root, name: str, fractions: Sequence[float]) -> list[tuple[int, Any]]:
    """Train the entry `name` of `models` on fractions of the documents of its train split, without checkpoints.

    Args:
        params: The settings of the pipeline.
        name: The name of the model.
        fractions: The fractions of the documents.

    Returns:
        For each fraction, the number of training tokens and the trained model.

    Raises:
        UnrollError: A training fails, or a rank ends early.
    """
    settings = params.models[name]
    with join(ranks_of(settings), params.device) as group:
        data, inputs = streams.load(PARTITIONS / settings.tokenizer), Inputs(device=params.device, group=group)
        parts = [take_fraction(data, fraction) for fraction in fractions]
        fit = family(settings.family).fit
        return [(part.train.predicted, fit(settings, part, inputs, lambda *_, **__: None)) for part in parts]


def take_fraction(data: Data, fraction: float) -> Data:
    """Return the data with only the first documents of the train split.

    Args:
        data: The data.
        fraction: The fraction of the documents. At least one document is kept.
    """
    stream = data.streams["train"]["text"]
    # 0.29 * 100 is slightly below 29 in floating point, so the product is rounded first.
    documents = max(1, int(round((len(stream.offsets) - 1) * fraction, 6)))
    part = Stream(stream.tokens[: stream.offsets[documents]], stream.offsets[: documents + 1])
    return replace(data, streams=data.streams | {"train": {"text": part}})


def is_follower(params: Root, name: str) -> bool:
    """Return whether this process is a rank above 0 of the training of the entry `name`. Such a rank logs little.

    Raises:
        UnrollError: A launcher has started another number of processes than `training.ranks`.
    """
    place = find_place(ranks_of(resolve(params, name)[0]))
    if place is None or place.rank == 0:
        return False
    logging.getLogger("unroll").setLevel(logging.WARNING)
    return True
