"""The number of free parameters: one law over every family, and a worked example of each formula."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.models import ngrams
from tests.models.oracles import sample
from tests.models.test_saved import FOLDERS, name_of
from unroll import models
from unroll.models.base.word_vectors import Model as Vectors
from unroll.models.cache.model import Model as Cache
from unroll.models.generative_classifier.model import Model as GenerativeClassifier
from unroll.models.hmm.model import Model as Hmm
from unroll.models.mixture.model import Model as Mixture
from unroll.models.naive_bayes.model import Model as NaiveBayes
from unroll.models.ngram.arpa import read, write
from unroll.models.oracle import chains
from unroll.text.tokenizers.vocabulary import BOS, EOS

SAVED = Path(__file__).parents[1] / "data" / "models" / "format_1"
V, E, H = 15, 4, 4
"""The vocabulary and the sizes of the saved networks."""
BIAS = 2
"""torch has two biases of every gate."""


def settings(**values: Any) -> Any:
    return type("Settings", (), values)()


@pytest.mark.parametrize("folder", FOLDERS, ids=name_of)
def test_every_family_has_a_number_of_parameters_that_saving_does_not_change(folder: Path, tmp_path: Path) -> None:
    model = models.load(folder)
    assert isinstance(model.parameters, int)
    assert model.parameters > 0
    model.save(tmp_path)
    assert models.load(tmp_path).parameters == model.parameters


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("recurrent", V * E + 4 * H * (E + H + BIAS) + V),  # LSTM with tied weights
        ("bidirectional", V * E + 2 * H * (E + H + BIAS) + V),  # two simple networks, one embedding
        ("window", V * E + (3 * E + 1) * H + V),  # w = 3
        ("pretrained", V * E + (3 * E + 1) * H + V),
        ("seeds", V * E + (3 * E + 1) * H + V),
        # transformer: two norms, four matrices of the attention, two of the feedforward layers, and the last norm
        ("transformer", V * E + 2 * 2 * H + 4 * (H + 1) * H + 2 * (H + 1) * H + 2 * H + V),
        ("masked_transformer", V * E + 2 * 2 * H + 4 * (H + 1) * H + 2 * (H + 1) * H + 2 * H + V),
        # GRU of 3 and of 4, and the adaptive softmax over 13 words with cutoffs 4 and 8, div_value 2
        (
            "recurrent_layers",
            V * E + 3 * 3 * (E + 3 + BIAS) + 3 * 4 * (3 + 4 + BIAS) + (4 + 2) * (4 + 1) + 2 * (4 + 4) + 1 * (4 + 5),
        ),
        # one embedding of 20 words, encoder and decoder, the key of the attention, its combination, the softmax
        ("seq2seq", 20 * E + 2 * 3 * H * (E + H + BIAS) + H * H + H * 2 * H + 20 * (H + 1)),
    ],
)
def test_networks_count_their_weights_and_a_tied_matrix_once(name: str, parameters: int) -> None:
    assert models.load(SAVED / name).parameters == parameters


def test_what_a_network_stores_without_training_it_does_not_count() -> None:
    layer = models.load(SAVED / "recurrent_layers").network.softmax
    assert "rank" in layer.state_dict()
    assert sum(weight.numel() for weight in layer.parameters()) == 30 + 16 + 9
    assert not torch.is_floating_point(layer.rank)


def test_a_hidden_markov_model_counts_free_probabilities() -> None:
    states, tokens = 3, 7  # 5 of the tokens can be predicted
    even = np.full((states, states), 1 / states)
    model = Hmm(settings(), even[0], even, np.full((states, tokens), 1 / tokens))  # type: ignore[arg-type]
    assert model.parameters == 2 + 3 * 2 + 3 * 4


@pytest.mark.parametrize("kind", ngrams.SMOOTHINGS)
@pytest.mark.parametrize("order", [1, 2, 4])
def test_an_n_gram_model_counts_the_successors_of_its_contexts(kind: str, order: int) -> None:
    """Counted from the text itself, with sets of tuples."""
    grams: set[tuple[int, ...]] = set()
    for document in ngrams.TRAIN:
        text = [BOS, *document.tolist(), EOS]
        for last in range(1, len(text)):
            grams |= {tuple(text[last - k + 1 : last + 1]) for k in range(2, order + 1) if k <= last + 1}
    if kind == "add_k" and order > 1:  # lower orders are uniform, unless the context begins with <bos>
        expected = sum(len(gram) == order or gram[0] == BOS for gram in grams)
    else:
        expected = ngrams.SIZE - 2 - 1 + len(grams)
    if kind == "maximum_likelihood":  # the successors of a context have all of the probability
        expected -= len({gram[:-1] for gram in grams})
    assert ngrams.fitted(kind, order).parameters == expected


def test_an_arpa_file_has_one_more_number_for_each_context_and_one_for_the_empty_one(tmp_path: Path) -> None:
    """ARPA files contain a back-off weight of each context; those that are no context have 0 or nothing."""
    model = ngrams.fitted("modified_kneser_ney", 3)
    write(model, [f"w{token}" for token in range(ngrams.SIZE)], tmp_path / "model.arpa")
    lines = [line.split("\t") for line in (tmp_path / "model.arpa").read_text(encoding="utf-8").splitlines()]
    probabilities = sum(len(fields) > 1 and fields[1] != "<s>" for fields in lines)  # p(<s>) is zero
    contexts = sum(len(np.unique(longer.keys // ngrams.SIZE)) for _, longer in pairwise(model.orders))
    weights = sum(len(fields) == 3 and float(fields[2]) != 0 for fields in lines)
    assert weights <= contexts
    assert model.parameters == probabilities + contexts - (contexts + 1)
    assert read(tmp_path / "model.arpa")[0].parameters == model.parameters


def test_a_pruned_model_has_fewer_parameters() -> None:
    whole, pruned = (ngrams.fitted("kneser_ney", 4, prune) for prune in ([0], [0, 0, 1]))
    assert pruned.parameters < whole.parameters


def test_a_cache_has_three() -> None:
    assert Cache(settings(window=5, decay=0.9, uniform=0.5), 10).parameters == 3


def test_a_mixture_has_those_of_its_members_and_its_weights() -> None:
    members = [settings(parameters=number, vocabulary_size=9) for number in (10, 200, 3000)]
    assert Mixture(settings(), members, np.ones(3) / 3).parameters == 3210 + 2  # type: ignore[arg-type]


@pytest.mark.parametrize(("priors", "free"), [("empirical", 2), ("uniform", 0)])
def test_classifiers_count_their_priors_unless_they_are_uniform(priors: str, free: int) -> None:
    params: Any = settings(priors=priors)
    thirds, features = np.log(np.ones(3) / 3), np.arange(5)
    naive_bayes = NaiveBayes(params, ["a", "b", "c"], 9, features, thirds, np.log(np.full((3, 5), 0.2)))
    assert naive_bayes.parameters == 3 * (5 - 1) + free
    members: Any = [settings(parameters=number) for number in (10, 200, 3000)]
    assert GenerativeClassifier(params, ["a", "b", "c"], members, thirds).parameters == 3210 + free


def test_word_vectors_count_those_that_were_learned() -> None:
    known = np.array([False, False, True, True, False])
    assert Vectors(settings(), np.zeros((5, 7), np.float32), known).parameters == 2 * 7  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kind", "parameters"),
    [
        ("markov", (1 + 3 + 9) * 2 + 1),  # order 2 over 3 symbols, with the contexts at the beginning
        ("hmm", 2 + 3 * 2 + 3 * 3 + 1),  # 3 states, 4 symbols
        ("pcfg", 3 * 3 + 2 * 3 - 3),  # 3 rules of each nonterminal, and 3 words of all but the root
    ],
)
def test_an_oracle_has_those_of_its_source(kind: str, parameters: int, tmp_path: Path) -> None:
    assert sample(kind, tmp_path)[0].parameters == parameters


def test_a_markov_chain_that_becomes_a_hidden_one_does_not_count_its_zeros() -> None:
    """The contexts are the states: M successors of each of M + 1 contexts, and those of the first one again."""
    chain = chains.Markov(np.full((4, 3), 1 / 3), 1, 0.1)
    assert chain.parameters == 4 * 2 + 1
    assert chain.to_hmm().parameters == chain.parameters + 2
