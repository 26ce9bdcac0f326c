"""A series of numbers in stages clean and tokenize."""

import math

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


@pytest.mark.parametrize("value", ["?0.2", "x", "inf"])
def test_a_value_that_is_not_a_number_is_refused(workshop: Workshop, value: str) -> None:
    workshop.add(f"time,value\n1,2\n2,{value}\n", "s.csv", format="series")
    with pytest.raises(UnrollError, match=r"s.csv: line 3: .* is not a finite number"):
        workshop.clean()


def test_missing_values_are_counted_and_stay_missing(workshop: Workshop, caplog: pytest.LogCaptureFixture) -> None:
    text = "time,value\n" + "".join(f"{n},{'' if n in (3, 7) else n * n}\n" for n in range(20))
    with caplog.at_level("INFO"):
        rows = workshop.add(text, "s.csv", format="series").clean()
    assert "corpora.tiny: 2 values are missing; they stay missing" in caplog.text
    assert [row["time"] for row in rows if math.isnan(row["value"])] == ["3", "7"]
    assert workshop.counts["changed"] == {"missing_values": 2}
    assert workshop.counts["dropped"] == {}
    assert workshop.counts["splits"]["train"]["documents"] == 12  # a missing value keeps its time


def test_a_table_of_vectors_has_a_number_for_each_column(workshop: Workshop) -> None:
    text = "time,level,flow\n" + "".join(f"{n},{n * n},{'NA' if n == 4 else -n}\n" for n in range(20))
    rows = workshop.add(text, "s.csv", format="series", documents=None).clean()
    schema = pq.read_schema(workshop.out)
    assert schema.names == ["document", "split", "time", "value:level", "value:flow"]
    assert [str(schema.field(name).type) for name in schema.names[3:]] == ["double", "double"]
    assert [(row["value:level"], row["value:flow"]) for row in rows[:3]] == [(0, 0), (1, -1), (4, -2)]
    assert math.isnan(rows[4]["value:flow"])
    assert [row["split"] for row in rows] == ["train"] * 12 + ["valid"] * 4 + ["test"] * 4
    assert workshop.counts["dialect"]["s.csv"]["value"] == ["level", "flow"]
    assert workshop.counts["changed"] == {"missing_values": 1}
    with pytest.raises(UnrollError, match="name it in the section series"):
        tokenize(words(), workshop.out, workshop.folder)


def test_files_with_other_columns_are_refused(workshop: Workshop) -> None:
    workshop.add("time,a\n1,2\n2,3\n", "a.csv", format="series").add("time,a,b\n3,2,1\n", "b.csv", format="series")
    with pytest.raises(UnrollError, match="its files have different fields"):
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
