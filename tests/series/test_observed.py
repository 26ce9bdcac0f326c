"""The series that stage clean writes: its order and its gaps."""

import numpy as np
import pytest

from tests.text.conftest import Workshop
from unroll.errors import UnrollError
from unroll.series import observed

ROWS = '"Month","Passengers"\n' + "".join(f'"1949-{n:02}",{n * n}\n' for n in range(1, 11))


@pytest.fixture
def workshop(tmp_path) -> Workshop:
    return Workshop(tmp_path)


def test_values_in_time_with_the_sizes_of_the_splits(workshop: Workshop) -> None:
    workshop.add(ROWS, "s.csv", format="series", documents=None).clean()
    series = observed.read(workshop.out)
    np.testing.assert_array_equal(series.values, (np.arange(1, 11) ** 2)[:, None])
    assert series.columns == ("value",)
    assert series.missing == {}
    assert series.sizes == (6, 2, 2)
    assert series.gaps == 0


def test_vectors_and_missing_numbers(workshop: Workshop) -> None:
    rows = "time,level,flow\n" + "".join(f"{n},{n * n},{-n if n != 4 else 'NA'}\n" for n in range(1, 11))
    workshop.add(rows, "s.csv", format="series", documents=None).clean()
    series = observed.read(workshop.out)
    assert series.columns == ("level", "flow")
    assert series.sizes == (6, 2, 2)
    expected = np.column_stack([np.arange(1, 11) ** 2, -np.arange(1.0, 11)])
    expected[3, 1] = np.nan
    np.testing.assert_array_equal(series.values, expected)
    assert series.missing == {"flow": 1}


def test_files_that_are_not_a_series_or_not_split_by_position_are_refused(workshop: Workshop, tmp_path) -> None:
    for name, split in (("a.csv", "test"), ("b.csv", "valid"), ("c.csv", "train")):
        workshop.add(ROWS, name, format="series", documents=None, split=split)
    workshop.clean(splits={"by": "source", "valid": 0.0, "test": 0.0})
    with pytest.raises(UnrollError, match=r"do not follow each other; set splits.by: position"):
        observed.read(workshop.out)
    (tmp_path / "text").mkdir()
    text = Workshop(tmp_path / "text").add("a b\n" * 20)
    text.clean()
    with pytest.raises(UnrollError, match="does not hold a series"):
        observed.read(text.out)


@pytest.mark.parametrize(
    ("times", "count"),
    [
        (["1984-12-29", "1984-12-30", "1985-01-01", "1985-01-02"], 1),  # a leap year whose last day is missing
        (["1949-11", "1949-12", "1950-01", "1950-02"], 0),  # months have 30 or 31 days, and none is missing
        (["1", "2", "3", "5"], 1),
        (["0", "10", "20", "30"], 0),
        (["2020-01-03", "2020-01-02", "2020-01-01"], 0),
        (["1949"], 0),
        (["monday", "tuesday", "friday"], None),
        (["2020-01-01", "2020-13-01"], None),
    ],
)
def test_gaps_in_time_are_counted(times: list[str], count: int | None) -> None:
    assert observed.count_gaps(times) == count
