"""Translation with attention, by a model that copies its source backwards and looks where it copies from."""

from pathlib import Path
from typing import Any

import numpy as np

import unroll
from unroll.serve.reading import translate
from unroll.text.tokenizers.vocabulary import EOS
from unroll.use import TextModel


class Backwards:
    """Satisfies ConditionalModel; a state is (row of the source, tokens read) per context."""

    def __init__(self, vocabulary_size: int, sources: Any = ()) -> None:
        self.vocabulary_size, self.sources = vocabulary_size, sources

    def condition_on(self, sources: Any) -> "Backwards":
        return Backwards(self.vocabulary_size, [[EOS, *map(int, source)] for source in sources])

    def start(self, batch_size: int = 1) -> Any:
        rows = np.arange(batch_size) if len(self.sources) == batch_size else np.zeros(batch_size, np.int64)
        return np.stack([rows, np.zeros(batch_size, np.int64)], axis=1)

    def advance(self, state: Any, tokens: Any) -> Any:
        return state + np.array([0, 1])

    def _at(self, state: Any) -> list[tuple[int, int]]:
        return [(row, max(0, len(self.sources[row]) - 1 - read)) for row, read in state.tolist()]

    def next_log_probs(self, state: Any) -> Any:
        found = np.full((len(state), self.vocabulary_size), -np.inf)
        for index, (row, at) in enumerate(self._at(state)):
            found[index, self.sources[row][at]] = 0
        return found

    def select(self, state: Any, rows: Any) -> Any:
        return state[rows]

    def log_probs(self, documents: Any) -> Any:
        raise NotImplementedError

    def attention(self, state: Any) -> Any:
        weights = np.zeros((len(state), max(map(len, self.sources))))
        for index, (_, at) in enumerate(self._at(state)):
            weights[index, at - 1] = 1  # the end stands first here, but last in the source: index -1
        return weights


def test_the_page_is_told_where_the_decoder_looked(workspace: Path) -> None:
    words = unroll.load(workspace / "models" / "trigram")
    model = TextModel(Backwards(words.tokenizer.vocabulary_size), words.tokenizer, words.cleaner, words.folder)
    found = translate(model, "The students opened")
    assert found.text == "opened students the"
    assert found.source == ["the", "students", "opened", "<eos>"]
    assert found.target == ["opened", "students", "the", "<eos>"]
    assert found.attention == [[0, 0, 1, 0], [0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1]]
    assert translate(model, " ").text == ""
