"""A series of numbers in stages clean and tokenize."""

import pyarrow.parquet as pq
import pytest

from tests.text.conftest import Workshop, words
from unroll.errors import UnrollError
from unroll.text.tokenize import tokenize

ROWS = '"Month","Passengers"\r\n' + "".join(f'"1949-{n:02}",{n * n}\r\n' for n in range(20))


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
def test_a_value_that_is_not_a_number_is_refused(workshop: Workshop, value: str) -> None:
    workshop.add(f"time,value\n1,2\n2,{value}\n", "s.csv", format="series")
    with pytest.raises(UnrollError, match=r"s.csv: line 3: .* is not a finite number"):
        workshop.clean()


@pytest.mark.parametrize(("row", "columns"), [("2", 1), ("2,3,4", 3)])
def test_a_row_with_another_number_of_columns_is_refused(workshop: Workshop, row: str, columns: int) -> None:
    workshop.add(f"time,value\n1,2\n{row}\n", "s.csv", format="series")
    message = f"s.csv: line 3: has {columns} columns?, the first row has 2; correct the row"
    with pytest.raises(UnrollError, match=message):
        workshop.clean()


def test_a_series_without_values_is_refused(workshop: Workshop) -> None:
    workshop.add("time,value\n", "s.csv", format="series")
    with pytest.raises(UnrollError, match="nothing is left after cleaning"):
        workshop.clean()


def test_a_series_is_not_tokenized(squares: Workshop) -> None:
    squares.clean()
    with pytest.raises(UnrollError, match="name it in the section series"):
        tokenize(words(), squares.out, squares.folder)
