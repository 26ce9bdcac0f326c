"""Rankings of documents d for a query q. c(t, d) is the frequency of term t in d, |d| its length, C the collection.

Query likelihood (Ponte and Croft 1998), smoothed as in Zhai and Lafferty 2004:

    log p(q | d) = sum_{t in q} log p(t | d)
    Dirichlet        p(t | d) = (c(t, d) + mu p(t | C)) / (|d| + mu)
    Jelinek-Mercer   p(t | d) = (1 - lambda) c(t, d) / |d| + lambda p(t | C)

BM25 (Robertson and Zaragoza 2009), with the idf log(1 + (D - df + 0.5) / (df + 0.5)), which is never below zero.

Terms that no document contains are ignored. Documents that contain no term of the query are not ranked.
"""

from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unroll.use.search.index import Index, extract_terms

Floats = NDArray[np.float64]
Term = tuple[NDArray[np.int32], NDArray[np.int32], int]
"""A term of a query: the documents that contain it, its frequency in each of them, and its frequency in the query."""


@dataclass(frozen=True)
class Dirichlet:
    """Query likelihood with Dirichlet smoothing."""

    mu: float
    """The number of terms of the collection that each document is extended by."""

    def term_score(self, counts: Floats, lengths: Floats, collection_prob: float) -> Floats:
        """Compute log p(t | d) - log p(t | C) - `length_score` for the documents that contain a term.

        Args:
            counts: The frequency of the term in each document, (documents,).
            lengths: The lengths of the documents, (documents,).
            collection_prob: p(t | C).

        Returns:
            (documents,), in nats.
        """
        return np.log1p(counts / (self.mu * collection_prob))

    def length_score(self, lengths: Floats) -> Floats:
        """Return the part of log p(t | d) - log p(t | C) that every document has, (documents,), in nats."""
        return np.log(self.mu / (lengths + self.mu))


@dataclass(frozen=True)
class JelinekMercer:
    """Query likelihood with Jelinek-Mercer smoothing."""

    weight: float
    """The weight of the collection, lambda."""

    def term_score(self, counts: Floats, lengths: Floats, collection_prob: float) -> Floats:
        """Compute log p(t | d) - log p(t | C) - `length_score`; see `Dirichlet.term_score`."""
        return np.log1p((1 - self.weight) * counts / (self.weight * collection_prob * lengths))

    def length_score(self, lengths: Floats) -> Floats:
        """Return the part of log p(t | d) - log p(t | C) that every document has, (documents,), in nats."""
        return np.full(len(lengths), np.log(self.weight))


@dataclass(frozen=True)
class BM25:
    """The ranking of BM25."""

    k1: float
    """The saturation of the frequency of a term."""
    b: float
    """The strength of the normalisation by length, from 0 to 1."""


Ranking = Dirichlet | JelinekMercer | BM25


@dataclass(frozen=True)
class Hit:
    """A document that was found."""

    document: int
    """The number of the document."""
    id: str
    """Its name."""
    relevance: float
    """log p(query | document) in nats, or the score of BM25."""


def search(index: Index, query: str, ranking: Ranking, count: int) -> list[Hit]:
    """Find the most relevant documents.

    Args:
        index: The index of the collection.
        query: The query.
        ranking: The measure of relevance.
        count: The maximum number of documents.

    Returns:
        The documents, most relevant first; equally relevant ones in the order of the collection.
    """
    documents, relevance = rank(index, query, ranking, count)
    pairs = zip(documents.tolist(), relevance.tolist(), strict=True)
    return [Hit(document, index.ids[document], value) for document, value in pairs]


def rank(index: Index, query: str, ranking: Ranking, count: int) -> tuple[NDArray[np.int64], Floats]:
    """Find the most relevant documents as `search` does, and return arrays.

    Args:
        index: The index of the collection.
        query: The query.
        ranking: The measure of relevance.
        count: The maximum number of documents.

    Returns:
        The numbers of the documents, (documents,), and their relevance, (documents,).
    """
    postings = [(*index.postings(term), times) for term, times in Counter(extract_terms(query)).items()]
    terms = [term for term in postings if len(term[0])]
    matching = np.zeros(len(index.lengths), dtype=bool)
    for documents, _, _ in terms:
        matching[documents] = True
    rows = np.flatnonzero(matching)
    scores = _bm25(index, terms, ranking) if isinstance(ranking, BM25) else _query_likelihood(index, terms, ranking)
    relevance = scores[rows]
    kept = min(count, len(rows))
    if kept < len(rows):  # keep all that equal the last one, so that ties are in the order of the collection
        enough = relevance >= np.partition(relevance, -kept)[-kept]
        rows, relevance = rows[enough], relevance[enough]
    best = np.argsort(-relevance, kind="stable")[:kept]  # stable: the rows are in the order of the collection
    return rows[best], relevance[best]


def _query_likelihood(index: Index, terms: list[Term], smoothing: Dirichlet | JelinekMercer) -> Floats:
    """Compute log p(query | document) of every document, (D,)."""
    scores = np.zeros(len(index.lengths))
    collection, size = 0.0, 0  # log p(query | C), and the number of terms of the query
    for documents, counts, times in terms:
        collection_prob = float(counts.sum(dtype=np.float64)) / index.tokens
        scores[documents] += times * smoothing.term_score(
            counts.astype(np.float64), index.lengths[documents].astype(np.float64), collection_prob
        )
        collection += times * np.log(collection_prob)
        size += times
    return scores + size * smoothing.length_score(index.lengths.astype(np.float64)) + collection


def _bm25(index: Index, terms: list[Term], ranking: BM25) -> Floats:
    """Compute the BM25 score of every document, (D,)."""
    scores = np.zeros(len(index.lengths))
    size = len(index.lengths)
    average = index.tokens / size
    for documents, counts, times in terms:
        idf = np.log1p((size - len(documents) + 0.5) / (len(documents) + 0.5))
        length_factor = 1 - ranking.b + ranking.b * index.lengths[documents] / average
        scores[documents] += times * idf * counts * (ranking.k1 + 1) / (counts + ranking.k1 * length_factor)
    return scores
