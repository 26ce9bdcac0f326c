"""Retrieval: documents ranked by how probable a query is under each document's own language model, or by BM25."""
