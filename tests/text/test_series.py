"""Numbers through clean, tokenize and partition."""

import numpy as np
import pyarrow.parquet as pq
import pytest
from unroll.text.series import Scale

from tests.text.conftest import Workshop, words
from unroll.errors import UnrollError
from unroll.params.tokenizers import SeriesTokens
from unroll.text.partition import partition
from unroll.text.streams import load
from unroll.text.tokenize import tokenize
from unroll.training.batching import shuffled_batches

ROWS = '"Month","Passengers"\r\n' + "".join(f'"1949-{n:02}",{n * n}\r\n' for n in range(20))


def series(**values: object) -> SeriesTokens:
    default = {"corpus": "tiny", "level": "series", "scale": "standard", "sequence_length": 5}
    return SeriesTokens.model_validate(default | values)


@pytest.fixture
def squares(workshop: Workshop) -> Workshop:
    return workshop.add(ROWS.removesuffix("\r\n"), "s.csv", format="series", documents=None)


def test_clean_keeps_times_and_numbers(squares: Workshop) -> None:
    rows = squares.clean()
    assert [(row["time"], row["value"]) for row in rows][:2] == [("1949-00", 0.0), ("1949-01", 1.0)]
    assert [row["split"] for row in rows] == ["train"] * 12 + ["valid"] * 4 + ["test"] * 4
    assert pq.read_schema(squares.out).field("value").type == "double"


def test_a_series_is_not_split_by_hash(squares: Workshop) -> None:
    with pytest.raises(UnrollError, match="by: position"):
        squares.clean(splits={"by": "hash", "valid": 0.1, "test": 0.1})


@pytest.mark.parametrize("value", ["?0.2", "", "nan", "inf"])
def test_what_is_no_number(workshop: Workshop, value: str) -> None:
    workshop.add(f"time,value\n1,2\n2,{value}\n", "s.csv", format="series")
    with pytest.raises(UnrollError, match=r"s.csv: line 3: .* is no finite number"):
        workshop.clean()


@pytest.mark.parametrize(("row", "columns"), [("2", 1), ("2,3,4", 3)])
def test_a_row_that_lacks_a_column_or_has_one_more(workshop: Workshop, row: str, columns: int) -> None:
    workshop.add(f"time,value\n1,2\n{row}\n", "s.csv", format="series")
    with pytest.raises(UnrollError, match=f"s.csv: line 3: has {columns} columns, the first 2; correct the row"):
        workshop.clean()


def test_a_series_without_a_value(workshop: Workshop) -> None:
    workshop.add("time,value\n", "s.csv", format="series")
    with pytest.raises(UnrollError, match="nothing is left after cleaning"):
        workshop.clean()


@pytest.mark.parametrize(("kind", "low", "high"), [("none", 0, 121), ("range", 0, 1)])
def test_scales_are_measured_on_train(squares: Workshop, kind: str, low: float, high: float) -> None:
    squares.clean()
    tokenize(series(scale=kind), squares.out, squares.folder)
    partition(series(scale=kind), "tiny", 1, squares.folder, squares.folder)
    streams = load(squares.folder).streams
    values = streams["train"]["value"].tokens
    assert (float(values.min()), float(values.max())) == (low, high)
    scale = Scale.load(squares.folder / "scale.json")
    np.testing.assert_allclose(scale.invert(streams["test"]["value"].tokens), [n * n for n in range(16, 20)], rtol=1e-6)


def test_windows_are_those_of_text(squares: Workshop) -> None:
    squares.clean()
    tokenize(series(), squares.out, squares.folder)
    partition(series(), "tiny", 1, squares.folder, squares.folder)
    data = load(squares.folder)
    stream = data.streams["train"]["value"]
    assert stream.tokens.dtype == np.float32
    assert stream.predicted == 11
    assert abs(float(stream.tokens.mean())) < 1e-6
    for x, y in shuffled_batches(stream, 5, 2, 1, 0):
        np.testing.assert_array_equal(x[:, 1:], y[:, :-1])


def test_a_constant_has_no_scale(workshop: Workshop) -> None:
    workshop.add("1\n" * 20, "s.csv", format="series").clean()
    with pytest.raises(UnrollError, match="is 1 throughout its train split; set scale: none"):
        tokenize(series(), workshop.out, workshop.folder)


def test_words_of_numbers_and_numbers_of_words(squares: Workshop, tmp_path) -> None:
    squares.clean()
    with pytest.raises(UnrollError, match="set level: series"):
        tokenize(words(), squares.out, squares.folder)
    other = tmp_path / "other"
    other.mkdir()
    text = Workshop(other).add("a b\n" * 20)
    text.clean()
    with pytest.raises(UnrollError, match="set level: word, char or bpe"):
        tokenize(series(), text.out, text.folder)
