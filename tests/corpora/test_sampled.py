"""Sampled corpora are deterministic, and have the expected sizes and frequencies."""

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file
from scipy.stats import binom, norm

from unroll.corpora import hmm, markov, pcfg
from unroll.corpora.sampled import CategoricalRows, normalize
from unroll.errors import UnrollError

MARKOV = SimpleNamespace(order=1, vocabulary_size=5, concentration=0.5, stop_probability=0.05, expected_tokens=200_000)
HMM = SimpleNamespace(
    states=3,
    vocabulary_size=6,
    transition_concentration=0.5,
    emission_concentration=0.5,
    stop_probability=0.05,
    expected_tokens=200_000,
)
PCFG = SimpleNamespace(
    nonterminals=5,
    vocabulary_size=6,
    rules=3,
    branching=0.35,
    rule_concentration=1.0,
    emission_concentration=0.5,
    expected_tokens=200_000,
)
KINDS: dict[str, tuple[Any, Any]] = {"markov": (markov, MARKOV), "hmm": (hmm, HMM), "pcfg": (pcfg, PCFG)}


def fetched(kind: str, folder: Path, seed: int = 1) -> tuple[list[list[int]], dict[str, Any], dict[str, np.ndarray]]:
    module, params = KINDS[kind]
    module.fetch(SimpleNamespace(**vars(params), seed=seed), folder)
    lines = (folder / "text.txt").read_text(encoding="utf-8").splitlines()
    numbers = json.loads((folder / "source.json").read_text(encoding="utf-8"))
    return (
        [[int(word[1:]) for word in line.split(" ")] for line in lines],
        numbers,
        load_file(folder / "source.safetensors"),
    )


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_gives_the_same_bytes(kind: str, tmp_path: Path) -> None:
    contents = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        (tmp_path / name).mkdir()
        fetched(kind, tmp_path / name, seed)
        contents.append({path.name: path.read_bytes() for path in sorted((tmp_path / name).iterdir())})
    assert list(contents[0]) == ["raw.json", "source.json", "source.safetensors", "text.txt"]
    assert contents[0] == contents[1]
    assert contents[0]["text.txt"] != contents[2]["text.txt"]
    entry = json.loads(contents[0]["raw.json"])[0]
    assert (entry["file"], entry["format"], entry["documents"], entry["split"]) == ("text.txt", "text", "line", None)


@pytest.mark.parametrize("kind", KINDS)
def test_sizes_are_as_expected(kind: str, tmp_path: Path) -> None:
    documents, _, _ = fetched(kind, tmp_path)
    sizes = np.array([len(document) for document in documents])
    mean = 2 * 0.65 / 0.3 if kind == "pcfg" else 20.0
    assert sizes.min() >= (2 if kind == "pcfg" else 1)  # no line is empty
    assert len(documents) == round(200_000 / mean)
    assert sizes.mean() == pytest.approx(mean, abs=5 * sizes.std() / np.sqrt(len(sizes)))


def close(counts: np.ndarray, probabilities: np.ndarray) -> bool:
    """Return whether every count is at least as likely as a deviation of five standard errors.

    The binomial tails are exact, because the normal approximation is too small for expected counts below one.
    """
    totals = counts.sum(axis=-1, keepdims=True)
    below, above = binom.cdf(counts, totals, probabilities), binom.sf(counts - 1, totals, probabilities)
    return bool((np.minimum(below, above) > norm.sf(5)).all())


def test_close_finds_a_wrong_row() -> None:
    right = np.array([0.5, 0.3, 0.2])
    assert close(np.array([5000, 3000, 2000]), right)
    assert not close(np.array([5300, 2800, 1900]), right)
    assert not close(np.array([9, 1]), np.array([1.0, 0.0]))  # an impossible outcome was counted


def test_a_chain_has_the_frequencies_of_its_transition_matrix(tmp_path: Path) -> None:
    documents, numbers, arrays = fetched("markov", tmp_path)
    assert numbers == {"kind": "markov", "order": 1, "vocabulary_size": 5, "stop_probability": 0.05}
    counts = np.zeros((6, 5))
    for document in documents:
        np.add.at(counts, ([5, *document[:-1]], document), 1)
    np.testing.assert_allclose(arrays["transition"].sum(axis=1), 1)
    assert close(counts, arrays["transition"])


def test_a_chain_of_order_two_depends_on_both_symbols(tmp_path: Path) -> None:
    transition = np.zeros((9, 2))
    transition[:, 0] = 1.0  # the next symbol is 0, but 1 after 0 0
    transition[0] = [0.0, 1.0]
    tokens = markov.sample(transition, 2, np.array([7, 4]), np.random.default_rng(0))
    assert tokens.tolist() == [0, 0, 1, 0, 0, 1, 0, 0, 0, 1, 0]


def test_a_hidden_chain_is_stationary(tmp_path: Path) -> None:
    documents, _, arrays = fetched("hmm", tmp_path)
    np.testing.assert_allclose(arrays["initial"] @ arrays["transition"], arrays["initial"], atol=1e-7)  # it is rounded
    marginal = arrays["initial"] @ arrays["emission"]
    for position in (0, 5):
        symbols = [document[position] for document in documents if len(document) > position]
        assert close(np.bincount(symbols, minlength=6), marginal)
    pair = np.einsum("s,sv,st,tw->vw", arrays["initial"], arrays["emission"], arrays["transition"], arrays["emission"])
    counts = np.zeros((6, 6))
    for document in documents:
        if len(document) > 1:
            counts[document[0], document[1]] += 1
    assert close(counts.ravel(), pair.ravel())


def test_the_shortest_sentences_of_a_grammar_have_their_probabilities(tmp_path: Path) -> None:
    documents, _, arrays = fetched("pcfg", tmp_path)
    np.testing.assert_allclose(arrays["binary"].sum(axis=(1, 2)) + arrays["emission"].sum(axis=1), 1)
    two = np.einsum("bc,bv,cw->vw", arrays["binary"][0], arrays["emission"], arrays["emission"])
    three = np.einsum("bc,bde,dv,ew,cx->vwx", arrays["binary"][0], arrays["binary"], *[arrays["emission"]] * 3)
    three += np.einsum("bc,cde,bv,dw,ex->vwx", arrays["binary"][0], arrays["binary"], *[arrays["emission"]] * 3)
    for length, expected in ((2, two), (3, three)):
        counts = np.zeros(expected.shape)
        for document in documents:
            if len(document) == length:
                counts[tuple(document)] += 1
        rest = np.append(counts.ravel(), len(documents) - counts.sum())
        assert close(rest, np.append(expected.ravel(), 1 - expected.sum()))


def test_outcomes_with_probability_zero_are_never_drawn() -> None:
    table = CategoricalRows(np.array([[0.0, 0.5, 0.5, 0.0], [0.0, 0.0, 0.0, 1.0], [1.0, 0.0, 0.0, 0.0]]))
    rows = np.repeat([0, 1, 2], 1000)
    drawn = table.draw(rows, np.random.default_rng(0))
    assert set(drawn[:1000]) == {1, 2}
    assert set(drawn[1000:2000]) == {3}
    assert set(drawn[2000:]) == {0}


def test_impossible_parameters_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UnrollError, match=r"corpora\.\*\.order: .* lower order or vocabulary_size"):
        markov.fetch(
            SimpleNamespace(
                seed=1, order=5, vocabulary_size=100, concentration=1.0, stop_probability=0.1, expected_tokens=100
            ),
            tmp_path,
        )
    with pytest.raises(UnrollError, match=r"corpora\.\*\.rules: 2 nonterminals have only 1 pairs"):
        pcfg.fetch(SimpleNamespace(**vars(PCFG) | {"seed": 1, "nonterminals": 2}), tmp_path)


def test_the_last_bits_of_a_mathematical_library_do_not_reach_the_probabilities() -> None:
    generator = np.random.default_rng(0)
    probabilities = generator.dirichlet(np.full(200, 0.1), size=50)
    nearly = np.nextafter(probabilities, generator.choice([0.0, 1.0], size=probabilities.shape))
    assert (nearly != probabilities).any()
    assert normalize(nearly).tobytes() == normalize(probabilities).tobytes()
    np.testing.assert_allclose(normalize(probabilities), probabilities, rtol=2e-7, atol=1e-37)
    np.testing.assert_allclose(normalize(probabilities).sum(axis=1), 1, rtol=1e-12)


def test_another_linear_algebra_kernel_gives_the_same_bytes(tmp_path: Path) -> None:
    """OpenBLAS selects a kernel by the processor; the stationary distribution differs in its last bits between them."""
    (here := tmp_path / "here").mkdir()
    fetched("hmm", here)
    code = "import sys; from pathlib import Path; from tests.corpora.test_sampled import fetched; "
    code += "fetched('hmm', Path(sys.argv[1]))"
    environment = os.environ | {"OPENBLAS_CORETYPE": "Prescott"}
    (there := tmp_path / "there").mkdir()
    subprocess.run([sys.executable, "-c", code, there], cwd=Path(__file__).parents[2], env=environment, check=True)
    for file in here.iterdir():
        assert file.read_bytes() == (there / file.name).read_bytes(), file.name
