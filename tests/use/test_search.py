"""Rankings compared with their equations, and the index on disk."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from unroll.errors import UnrollError
from unroll.use.search.index import Index, build_index, extract_terms
from unroll.use.search.ranking import BM25, Dirichlet, JelinekMercer, Ranking, search

DOCUMENTS = {"d1": "Open a file, open it", "d2": "close the file", "d3": "a list of lists", "d4": ""}
TOKENS = sum(len(extract_terms(text)) for text in DOCUMENTS.values())


@pytest.fixture
def index(tmp_path: Path) -> Index:
    return build_index(tmp_path / "index", DOCUMENTS.items())


def _collection_prob(term: str) -> float:
    return sum(extract_terms(text).count(term) for text in DOCUMENTS.values()) / TOKENS


def _log_likelihood(query: str, text: str, ranking: Ranking) -> float:
    """The equation, term by term."""
    total, document_terms = 0.0, extract_terms(text)
    for term in extract_terms(query):
        if not _collection_prob(term):
            continue
        if isinstance(ranking, Dirichlet):
            p = (document_terms.count(term) + ranking.mu * _collection_prob(term)) / (len(document_terms) + ranking.mu)
        else:
            assert isinstance(ranking, JelinekMercer)
            p = (1 - ranking.weight) * document_terms.count(term) / len(
                document_terms
            ) + ranking.weight * _collection_prob(term)
        total += math.log(p)
    return total


@pytest.mark.parametrize("ranking", [Dirichlet(5.0), Dirichlet(1000.0), JelinekMercer(0.3), JelinekMercer(1.0)])
@pytest.mark.parametrize("query", ["open file", "file file a", "a zebra", "lists"])
def test_relevance_is_the_log_likelihood_of_the_query(index: Index, ranking: Ranking, query: str) -> None:
    hits = search(index, query, ranking, 10)
    assert {hit.id for hit in hits} == {
        d for d, text in DOCUMENTS.items() if set(extract_terms(query)) & set(extract_terms(text))
    }
    for hit in hits:
        assert hit.relevance == pytest.approx(_log_likelihood(query, DOCUMENTS[hit.id], ranking))
    assert [hit.relevance for hit in hits] == sorted((hit.relevance for hit in hits), reverse=True)


def test_bm25_equals_its_equation(index: Index) -> None:
    (first, second) = search(index, "open file", BM25(1.2, 0.75), 10)
    average = TOKENS / 4

    def part(term: str, text: str, df: int) -> float:
        count, length = extract_terms(text).count(term), len(extract_terms(text))
        return (
            math.log(1 + (4 - df + 0.5) / (df + 0.5)) * count * 2.2 / (count + 1.2 * (0.25 + 0.75 * length / average))
        )

    d1, d2 = DOCUMENTS["d1"], DOCUMENTS["d2"]
    assert (first.id, first.relevance) == ("d1", pytest.approx(part("open", d1, 1) + part("file", d1, 2)))
    assert (second.id, second.relevance) == ("d2", pytest.approx(part("file", d2, 2)))


def test_ties_are_in_the_order_of_the_collection(tmp_path: Path) -> None:
    index = build_index(tmp_path / "index", [(f"d{number}", "the same") for number in range(20)])
    assert [hit.id for hit in search(index, "same", BM25(1.2, 0.75), 3)] == ["d0", "d1", "d2"]
    assert search(index, "other", Dirichlet(1.0), 3) == []


def test_the_index_is_memory_mapped_and_keeps_the_texts(index: Index) -> None:
    assert isinstance(index.documents.base, np.memmap)
    assert [index.text(number) for number in range(4)] == list(DOCUMENTS.values())
    assert index.lengths.tolist() == [len(extract_terms(text)) for text in DOCUMENTS.values()]


def test_only_an_index_is_replaced(tmp_path: Path, index: Index) -> None:
    assert build_index(index.folder, [("x", "new")]).ids == ["x"]
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear", encoding="utf-8")
    with pytest.raises(UnrollError, match="exists and is not an index"):
        build_index(tmp_path / "mine", DOCUMENTS.items())
    with pytest.raises(UnrollError, match="document 'x'"):
        build_index(index.folder, [("x", "one"), ("x", "two")])
    assert Index(index.folder).ids == ["x"]  # the previous index is intact
    assert sorted(path.name for path in tmp_path.iterdir()) == ["index", "mine"]


def test_a_damaged_index_is_named(index: Index) -> None:
    np.save(index.folder / "lengths.npy", np.zeros(2, np.int32))
    with pytest.raises(UnrollError, match="the index is unreadable"):
        Index(index.folder)
    (index.folder / "index.json").write_text(json.dumps({"format": 99}), encoding="utf-8")
    with pytest.raises(UnrollError, match="format 99"):
        Index(index.folder)
