"""What the train stage writes for a model: the model itself, and all that is needed to use it on text."""

import json
import shutil
from pathlib import Path
from typing import Any

from unroll import models
from unroll.models.base.storage import PARAMS
from unroll.params.corpora import SampledCorpus
from unroll.params.fingerprint import fingerprint
from unroll.params.root import Root

TOKENIZER, CLEANING, EXPERIMENT, CARD = "tokenizer.json", "cleaning.json", "experiment.json", "README.md"

CARD_TEXT = """# `{name}`

A model of family `{family}`, made by `dvc repro` from `params.yaml`. Its arrays have {size:,} elements.

- **Learned from** the train split of corpus `{corpus}` (source `{source}`), as `{tokenizer}` (type `{type}`).
- **Measured** in `metrics/{name}.json` and `reports/index.html`, on the test split of the same corpus. On
  other text expect worse results, and measure them first (`unroll score {name} FILE`).
- **Holds** `params.json`, `weights.safetensors` and `manifest.json` with the hashes of both, the tokenizer, and the
  settings of cleaning. Nothing in it is executed when it is loaded: `unroll.use.load("models/{name}")`.
- **Not for** decisions about people, nor as a source of facts: it repeats what its corpus says, with its faults.

| param | value |
| :-- | :-- |
"""
"""The model card (Mitchell et al. 2019): what the model is, what it learned from, and what it is not for."""


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
    (folder / EXPERIMENT).write_text(json.dumps(_experiment(params, name), indent=1) + "\n", encoding="utf-8")
    (folder / CARD).write_text(_card(folder, params, tokenizer), encoding="utf-8")


def read_experiment(folder: Path) -> dict[str, Any]:
    """Return what a model was trained from: family, tokenizer, corpus, whether it is sampled, and the hashes."""
    return json.loads((folder / EXPERIMENT).read_text(encoding="utf-8"))


def _experiment(params: Root, name: str) -> dict[str, Any]:
    entry = params.experiments[name]
    corpus = params.tokenizers[entry.tokenizer].corpus
    return {
        "family": entry.family,
        "tokenizer": entry.tokenizer,
        "corpus": corpus,
        "sampled": isinstance(params.corpora[corpus], SampledCorpus),
        **fingerprint(entry.model_dump(), Path("data/partitions") / entry.tokenizer),
    }


def _card(folder: Path, params: Root, tokenizer: str) -> str:
    """The card of a saved model. It depends on the settings and the model only, so equal models have equal cards."""
    saved = json.loads((folder / PARAMS).read_text(encoding="utf-8"))["params"]
    corpus = params.tokenizers[tokenizer].corpus
    text = CARD_TEXT.format(
        name=folder.name,
        family=saved["family"],
        size=models.size(folder),
        corpus=corpus,
        source=params.corpora[corpus].source,
        tokenizer=tokenizer,
        type=params.tokenizers[tokenizer].type,
    )
    return text + "".join(f"| `{key}` | {json.dumps(value)} |\n" for key, value in saved.items())
