"""Correction of grammar with a model of the everyday grammar, and with toy models."""

import json
import math
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import unroll
from tests.trained import CLEANING, WORDS, Lines
from unroll import models
from unroll.corpora import everyday
from unroll.errors import UnrollError
from unroll.models.base.inputs import Inputs
from unroll.models.ngram.params import NgramParams
from unroll.params.tokenizers import WordTokenizerParams
from unroll.text.cleaner import Cleaner
from unroll.text.streams import Data, stream_of
from unroll.text.tokenizers.loading import learn_tokenizer
from unroll.use.correction.grammar import Corrector, read_confusions
from unroll.use.model import TextModel

RATE = 0.1
KNESER = {"order": 4, "prune": [0], "smoothing": {"kind": "modified_kneser_ney", "fallback": [0.5, 1.0, 1.5]}}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("everyday")
    everyday.fetch(SimpleNamespace(seed=1, sentences=4000, pairs=20), folder)
    return folder


@pytest.fixture(scope="module")
def model(folder: Path) -> TextModel:
    """An n-gram model of the sentences."""
    cleaner = Cleaner(**CLEANING)
    texts = [cleaner(line) for line in (folder / "text.txt").read_text().splitlines()]
    words = WORDS | {"pretokenizer": "punctuation", "vocabulary_size": "all", "shared_vocabulary": True}
    tokenizer = learn_tokenizer(WordTokenizerParams.model_validate(words), Lines(texts))
    stream = stream_of([np.asarray(ids) for ids in tokenizer.encode_batch(texts)], tokenizer.vocabulary_size)
    data = Data("toy", tokenizer.vocabulary_size, 5, 1, {name: {"text": stream} for name in ("train", "valid", "test")})
    params = NgramParams.model_validate({"family": "ngram", "tokenizer": "toy"} | KNESER)
    fitted = models.family("ngram").fit(params, data, Inputs(), lambda *_, **__: None)
    return TextModel(fitted, tokenizer, cleaner, folder)


@pytest.mark.parametrize(
    ("typed", "intended", "edits"),
    [
        ("She ate a apple.", "She ate an apple.", 1),
        ("The cat sat the mat.", "The cat sat on the mat.", 1),
        ("We sat on the the river bank.", "We sat on the river bank.", 1),
        ("The the dog sat on the sofa.", "The dog sat on the sofa.", 1),
        ("She sing every day.", "She sings every day.", 1),
        ("The students opened there books.", "The students opened their books.", 1),
        ("We sat on on the the river bank.", "We sat on the river bank.", 2),
        (
            "The cat  sat on the mat. She ate a apple.  He ate an banana.",  # sentence by sentence
            "The cat  sat on the mat. She ate an apple.  He ate a banana.",
            2,
        ),
        ("The cat sat on the mat.", "The cat sat on the mat.", 0),
        ("", "", 0),
        (" \t ", " \t ", 0),
        ("?!", "?!", 0),
    ],
)
def test_worked_examples(model: TextModel, typed: str, intended: str, edits: int) -> None:
    corrected, made = Corrector(model, RATE).correct(typed)
    assert corrected == intended
    assert len(made) == edits


def test_the_gain_follows_from_the_probabilities(model: TextModel) -> None:
    """p(edit) = rate / (1 - rate) / candidates, and `an` has two: `a` and `the`, beside its removal."""
    typed, intended = "The boy ate an banana.", "The boy ate a banana."
    _, (edit,) = Corrector(model, RATE).correct(typed)
    scores = [line.log_likelihood_with_spelling for line in model.score([typed, intended])]
    assert (edit.start, edit.typed, edit.intended) == (12, "an", "a")
    assert edit.gain == pytest.approx(scores[1] - scores[0] + math.log(RATE / (1 - RATE) / 3))


def test_the_fewer_errors_are_expected_the_fewer_sentences_are_changed(model: TextModel, folder: Path) -> None:
    lines = (folder / "text.txt").read_text().splitlines()[:25]
    changed = []
    for rate in (1e-6, 1e-3, 0.5):
        corrector = Corrector(model, rate)
        changed.append(sum(corrector.correct(line)[0] != line for line in lines))
    assert changed[0] == 0
    assert changed == sorted(changed)
    assert changed[-1] > 0


@pytest.mark.slow
def test_most_unacceptable_sentences_become_those_of_their_pairs(model: TextModel, folder: Path) -> None:
    pairs = [json.loads(line) for line in (folder / everyday.PAIRS_FILE).read_text().splitlines()]
    corrector = Corrector(model, RATE)
    shares = {}
    for phenomenon in ("article", "determiner_noun_agreement", "selection"):
        chosen = [pair for pair in pairs if pair["phenomenon"] == phenomenon]
        right = [corrector.correct(pair["sentence_bad"])[0] == pair["sentence_good"] for pair in chosen]
        shares[phenomenon] = sum(right) / len(right)
    assert shares["article"] > 0.9
    assert shares["determiner_noun_agreement"] > 0.4  # in the others, the noun was changed
    assert shares["selection"] == 0  # a chair is no confusion of a banana


@pytest.mark.parametrize("name", ["trigram", "lstm", "chars"])
def test_any_language_model_corrects(workspace: Path, name: str) -> None:
    corrector = Corrector(unroll.load(workspace / "models" / name), RATE)
    assert corrector.correct("the students opened there books")[0] == "the students opened their books"


def test_a_classifier_is_refused(workspace: Path) -> None:
    with pytest.raises(UnrollError, match="models/bayes: does not correct; it supports: classify"):
        Corrector(unroll.load(workspace / "models" / "bayes"), RATE)


def test_the_words_of_the_file_are_in_lower_case_and_no_alternative_of_themselves() -> None:
    confusions = read_confusions()
    for word, others in confusions.sets.items():
        assert word == word.lower()
        assert word not in others
    assert all(len(endings) == len(set(endings)) > 1 for endings in confusions.endings)
