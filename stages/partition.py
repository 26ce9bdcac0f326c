"""Lay ids out as the token streams that models read: python -m stages.partition TOKENS."""

from pathlib import Path

from unroll import stage
from unroll.params import Root


def main(params: Root, name: str) -> None:
    from unroll.partition import partition

    with stage.publish(Path("data/partitions") / name) as (folder,):
        folder.mkdir()
        partition(params.tokens[name], name, params.seed, Path("data/tokens") / name, folder)


if __name__ == "__main__":
    stage.run(main, "tokens")
