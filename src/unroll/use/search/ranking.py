"""Rankings of documents d for a query q. c(t, d) is how often d holds term t, |d| its length, C the collection.

Query likelihood (Ponte and Croft 1998), smoothed as in Zhai and Lafferty 2004:

    log p(q | d) = sum_{t in q} log p(t | d)
    Dirichlet        p(t | d) = (c(t, d) + mu p(t | C)) / (|d| + mu)
    Jelinek-Mercer   p(t | d) = (1 - lambda) c(t, d) / |d| + lambda p(t | C)

BM25 (Robertson and Zaragoza 2009), with the idf log(1 + (D - df + 0.5) / (df + 0.5)), which is never below zero.

A term that no document holds says nothing and is left out; a document that holds no term of the query is not ranked.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unroll.use.search.index import Index, terms

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Dirichlet:
    mu: float

    def __call__(self, counts: Floats, lengths: Floats, share: float) -> Floats:
        """log p(t | d) - log p(t | C) - what `rest` says of d, for documents that hold the term."""
        return np.log1p(counts / (self.mu * share))

    def rest(self, lengths: Floats) -> Floats:
        """Per term of the query, whether or not d holds it."""
        return np.log(self.mu / (lengths + self.mu))


@dataclass(frozen=True)
class JelinekMercer:
    weight: float
    """lambda, of the collection."""

    def __call__(self, counts: Floats, lengths: Floats, share: float) -> Floats:
        return np.log1p((1 - self.weight) * counts / (self.weight * share * lengths))

    def rest(self, lengths: Floats) -> Floats:
        return np.full(len(lengths), np.log(self.weight))


@dataclass(frozen=True)
class BM25:
    k1: float
    b: float


Ranking = Dirichlet | JelinekMercer | BM25


@dataclass(frozen=True)
class Hit:
    document: int
    id: str
    relevance: float
    """log p(query | document) in nats, or BM25's sum."""


def search(index: Index, query: str, ranking: Ranking, count: int) -> list[Hit]:
    """The `count` most relevant documents, equals in the order of the collection."""
    wanted = {term: times for term, times in Counter(terms(query)).items() if len(index.postings(term)[0])}
    rank: Callable[..., Floats] = _bm25 if isinstance(ranking, BM25) else _likelihood
    totals = np.zeros(len(index.lengths))
    held = np.zeros(len(index.lengths), dtype=bool)
    for term in wanted:
        held[index.postings(term)[0]] = True
    rows = np.flatnonzero(held)
    relevance = rank(index, wanted, ranking, totals)[rows]
    kept = min(count, len(rows))
    if kept < len(rows):  # all that equal the last one compete, so that ties go to the first
        rows = rows[relevance >= (least := np.partition(relevance, -kept)[-kept])]
        relevance = relevance[relevance >= least]
    best = np.lexsort((rows, -relevance))[:kept]
    return [Hit(int(rows[i]), index.ids[rows[i]], float(relevance[i])) for i in best]


def _likelihood(index: Index, wanted: dict[str, int], smoothing: Dirichlet | JelinekMercer, totals: Floats) -> Floats:
    collection = 0.0
    for term, times in wanted.items():
        holders, counts = index.postings(term)
        share = float(counts.sum(dtype=np.float64)) / index.tokens  # p(t | C)
        totals[holders] += times * smoothing(
            counts.astype(np.float64), index.lengths[holders].astype(np.float64), share
        )
        collection += times * np.log(share)
    return totals + sum(wanted.values()) * smoothing.rest(index.lengths.astype(np.float64)) + collection


def _bm25(index: Index, wanted: dict[str, int], ranking: BM25, totals: Floats) -> Floats:
    documents = len(index.lengths)
    average = index.tokens / documents
    for term, times in wanted.items():
        holders, counts = index.postings(term)
        idf = np.log1p((documents - len(holders) + 0.5) / (len(holders) + 0.5))
        longer = 1 - ranking.b + ranking.b * index.lengths[holders] / average
        totals[holders] += times * idf * counts * (ranking.k1 + 1) / (counts + ranking.k1 * longer)
    return totals
