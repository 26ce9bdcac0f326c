"""What a model's folder holds besides the weights, so that the model can be used on text."""

import json
import shutil
from pathlib import Path

from unroll.params import Root
from unroll.text.cleaning import Cleaner
from unroll.use.card import CARD, card

TOKENIZER, TEXT = "tokenizer.json", "text.json"


def describe(folder: Path, params: Root, tokens: str) -> None:
    """Put into a model's folder what `load` needs besides the weights, the tokenizer and the cleaning; and its card."""
    shutil.copyfile(Path("data/tokens") / tokens / TOKENIZER, folder / TOKENIZER)
    corpus = params.corpora[params.tokens[tokens].corpus]
    (folder / TEXT).write_text(json.dumps(Cleaner.params_of(corpus), indent=1) + "\n", encoding="utf-8")
    (folder / CARD).write_text(card(folder, params, tokens), encoding="utf-8")
