"""Perplexities of KenLM (lmplz -o N) on real text. The literal <unk> of the corpora is a word."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.models.ngrams import params
from unroll.evaluation.perplexity import evaluate
from unroll.models.base.inputs import Inputs
from unroll.models.ngram import model as ngram
from unroll.text.streams import Data, stream_of


@pytest.fixture(scope="module")
def mirrored() -> Callable[[str], Data]:
    folder = Path(os.environ.get("UNROLL_MIRROR") or Path(__file__).parents[3] / "shared/corpora")

    def read(pattern: str) -> Data:
        if not (folder / pattern.format("train")).is_file():
            pytest.skip(f"no {pattern.format('train')} in UNROLL_MIRROR or ../shared/corpora")
        words: dict[str, int] = {}
        streams = {}
        for split in ("train", "valid", "test"):
            lines = (folder / pattern.format(split)).read_text(encoding="utf-8").split("\n")[:-1]
            streams[split] = [[words.setdefault(word, len(words) + 4) for word in line.split()] for line in lines]
        size = len(words) + 4
        return Data("real", size, 35, 1, {split: {"text": stream_of(ids, size)} for split, ids in streams.items()})

    return read


@pytest.mark.mirror
@pytest.mark.parametrize(
    ("pattern", "order", "valid", "test"),
    [
        ("ptb/ptb.{}.txt", 5, 148.01, 141.19),
        ("ptb/ptb.{}.txt", 3, 157.77, 148.28),
        pytest.param("wikitext-2/{}.txt", 5, 234.86, 220.14, marks=pytest.mark.slow),
        pytest.param("wikitext-2/{}.txt", 3, 242.33, 226.05, marks=pytest.mark.slow),
    ],
)
def test_perplexity_of_kenlm(
    pattern: str, order: int, valid: float, test: float, mirrored: Callable[[str], Data]
) -> None:
    data = mirrored(pattern)
    model = ngram.fit(params("modified_kneser_ney", order), data, Inputs(), lambda step, **values: None)
    assert evaluate(model, data.valid.documents).perplexity == pytest.approx(valid, abs=0.01)
    assert evaluate(model, data.test.documents).perplexity == pytest.approx(test, abs=0.01)
