"""Clean a corpus and divide it into splits: python -m stages.clean CORPUS."""

import json
from pathlib import Path

from unroll.params.root import Root
from unroll.pipeline import stage


def main(params: Root, name: str) -> None:
    """Clean the corpus `name`, and publish the documents and their counts."""
    from unroll.text.clean import clean

    outputs = Path("data/clean") / f"{name}.parquet", Path("metrics/clean") / f"{name}.json"
    with stage.atomic_outputs(*outputs) as (table, metrics):
        counts = clean(params.corpora[name], Path("data/raw") / name, table)
        metrics.write_text(json.dumps(counts, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    stage.run(main, "corpora")
