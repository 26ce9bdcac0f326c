"""A toy partition for tests: sentences of a small grammar, running text and pairs."""

import numpy as np

from unroll.text.streams import Data, Ids, stream_of
from unroll.text.tokenizers.vocabulary import UNK

WORDS = 12
VOCABULARY_SIZE = 4 + WORDS

TRAINING = {
    "epochs": 3,
    "patience": 3,
    "batch_size": 16,
    "accumulate_grad_batches": 1,
    "learning_rate": 0.01,
    "optimizer": {"kind": "adam", "betas": [0.9, 0.999], "epsilon": 1e-8, "weight_decay": 0.0},
    "schedule": {"kind": "cosine"},
    "clip": {"kind": "norm", "max_norm": 1.0},
    "averaging": {"kind": "none"},
    "precision": 32,
    "checkpoint_steps": 1000,
    "ranks": 1,
}
SOFTMAX = {"kind": "full", "precision": 32}
DROPOUT = {"input": 0.1, "hidden": 0.1, "output": 0.1, "embedding": 0.0, "weight_drop": 0.0, "variational": False}
LAYERS = {"residual": False, "dropout": DROPOUT, "activation_regularization": {"ar": 0.0, "tar": 0.0}}
"""Sections of a network's entry in params.yaml."""
RECURRENT = LAYERS | {"attention": {"kind": "none"}}
"""Those of an entry of family `recurrent`."""


def documents(count: int, seed: int) -> list[Ids]:
    """Sentences in which each word mostly determines the next one, so that models can do better than chance."""
    generator = np.random.default_rng(seed)
    sentences = []
    for _ in range(count):
        words = [int(generator.integers(WORDS))]
        while len(words) < 20 and generator.random() > 0.1:
            step = generator.choice([1, 2, 5], p=[0.8, 0.15, 0.05])
            words.append((words[-1] + int(step)) % WORDS)
        document = np.asarray(words) + 4
        document[generator.random(len(document)) < 0.02] = UNK
        sentences.append(document)
    return sentences


def text(seed: int = 1, sequence_length: int = 7) -> Data:
    """A partition of running text."""
    sizes = {"train": 200, "valid": 30, "test": 30}
    streams = {
        split: {"text": stream_of(documents(count, 10 * seed + index), VOCABULARY_SIZE)}
        for index, (split, count) in enumerate(sizes.items())
    }
    return Data("toy", VOCABULARY_SIZE, sequence_length, seed, streams)


def pairs(seed: int = 1) -> Data:
    """A partition of pairs, in which each target is the reversed source."""
    sizes = {"train": 300, "valid": 30, "test": 30}
    streams = {}
    for index, (split, count) in enumerate(sizes.items()):
        sources = [document[:6] for document in documents(count, 10 * seed + index)]
        streams[split] = {
            "source": stream_of(sources, VOCABULARY_SIZE),
            "target": stream_of([source[::-1] for source in sources], VOCABULARY_SIZE),
        }
    return Data("toy", VOCABULARY_SIZE, 7, seed, streams)


def tagged(seed: int = 1) -> Data:
    """A partition of tagged text, in which the tag and the shape of a word are functions of it."""
    sizes = {"train": 150, "valid": 20, "test": 20}
    streams = {}
    for index, (split, count) in enumerate(sizes.items()):
        words = [document[:9] for document in documents(count, 10 * seed + index)]
        sides = {"text": words, "shapes": [4 + row % 5 for row in words], "tags": [4 + row % 3 for row in words]}
        streams[split] = {side: stream_of(rows, VOCABULARY_SIZE) for side, rows in sides.items()}
    return Data("toy", VOCABULARY_SIZE, 7, seed, streams, tags=["A", "B", "C"], shapes=9)
