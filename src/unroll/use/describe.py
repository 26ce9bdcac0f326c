"""What a model's folder holds besides the weights, so that the model can be used on text."""

import json
import shutil
from pathlib import Path

from unroll.params import Root
from unroll.text.cleaning import Cleaner

TOKENIZER, TEXT = "tokenizer.json", "text.json"


def describe(folder: Path, params: Root, tokens: str) -> None:
    """Put into a model's folder what `load` needs besides the weights: the tokenizer and the cleaning."""
    shutil.copyfile(Path("data/tokens") / tokens / TOKENIZER, folder / TOKENIZER)
    corpus = params.corpora[params.tokens[tokens].corpus]
    (folder / TEXT).write_text(json.dumps(Cleaner.params_of(corpus), indent=1) + "\n", encoding="utf-8")
