"""Learning a tokenizer from text, and loading one from its file."""

import json
from pathlib import Path

from unroll.errors import UnrollError
from unroll.params.tokenizers import TokenizerParams
from unroll.text.tokenizers.base import SOURCE, Tokenizer, TrainingTexts


def learn_tokenizer(params: TokenizerParams, texts: TrainingTexts) -> Tokenizer:
    """Learn a tokenizer of the type that its settings select.

    Args:
        params: The entry of `tokenizers` in params.yaml.
        texts: The texts of the train split. Their order does not matter.

    Returns:
        The tokenizer.

    Raises:
        UnrollError: The vocabulary size of a BPE tokenizer is smaller than its base alphabet.
    """
    return _types()[params.type].learn(params, texts)


def load_tokenizer(path: Path, side: str = "target") -> Tokenizer:
    """Load a tokenizer.

    Args:
        path: The file that `Tokenizer.save` wrote.
        side: `target`, or `source` for the tokenizer of the source side of pairs; without a tokenizer of its own, the
            source side has that of the target side.

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
    """Return the tokenizers by type. They are imported here, since BPE imports the library `tokenizers`."""
    from unroll.text.tokenizers.bpe import BpeTokenizer
    from unroll.text.tokenizers.word import CharTokenizer, WordTokenizer

    return {"word": WordTokenizer, "char": CharTokenizer, "bpe": BpeTokenizer}
