"""Measures of tasks: translation, classification, analogies, cloze."""
