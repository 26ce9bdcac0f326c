"""The special tokens, whose ids are the same in every vocabulary."""

PAD, BOS, EOS, UNK = 0, 1, 2, 3
SPECIAL = ("<pad>", "<bos>", "<eos>", "<unk>")
"""By id. They are no words: a text that contains "<eos>" has a word of that spelling with an id of its own."""

FIRST_PREDICTED = EOS
"""Ids below it are given, never predicted."""
