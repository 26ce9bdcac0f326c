"""Load the folder of a trained model."""

import json
from pathlib import Path

from unroll import models
from unroll.errors import UnrollError
from unroll.models.base.folder import CLEANING, TOKENIZER
from unroll.text.cleaner import Cleaner
from unroll.text.tokenizers.loading import load_tokenizer
from unroll.use.model import TextModel


def load(folder: Path | str) -> TextModel:
    """Load a trained model.

    Args:
        folder: A folder that the train stage wrote, or the name of one under `models/`.

    Returns:
        The model.

    Raises:
        UnrollError: There is no model, or its files are damaged.
    """
    folder = _resolve(Path(folder))
    model = models.load(folder)
    try:
        cleaning = json.loads((folder / CLEANING).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UnrollError(f"{folder / CLEANING}: unreadable ({error}); run `dvc repro -f` for this model") from error
    source, target = (load_tokenizer(folder / TOKENIZER, side=side) for side in ("source", "target"))
    return TextModel(model, target, Cleaner(**cleaning), folder, source)


def _resolve(folder: Path) -> Path:
    """Return the folder, or the one of this name under `models/` if only that exists or a bare name is given."""
    named = Path("models") / folder
    return named if not folder.exists() and (named.exists() or len(folder.parts) == 1) else folder
