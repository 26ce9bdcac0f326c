"""The special tokens, which have the same ids in every vocabulary."""

PAD, BOS, EOS, UNK = 0, 1, 2, 3
SPECIAL = ("<pad>", "<bos>", "<eos>", "<unk>")
"""The spellings by id. They are not words: a text that contains "<eos>" has a word of this spelling with another id."""

FIRST_PREDICTED = EOS
"""The smallest token id that models predict. `<pad>` and `<bos>` are never predicted."""
