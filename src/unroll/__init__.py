"""Reproducible experiments with the classic and recurrent language models.

Importing this package imports nothing heavy; each layer is imported where it is used.
"""

__version__ = "0.1.0"
