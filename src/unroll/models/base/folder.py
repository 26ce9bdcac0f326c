"""The folder that stage train writes: a model, and everything that is needed to apply it to text."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from unroll.errors import UnrollError
from unroll.fingerprint import fingerprint
from unroll.models.base import storage
from unroll.text.streams import CORPUS
from unroll.text.tokenizers.loading import load_tokenizer

TOKENIZER, CLEANING, EXPERIMENT, CARD = "tokenizer.json", "cleaning.json", "experiment.json", "README.md"

CARD_TEXT = """# `{name}`

A model of family `{family}`, trained by `dvc repro` from `params.yaml`, with {parameters:,} parameters.

- **Training data**: the train split of corpus `{corpus}` (source `{source}`), with tokenizer
  `{tokenizer}` (type `{type}`).
- **Evaluation**: `metrics/{name}.json` and `reports/index.html`, on the test split of the same corpus. On other text,
  expect worse results, and measure them first (`unroll score {name} FILE`).
- **Files**: `params.json` and `weights.safetensors`, `manifest.json` with the hashes of both, `tokenizer.json`,
  `cleaning.json` and `experiment.json`. `unroll.use.load("models/{name}")` loads them, and executes nothing in them.
- **Out of scope**: decisions about people, and questions about facts. The model reproduces its corpus and its errors.

| param | value |
| :-- | :-- |
"""
"""The model card (Mitchell et al. 2019): what the model is, its training data, and its limits."""


def save(model: Any, folder: Path, settings: Mapping[str, Any]) -> None:
    """Write a model, its tokenizer, its cleaning, its experiment and its card.

    Args:
        model: The trained model.
        folder: The folder to make, which has the name of the model.
        settings: The settings that the model was trained with (`unroll.fingerprint.describe`).
    """
    tokens, partition = Path("data/tokens") / settings["tokenizer"], Path("data/partitions") / settings["tokenizer"]
    corpus = json.loads((tokens / CORPUS).read_text(encoding="utf-8"))
    experiment = {
        "family": settings["family"],
        "tokenizer": settings["tokenizer"],
        "corpus": corpus["name"],
        "sampled": corpus["sampled"],
        **fingerprint(settings, partition),
    }
    folder.mkdir()
    model.save(folder)
    shutil.copyfile(tokens / TOKENIZER, folder / TOKENIZER)
    (folder / CLEANING).write_text(json.dumps(corpus["cleaner"], indent=1) + "\n", encoding="utf-8")
    (folder / EXPERIMENT).write_text(json.dumps(experiment, indent=1) + "\n", encoding="utf-8")
    (folder / CARD).write_text(_format_card(folder, experiment, corpus["source"], model.parameters), encoding="utf-8")


def read_experiment(folder: Path) -> dict[str, Any]:
    """Read what a model was trained from.

    Args:
        folder: The folder that `save` wrote.

    Returns:
        Its family, its tokenizer, its corpus, whether the corpus is sampled, and the hashes of its settings and data.

    Raises:
        UnrollError: The file is missing or damaged.
    """
    try:
        return json.loads((folder / EXPERIMENT).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UnrollError(f"{folder / EXPERIMENT}: unreadable ({error}); run `dvc repro -f` for this model") from error


def _format_card(folder: Path, experiment: Mapping[str, Any], source: str, parameters: int) -> str:
    """Return the card of a saved model. It depends only on the settings, the corpus and the model."""
    saved = storage.read_params(folder)["params"]
    text = CARD_TEXT.format(
        name=folder.name,
        family=saved["family"],
        parameters=parameters,
        corpus=experiment["corpus"],
        source=source,
        tokenizer=experiment["tokenizer"],
        type=load_tokenizer(folder / TOKENIZER).type,
    )
    return text + "".join(f"| `{key}` | {json.dumps(value)} |\n" for key, value in saved.items())
