"""Download or make the raw data of one corpus: python -m stages.download CORPUS."""

from pathlib import Path

from unroll.params.root import Root
from unroll.pipeline import stage


def main(params: Root, name: str) -> None:
    """Download or make the raw files of the corpus `name`."""
    from unroll.corpora import fetch

    with stage.atomic_outputs(Path("data/raw") / name) as (folder,):
        folder.mkdir()
        fetch(params.corpora[name], folder)


if __name__ == "__main__":
    stage.run(main, "corpora")
