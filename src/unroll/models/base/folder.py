"""The folder that stage train writes: a model, and everything that is needed to apply it to text."""

import json
import shutil
from pathlib import Path
from typing import Any

from unroll.errors import UnrollError
from unroll.models.base import storage
from unroll.params.corpora import SampledCorpus
from unroll.params.fingerprint import fingerprint
from unroll.params.root import Root

TOKENIZER, CLEANING, EXPERIMENT, CARD = "tokenizer.json", "cleaning.json", "experiment.json", "README.md"

CARD_TEXT = """# `{name}`

A model of family `{family}`, trained by `dvc repro` from `params.yaml`. Its arrays have {size:,} elements.

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


def save(model: Any, folder: Path, params: Root, name: str) -> None:
    """Write a model, its tokenizer, its cleaning, its experiment and its card.

    Args:
        model: The trained model.
        folder: The folder to make.
        params: The settings of the pipeline.
        name: The name of the model in params.yaml.
    """
    tokenizer = params.experiments[name].tokenizer
    folder.mkdir()
    model.save(folder)
    shutil.copyfile(Path("data/tokens") / tokenizer / TOKENIZER, folder / TOKENIZER)
    corpus = params.corpora[params.tokenizers[tokenizer].corpus]
    (folder / CLEANING).write_text(json.dumps(corpus.cleaner_settings, indent=1) + "\n", encoding="utf-8")
    (folder / EXPERIMENT).write_text(json.dumps(_describe_experiment(params, name), indent=1) + "\n", encoding="utf-8")
    (folder / CARD).write_text(_format_card(folder, params, tokenizer), encoding="utf-8")


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


def _describe_experiment(params: Root, name: str) -> dict[str, Any]:
    entry = params.experiments[name]
    corpus = params.tokenizers[entry.tokenizer].corpus
    return {
        "family": entry.family,
        "tokenizer": entry.tokenizer,
        "corpus": corpus,
        "sampled": isinstance(params.corpora[corpus], SampledCorpus),
        **fingerprint(entry.model_dump(), Path("data/partitions") / entry.tokenizer),
    }


def _format_card(folder: Path, params: Root, tokenizer: str) -> str:
    """Return the card of a saved model. It depends only on the settings and the model."""
    saved = storage.read_params(folder)["params"]
    corpus = params.tokenizers[tokenizer].corpus
    text = CARD_TEXT.format(
        name=folder.name,
        family=saved["family"],
        size=storage.size(folder),
        corpus=corpus,
        source=params.corpora[corpus].source,
        tokenizer=tokenizer,
        type=params.tokenizers[tokenizer].type,
    )
    return text + "".join(f"| `{key}` | {json.dumps(value)} |\n" for key, value in saved.items())
