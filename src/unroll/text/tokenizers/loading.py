"""Learn a tokenizer, or load one from its file."""

import json
from pathlib import Path

from unroll.errors import UnrollError
from unroll.params.tokenizers import TokenizerParams
from unroll.text.tokenizers.base import SOURCE, Texts, Tokenizer


def learn_tokenizer(params: TokenizerParams, texts: Texts) -> Tokenizer:
    """Learn a tokenizer.

    Args:
        params: The entry of `tokenizers` in params.yaml.
        texts: The texts of the train split. Their order does not matter.

    Returns:
        The tokenizer.

    Raises:
        UnrollError: The vocabulary size is too small.
    """
    return _types()[params.type].learn(params, texts)


def load_tokenizer(path: Path, side: str = "target") -> Tokenizer:
    """Load a tokenizer.

    Args:
        path: The file that `Tokenizer.save` wrote.
        side: "source" returns the tokenizer of the source side of pairs, which is the same if they share a vocabulary.

    Returns:
        The tokenizer.

    Raises:
        UnrollError: The file is missing or damaged.
    """
    try:
        state = json.loads(path.read_text(encoding="utf-8"))
        other = state.pop(SOURCE, None)
        state = other if side == SOURCE and other else state
        return _types()[state.pop("type")]._restore(state)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UnrollError(
            f"{path}: not a readable tokenizer ({error}); run `dvc repro -f` for this tokenizer"
        ) from error


def _types() -> dict[str, type[Tokenizer]]:
    """The tokenizers by type. They are imported here, since BPE imports another library."""
    from unroll.text.tokenizers.bpe import BpeTokenizer
    from unroll.text.tokenizers.word import CharTokenizer, WordTokenizer

    return {"word": WordTokenizer, "char": CharTokenizer, "bpe": BpeTokenizer}
