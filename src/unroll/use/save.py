"""A model's folder: the model, and what is needed besides to use it on text."""

import json
import shutil
from pathlib import Path
from typing import Any

from unroll.params import Root
from unroll.text.cleaning import Cleaner
from unroll.use.card import CARD, card

TOKENIZER, TEXT = "tokenizer.json", "text.json"


def save(model: Any, folder: Path, params: Root, tokens: str) -> None:
    """Write `model`, its tokenizer, its cleaning and its card to a new folder: what `load` needs."""
    folder.mkdir()
    model.save(folder)
    shutil.copyfile(Path("data/tokens") / tokens / TOKENIZER, folder / TOKENIZER)
    corpus = params.corpora[params.tokens[tokens].corpus]
    (folder / TEXT).write_text(json.dumps(Cleaner.params_of(corpus), indent=1) + "\n", encoding="utf-8")
    (folder / CARD).write_text(card(folder, params, tokens), encoding="utf-8")
