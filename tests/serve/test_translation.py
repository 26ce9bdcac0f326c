"""Translation with attention, by a model that copies its source backwards and attends to the copied token."""

from pathlib import Path
from typing import Any

import numpy as np

import unroll
from unroll.serve.responses import translate
from unroll.text.tokenizers.vocabulary import EOS
from unroll.use import TextModel


class Backwards:
    """A ConditionalModel whose state is (row of the source, number of tokens read) for each context."""

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
        log_probs = np.full((len(state), self.vocabulary_size), -np.inf)
        for index, (row, at) in enumerate(self._at(state)):
            log_probs[index, self.sources[row][at]] = 0
        return log_probs

    def select(self, state: Any, rows: Any) -> Any:
        return state[rows]

    def log_probs(self, documents: Any) -> Any:
        raise NotImplementedError

    def attention(self, state: Any) -> Any:
        weights = np.zeros((len(state), max(map(len, self.sources))))
        for index, (_, at) in enumerate(self._at(state)):
            weights[index, at - 1] = 1  # `<eos>` is first here, but last in the source: index -1
        return weights


def test_the_response_has_the_attention_of_each_target_token(workspace: Path) -> None:
    words = unroll.load(workspace / "models" / "trigram")
    model = TextModel(Backwards(words.tokenizer.vocabulary_size), words.tokenizer, words.cleaner, words.folder)
    response = translate(model, "The students opened")
    assert response.text == "opened students the"
    assert response.source == ["the", "students", "opened", "<eos>"]
    assert response.target == ["opened", "students", "the", "<eos>"]
    assert response.attention == [[0, 0, 1, 0], [0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1]]
    assert translate(model, " ").text == ""
