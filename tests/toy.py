"""A toy partition for tests: sentences of a small grammar, running text and pairs."""

import numpy as np

from unroll.partition import Data, Ids, stream_of
from unroll.text.vocabulary import UNK

WORDS = 12
VOCABULARY_SIZE = 4 + WORDS


def documents(count: int, seed: int) -> list[Ids]:
    """Sentences in which each word mostly decides the next: better than chance is possible, certainty is not."""
    generator = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        words = [int(generator.integers(WORDS))]
        while len(words) < 20 and generator.random() > 0.1:
            step = generator.choice([1, 2, 5], p=[0.8, 0.15, 0.05])
            words.append((words[-1] + int(step)) % WORDS)
        document = np.asarray(words) + 4
        document[generator.random(len(document)) < 0.02] = UNK
        found.append(document)
    return found


def text(seed: int = 1, sequence_length: int = 7) -> Data:
    sizes = {"train": 200, "valid": 30, "test": 30}
    streams = {
        split: {"text": stream_of(documents(count, 10 * seed + index), VOCABULARY_SIZE)}
        for index, (split, count) in enumerate(sizes.items())
    }
    return Data("toy", VOCABULARY_SIZE, sequence_length, seed, streams)


def pairs(seed: int = 1) -> Data:
    """The target is the source backwards."""
    sizes = {"train": 300, "valid": 30, "test": 30}
    streams = {}
    for index, (split, count) in enumerate(sizes.items()):
        sources = [document[:6] for document in documents(count, 10 * seed + index)]
        streams[split] = {
            "source": stream_of(sources, VOCABULARY_SIZE),
            "target": stream_of([source[::-1] for source in sources], VOCABULARY_SIZE),
        }
    return Data("toy", VOCABULARY_SIZE, 7, seed, streams)
