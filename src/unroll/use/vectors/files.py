"""Files of contextual vectors, one vector per token."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from unroll.errors import UnrollError
from unroll.printing import escape_column
from unroll.use.vectors.contexts import TextVectors

SUFFIXES = (".tsv", ".npy", ".parquet")


def check_suffix(path: Path) -> None:
    """Check that the name of a file says its format.

    Args:
        path: The file.

    Raises:
        UnrollError: Its name ends in none of `SUFFIXES`.
    """
    if path.suffix not in SUFFIXES:
        raise UnrollError(f"{path}: has no known format; end its name in {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}")


def write(path: Path, texts: Sequence[TextVectors]) -> int:
    """Write the vectors of texts.

    `.tsv` has the line, the position, the token and the numbers, `.parquet` has the columns line, position, token and
    vector, and `.npy` has an array (N, D) of the numbers only.

    Args:
        path: The file, whose name ends in one of `SUFFIXES`.
        texts: The vectors of each line.

    Returns:
        The number of vectors.

    Raises:
        UnrollError: The name ends in something else, or the file cannot be written.
    """
    check_suffix(path)
    count = sum(len(text.tokens) for text in texts)
    try:
        if path.suffix == ".npy":
            np.save(path, np.concatenate([text.vectors for text in texts]))
        elif path.suffix == ".parquet":
            _write_parquet(path, texts)
        else:
            lines = ("\t".join(row) + "\n" for number, text in enumerate(texts, 1) for row in rows(number, text))
            with path.open("w", encoding="utf-8", newline="") as file:
                file.writelines(lines)
    except OSError as error:
        raise UnrollError(f"{path}: cannot be written ({error}); name a file in an existing folder") from None
    return count


def rows(number: int, text: TextVectors) -> list[list[str]]:
    """Return the columns of each token of a line.

    Args:
        number: The number of the line.
        text: Its vectors.

    Returns:
        For each token the number of the line, its position from 1, its spelling, and its numbers with 7 digits.
    """
    return [
        [str(number), str(position), escape_column(token), *(f"{value:.7g}" for value in vector.tolist())]
        for position, (token, vector) in enumerate(zip(text.tokens, text.vectors, strict=True), 1)
    ]


def _write_parquet(path: Path, texts: Sequence[TextVectors]) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    lengths = [len(text.tokens) for text in texts]
    positions = [np.arange(1, length + 1) for length in lengths]
    values = np.concatenate([text.vectors for text in texts]).astype(np.float32)
    columns = {
        "line": pa.array(np.repeat(np.arange(1, len(texts) + 1), lengths)),
        "position": pa.array(np.concatenate(positions)),
        "token": pa.array([token for text in texts for token in text.tokens], pa.string()),
        "vector": pa.FixedSizeListArray.from_arrays(values.ravel(), values.shape[1]),
    }
    parquet.write_table(pa.table(columns), path)
