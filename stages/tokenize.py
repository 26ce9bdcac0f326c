"""Learn a tokenizer on the train split, and convert all splits to ids: python -m stages.tokenize TOKENIZER."""

import json
from pathlib import Path

from unroll.params.root import Root
from unroll.pipeline import stage


def main(params: Root, name: str) -> None:
    """Learn the tokenizer `name`, and publish the token ids of all splits."""
    from unroll.text.tokenize import tokenize

    tokens = params.tokenizers[name]
    with stage.atomic_outputs(Path("data/tokens") / name, Path("metrics/tokens") / f"{name}.json") as (folder, metrics):
        folder.mkdir()
        counts = tokenize(tokens, Path("data/clean") / f"{tokens.corpus}.parquet", folder)
        metrics.write_text(json.dumps(counts, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    stage.run(main, "tokenizers")
