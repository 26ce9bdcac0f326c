"""The model card: what a model is, what it learned from, how it is used, what it is not for (Mitchell et al. 2019)."""

import json
from pathlib import Path

from unroll.models.storage import PARAMS, size
from unroll.params import Root

CARD = "README.md"

TEXT = """# `{name}`

A model of family `{family}`, made by `dvc repro` from `params.yaml`. It has {size:,} numbers.

- **Learned from** the train split of corpus `{corpus}` (source `{source}`), as `{tokens}` (level `{level}`).
- **Measured** in `metrics/{name}.json` and `reports/index.html`, on the test split of the same corpus. It knows no
  other text: expect worse there, and measure it first (`unroll score {name} FILE`).
- **Holds** `params.json`, `weights.safetensors` and `manifest.json` with the hashes of both, the tokenizer, and how
  text was cleaned. Nothing in it is executed when it is loaded: `unroll.use.load("models/{name}")`.
- **Not for** decisions about people, nor as a source of facts: it repeats what its corpus says, with its faults.

| param | value |
| :-- | :-- |
"""


def card(folder: Path, params: Root, tokens: str) -> str:
    """Of the model saved in `folder`. Equal models have equal cards: nothing in it but the params and the model."""
    saved = json.loads((folder / PARAMS).read_text(encoding="utf-8"))["params"]
    partition = params.tokens[tokens]
    text = TEXT.format(
        name=folder.name,
        family=saved["family"],
        size=size(folder),
        corpus=partition.corpus,
        source=params.corpora[partition.corpus].source,
        tokens=tokens,
        level=partition.level,
    )
    return text + "".join(f"| `{key}` | {json.dumps(value)} |\n" for key, value in saved.items())
