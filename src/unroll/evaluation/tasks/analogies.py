"""Analogy questions, "a is to b as c is to ?", answered by 3CosAdd (Mikolov, Yih and Zweig 2013).

The answer is the word x other than a, b and c with the largest cos(x, b - a + c), for vectors of length one. For
example, Paris - France + Italy is near Rome.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unroll.errors import UnrollError
from unroll.evaluation.analysis.embeddings import unit_vectors
from unroll.evaluation.analysis.lexicon import Lexicon
from unroll.evaluation.result import Evaluation
from unroll.evaluation.subject import Subject
from unroll.models.base.protocol import WordVectors
from unroll.text.streams import Ids

MAX_COSINES = 1 << 24
"""The number of cosines that are held in memory at once."""

Questions = dict[str, list[tuple[str, str, str, str]]]
"""By section, the words a, b, c and the answer."""


@dataclass(frozen=True)
class Counts:
    """The numbers of questions that word vectors cover and answer."""

    questions: int
    """All questions."""
    covered: int
    """The questions whose four words all have a vector. The others are not answered."""
    correct: int
    """The questions that are answered correctly."""

    @property
    def accuracy(self) -> float:
        """The share of correct answers among the covered questions; 0 if there are none."""
        return self.correct / self.covered if self.covered else 0.0


def measure(subject: Subject) -> Evaluation | None:
    """Answer the analogy questions of word vectors, if their entry of params.yaml names a file of questions."""
    model = subject.model
    if not isinstance(model, WordVectors) or (file := model.params.analogies) == "none":
        return None
    with subject.inputs.local_copy(file, "analogies") as path:
        questions = read(path)
    if not questions:
        return None
    lexicon = Lexicon.of(model, subject.tokenizer)
    by_section = answer(unit_vectors(lexicon.vectors), lexicon.rows, questions)
    total = add(list(by_section.values()))
    return Evaluation(
        {
            "analogy_accuracy": total.accuracy,
            "analogies_covered": total.covered,
            "analogies": total.questions,
            "analogies_by_section": {name: part.accuracy for name, part in by_section.items() if part.covered},
        }
    )


def read(path: Path) -> Questions:
    """Read a file in the format of questions-words: `: section`, then lines of four words.

    Args:
        path: The file.

    Returns:
        The questions by section.

    Raises:
        UnrollError: The file is not UTF-8, or a line has another number of words.
    """
    sections: Questions = {}
    section = ""
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        raise UnrollError(f"{path.name}: byte {error.start} is not UTF-8; convert the file to UTF-8") from None
    for number, line in enumerate(lines, start=1):
        words = line.split()
        if line.startswith(":"):
            section = line[1:].strip()
        elif len(words) == 4:
            sections.setdefault(section, []).append((words[0], words[1], words[2], words[3]))
        elif words:
            raise UnrollError(f"{path.name}: line {number} has {len(words)} words; write four, or `: section`")
    return sections


def answer(unit: NDArray[np.floating], tokens: Mapping[str, int], questions: Questions) -> dict[str, Counts]:
    """Answer questions and count the correct answers.

    Args:
        unit: Vectors of length one (V, D).
        tokens: The tokens that can be an answer, by spelling. The word of a question is looked up as it is written, and
            then in lower case.
        questions: The questions by section.

    Returns:
        The counts by section.
    """
    allowed = np.zeros(len(unit), dtype=np.bool_)
    allowed[list(tokens.values())] = True
    by_section = {}
    for section, rows in questions.items():
        ids = [[tokens.get(word, tokens.get(word.lower(), -1)) for word in row] for row in rows]
        covered = np.asarray([row for row in ids if min(row) >= 0], dtype=np.int64).reshape(-1, 4)
        correct = int((three_cos_add(unit, allowed, covered[:, :3]) == covered[:, 3]).sum())
        by_section[section] = Counts(len(rows), len(covered), correct)
    return by_section


def three_cos_add(unit: NDArray[np.floating], allowed: NDArray[np.bool_], questions: Ids) -> Ids:
    """Answer questions by 3CosAdd.

    Args:
        unit: Vectors of length one (V, D).
        allowed: Whether a token can be an answer (V,).
        questions: The tokens a, b and c (Q, 3).

    Returns:
        The answers (Q,).
    """
    answers: list[Ids] = [np.empty(0, dtype=np.int64)]
    rows = max(1, MAX_COSINES // len(unit))
    for first in range(0, len(questions), rows):
        a, b, c = questions[first : first + rows].T
        cosines = (unit[b] - unit[a] + unit[c]) @ unit.T  # (Q, V), up to a factor for each row
        cosines[:, ~allowed] = -np.inf
        for excluded in (a, b, c):
            cosines[np.arange(len(excluded)), excluded] = -np.inf
        answers.append(cosines.argmax(1))
    return np.concatenate(answers)


def add(sections: Sequence[Counts]) -> Counts:
    """Add the counts of sections."""
    return Counts(*(sum(getattr(part, name) for part in sections) for name in ("questions", "covered", "correct")))
