"""Questions of analogy, a is to b as c is to ?, by 3CosAdd (Mikolov, Yih and Zweig 2013): of all words x but a, b and
c the one with the largest cos(x, b - a + c), for vectors of length one. Notes "Transformers-2", "Word embedding": Paris
- France + Italy = Rome.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unroll.errors import UnrollError
from unroll.evaluation.analysis.embeddings import normalised
from unroll.evaluation.evaluation import Evaluation
from unroll.evaluation.subject import Subject
from unroll.models.base.protocol import WordVectors
from unroll.text.streams import Ids
from unroll.text.tokenizers.vocabulary import SPECIAL

CELLS = 1 << 24  # products held at once

Questions = dict[str, list[tuple[str, str, str, str]]]
"""By section, the words a, b, c and the answer."""


@dataclass(frozen=True)
class Answers:
    asked: int
    covered: int
    """Questions all of whose words have a vector: the others are left out."""
    right: int

    @property
    def accuracy(self) -> float:
        """Of the covered ones; nought if there are none."""
        return self.right / self.covered if self.covered else 0.0


def read(path: Path) -> Questions:
    """A file in the format of questions-words: `: section`, then lines of four words."""
    sections: Questions = {}
    section = ""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        words = line.split()
        if line.startswith(":"):
            section = line[1:].strip()
        elif len(words) == 4:
            sections.setdefault(section, []).append((words[0], words[1], words[2], words[3]))
        elif words:
            raise UnrollError(f"{path.name}: line {number} has {len(words)} words; write four, or `: section`")
    return sections


def ask(unit: NDArray[np.floating], tokens: Mapping[str, int], questions: Questions) -> dict[str, Answers]:
    """How many of each section's questions are answered right. `unit` (V, D) holds vectors of length one, `tokens`
    those to choose from, by spelling. A question's word is looked up as it is written, then in lower case."""
    allowed = np.zeros(len(unit), dtype=np.bool_)
    allowed[list(tokens.values())] = True
    found = {}
    for section, rows in questions.items():
        ids = [[tokens.get(word, tokens.get(word.lower(), -1)) for word in row] for row in rows]
        covered = np.asarray([row for row in ids if min(row) >= 0], dtype=np.int64).reshape(-1, 4)
        right = int((three_cos_add(unit, allowed, covered[:, :3]) == covered[:, 3]).sum())
        found[section] = Answers(len(rows), len(covered), right)
    return found


def three_cos_add(unit: NDArray[np.floating], allowed: NDArray[np.bool_], questions: Ids) -> Ids:
    """(Q, 3) tokens a, b, c -> (Q,) the answers, among the `allowed` (V,)."""
    answers: list[Ids] = [np.empty(0, dtype=np.int64)]
    rows = max(1, CELLS // len(unit))
    for first in range(0, len(questions), rows):
        a, b, c = questions[first : first + rows].T
        cosines = (unit[b] - unit[a] + unit[c]) @ unit.T  # (Q, V), each row times a length that changes no order
        cosines[:, ~allowed] = -np.inf
        for given in (a, b, c):
            cosines[np.arange(len(given)), given] = -np.inf
        answers.append(cosines.argmax(1))
    return np.concatenate(answers)


def total(sections: Sequence[Answers]) -> Answers:
    """All sections together."""
    return Answers(*(sum(getattr(part, name) for part in sections) for name in ("asked", "covered", "right")))


def measure(subject: Subject) -> Evaluation | None:
    """Answer the analogy questions of word vectors, if their entry of params.yaml names some."""
    model = subject.model
    if not isinstance(model, WordVectors) or (file := getattr(model, "params").analogies) == "none":
        return None
    with subject.inputs.read_file(file, "analogies") as path:
        questions = read(path)
    chosen = np.flatnonzero(model.known & (np.arange(len(model.vectors)) >= len(SPECIAL)))
    tokens = {subject.tokenizer.token(int(token)): int(token) for token in chosen}
    answers = ask(normalised(model.vectors), tokens, questions)
    every = total(list(answers.values()))
    by_section = {name: part.accuracy for name, part in answers.items() if part.covered}
    return Evaluation(
        {
            "analogy_accuracy": every.accuracy,
            "analogies_covered": every.covered,
            "analogies": every.asked,
            "analogies_by_section": by_section,
        }
    )
