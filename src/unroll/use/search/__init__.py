"""Retrieval of documents by the query likelihood of each document's language model, or by BM25."""
