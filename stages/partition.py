"""Write token ids as the token streams that models read: python -m stages.partition TOKENIZER."""

from pathlib import Path

from unroll.params.root import Root
from unroll.pipeline import stage


def main(params: Root, name: str) -> None:
    """Write the token ids of the tokenizer `name` as token streams."""
    from unroll.text.partition import partition

    with stage.atomic_outputs(Path("data/partitions") / name) as (folder,):
        folder.mkdir()
        partition(params.tokenizers[name], name, params.seed, Path("data/tokens") / name, folder)


if __name__ == "__main__":
    stage.run(main, "tokenizers")
