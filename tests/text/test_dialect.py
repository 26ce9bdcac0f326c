"""The dialect of a series: what is found and said, what is refused with both readings, and what params choose."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.text.conftest import CORPUS, Workshop
from unroll.errors import UnrollError
from unroll.params.cleaning import AUTO
from unroll.params.corpora import PathCorpus
from unroll.text.clean import clean
from unroll.text.series import numbers, times
from unroll.text.series.observations import describe, read_observations


def read(text: str, **chosen: Any) -> list[tuple[str, float | None]]:
    """The times and values of a series with one column."""
    return [(time, value) for time, (value,) in read_vectors(text, **chosen)]


def read_vectors(text: str, **chosen: Any) -> list[tuple[str, tuple[float | None, ...]]]:
    lines = enumerate(text.split("\n"), 1)
    return [(row.time, row.values) for row in read_observations(lines, AUTO | chosen, "s.csv")]


def said(text: str, **chosen: Any) -> dict[str, Any]:
    return describe(enumerate(text.split("\n"), 1), AUTO | chosen, "s.csv")


DATES = ("2020-01-01", "2020-01-02", "2020-01-03")
SPELLED = [
    (";", ("104,78", "105,74", "99,1"), (104.78, 105.74, 99.1)),  # fault F1: the value was 78
    (";", ("1.104,5", "1.106", "1.107,25"), (1104.5, 1106, 1107.25)),
    (",", ('"1,104.5"', '"1,106"', '"1,107"'), (1104.5, 1106, 1107)),
    ("\t", ("1 104,5", "1 106", "7"), (1104.5, 1106, 7)),
    (";", ("1\u00a0104,5", "1\u202f106", "7"), (1104.5, 1106, 7)),
    ("|", ("1'104.5", "2'106", "7"), (1104.5, 2106, 7)),
    (";", ("1\u2019104.5", "2\u2019106", "7"), (1104.5, 2106, 7)),
    (",", ("1_163", "2_000", "7"), (1163, 2000, 7)),  # fault F4: a traceback of pyarrow
    (",", ('"12,34,567"', "2", "3"), (1234567, 2, 3)),
    (",", ("٣٤", "٣٥", "٣٫٥"), (34, 35, 3.5)),
    (",", ("\uff11\uff12", "\uff11\uff0e\uff15", "\uff13"), (12, 1.5, 3)),
    (",", ("\u22125", "-6", "+7"), (-5, -6, 7)),
    (" ", ("104,78", "105,74", "99,1"), (104.78, 105.74, 99.1)),
    (", ", ("1e3", ".5", "2."), (1000, 0.5, 2)),
]


@pytest.mark.parametrize(("delimiter", "texts", "values"), SPELLED)
def test_numbers_of_many_countries(delimiter: str, texts: tuple[str, ...], values: tuple[float, ...]) -> None:
    rows = "\n".join(f"{date}{delimiter}{text}" for date, text in zip(DATES, texts, strict=True))
    assert read(rows) == list(zip(DATES, values, strict=True))
    assert read(f"time{delimiter}value\n{rows}") == list(zip(DATES, values, strict=True))


TIMES = [
    (("2020-03-01", "2020-03-02"), None, "ISO dates"),
    (("2020-03", "2020-04"), None, "months"),
    (("2020-Q1", "2020-Q2"), None, "quarters"),
    (("20200301", "20200302"), ("2020-03-01", "2020-03-02"), "dates such as 20201231"),
    (("31.12.2020", "01.01.2021"), ("2020-12-31", "2021-01-01"), "day-first"),
    (("12/31/2020", "1/1/2021"), ("2020-12-31", "2021-01-01"), "month-first"),
    (("2020/12/31", "2021/01/01"), ("2020-12-31", "2021-01-01"), "year-first"),
    (("31 Dec 2020", "1 Jan 2021"), ("2020-12-31", "2021-01-01"), "with English month names"),
    (("31.12.2020 23:00", "01.01.2021 00:30"), ("2020-12-31T23:00:00", "2021-01-01T00:30:00"), "day-first"),
    (("2020-01-01T00:00:00Z", "2020-01-01T02:00:00+01:00"), None, "ISO dates with an offset"),
    (("0.5", "0.75"), None, "numbers"),
    (("١", "٢"), ("1", "2"), "numbers"),
    (("monday", "tuesday"), None, "neither dates nor numbers"),
]


@pytest.mark.parametrize(("texts", "normal", "kind"), TIMES)
def test_times(texts: tuple[str, str], normal: tuple[str, str] | None, kind: str) -> None:
    rows = f"{texts[0]};5\n{texts[1]};6"
    assert read(rows) == list(zip(normal or texts, (5, 6), strict=True))
    assert said(rows)["times"] == kind


@pytest.mark.parametrize("texts", [texts for texts, _, kind in TIMES if kind != "neither dates nor numbers"])
def test_descending_times_are_reversed_and_that_is_said(texts: tuple[str, str]) -> None:
    """Fault F3: forecasts ran backwards in time."""
    rows, other = f"{texts[1]};6\n{texts[0]};5", f"{texts[0]};5\n{texts[1]};6"
    assert read(rows) == read(other)
    assert said(rows)["order"] == "descending, now reversed"
    assert said(other)["order"] == "ascending"


REFUSED = [
    # Fault F2: an unquoted separator of thousands. The value was 106.
    ("2020-01-01,1,104\n2020-01-02,1,106", r"line 1: 1,104 is 2 columns, or one number .* thousands; quote the number"),
    ("2020-01-01,999\n2020-01-02,1,106", r"line 2: has 3 columns, the first row has 2, so 1,106 is two columns or one"),
    ("2020-01-01;1.234\n2020-01-02;2.345", r"line 1: is the value 1.234 .* or the value 1234 .* decimal: point"),
    ('2020-01-01,"1,234"\n2020-01-02,"2,345"', r"line 1: is the value 1.234 .* or the value 1234 "),
    ("104,78\n105,74", r"line 1: is the value 78 at the time '104' .* or the value 104.78"),
    ("1 234\n2 345", r"line 1: is the value 234 at the time '1' .* or the value 1234"),
    ("01/02/2020,5\n01/03/2020,6", r"line 1: '01/02/2020' is 2020-02-01 \(day-first\) or 2020-01-02 \(month-first\)"),
    ("31.12.20;5\n01.01.21;6", r"line 1: the year of '31.12.20' has two digits"),
    ("1,2,3\n2,3,4", r"line 1: has 2 columns beside the time \(2, 3\) and no header; .*value: \[2, 3\]"),  # fault F6
    ("day,place,flow\n1,north,3\n2,north,4", r"line 2: 'north' in column place is not a number; .*value: \[flow\]"),
    ("time,flow,flow\n1,2,3\n2,3,4", r"two columns of values have the name 'flow'; rename one of them"),
    ("time,level,flow\n1,2,3\n2,3,x", r"line 3: 'x' is not a finite number"),
    ("1;5\n3;6\n2;7", r"line 3: the time 2 is before 3 of line 2, while the rows before ascend; sort .*order: sort"),
    ("level,flow\n3,1\n2,2\n5,9", r"line 4: the time 5 .* order: sort}, or set time: none if they are no times"),
    ("3;5\n1;6\n2;7", r"line 3: the time 2 is after 1 of line 2, while the rows before descend"),
    ("2020-01-01,5\n" * 60, r"line 2: has the time 2020-01-01 of line 1; keep one row for each time"),  # fault F5
    ("2020-01-01,?\n2020-01-02,5", r"line 1: '\?' is not a finite number; .* or write NA for a missing value"),
    ("1;1.5\n2;1,5\n3;2,5", r"line 1: '1.5' is not a finite number like the others \(decimal comma\)"),
    ("t;x\n1;5\n2;1e999", r"line 3: '1e999' is not a finite number"),
    ("time;value\n1;2\n2", r"line 3: has 1 column, the first row has 2; correct the row"),
    ('1,2\n"2"x,3', r"line 2: is not a row of CSV"),
]


@pytest.mark.parametrize(("text", "words"), REFUSED)
def test_what_has_two_readings_or_none_is_refused_with_its_line(text: str, words: str) -> None:
    with pytest.raises(UnrollError, match=rf"s\.csv: {words}"):
        read(text)


CHOSEN: list[tuple[str, dict[str, Any], list[tuple[str, float]]]] = [
    ("2020-01-01;1.234\n2020-01-02;2.345", {"decimal": "comma"}, [("2020-01-01", 1234), ("2020-01-02", 2345)]),
    ("2020-01-01;1.234\n2020-01-02;2.345", {"decimal": "point"}, [("2020-01-01", 1.234), ("2020-01-02", 2.345)]),
    ("104,78\n105,74", {"delimiter": "none"}, [("1", 104.78), ("2", 105.74)]),
    ("104,78\n105,74", {"delimiter": "comma"}, [("104", 78), ("105", 74)]),
    ("01/02/2020,5\n01/03/2020,6", {"dates": "day-first"}, [("2020-02-01", 5), ("2020-03-01", 6)]),
    ("01/02/2020,5\n01/03/2020,6", {"dates": "month-first"}, [("2020-01-02", 5), ("2020-01-03", 6)]),
    ("time,level,flow\n1,2,3\n2,3,4", {"value": "level"}, [("1", 2), ("2", 3)]),
    ("time,level,flow\n1,2,3\n2,3,4", {"value": 3}, [("1", 3), ("2", 4)]),
    ("level,time\n7,1\n8,2", {"value": "level", "time": "time"}, [("1", 7), ("2", 8)]),
    ("time,level\n3,7\n1,8", {"value": "level", "time": "none"}, [("1", 7), ("2", 8)]),
    ("1;5\n3;6\n2;7", {"order": "sort"}, [("1", 5), ("2", 7), ("3", 6)]),
    ("1;5\n3;6\n2;7", {"order": "keep"}, [("1", 5), ("3", 6), ("2", 7)]),
    ("1;5\n1;6", {"order": "keep"}, [("1", 5), ("1", 6)]),
    ("2019;2020\n1;5\n2;6", {"header": True}, [("1", 5), ("2", 6)]),
]


@pytest.mark.parametrize(("text", "chosen", "rows"), CHOSEN)
def test_params_choose_a_reading(text: str, chosen: dict[str, Any], rows: list[tuple[str, float]]) -> None:
    assert read(text, **chosen) == rows


VECTORS: list[tuple[str, dict[str, Any], list[tuple[str, tuple[float | None, ...]]]]] = [
    ("time,level,flow\n1,2,3\n2,3,4", {}, [("1", (2, 3)), ("2", (3, 4))]),
    ("time,level,flow\n1,2,3\n2,3,4", {"value": ["flow", "level"]}, [("1", (3, 2)), ("2", (4, 3))]),
    ("time,level,flow\n1,2,3\n2,3,4", {"value": ["flow"]}, [("1", (3,)), ("2", (4,))]),
    ("1,2,3\n2,3,4", {"value": [2, 3]}, [("1", (2, 3)), ("2", (3, 4))]),
    ("level,flow\n2,3\n1,4", {"time": "none"}, [("1", (2, 3)), ("2", (1, 4))]),
    ("time,a,b,\n1,2,3,\n2,3,4,", {}, [("1", (2, 3)), ("2", (3, 4))]),  # a comma ends each line
    (",a,b\n1,2,3\n2,3,4", {}, [("1", (2, 3)), ("2", (3, 4))]),  # as pandas writes an index
    ("day;a;b\n14.01.2020;1.000,5;2\n13.01.2020;3;4,25", {}, [("2020-01-13", (3, 4.25)), ("2020-01-14", (1000.5, 2))]),
    ("day,a,b\n1,,3\n2,NA,4\n3,5,nan", {}, [("1", (None, 3)), ("2", (None, 4)), ("3", (5, None))]),
]


@pytest.mark.parametrize(("text", "chosen", "rows"), VECTORS)
def test_several_columns_are_a_vector_at_each_time(
    text: str, chosen: dict[str, Any], rows: list[tuple[str, tuple[float | None, ...]]]
) -> None:
    assert read_vectors(text, **chosen) == rows


def test_the_columns_of_vectors_are_said() -> None:
    text = "time,level,place,flow\n1,2,north,3\n2,3,south,4"
    facts = said(text, value=["level", "flow"])
    assert (facts["value"], facts["ignored_columns"]) == (["level", "flow"], ["place"])
    assert said(text, value=["flow"])["value"] == "flow"


@pytest.mark.parametrize("value", [["level", "level"], ["level", 2]])
def test_a_column_is_named_once(value: list[str | int]) -> None:
    with pytest.raises(UnrollError, match="value of format names a column twice"):
        read_vectors("time,level\n1,2\n2,3", value=value)


@pytest.mark.parametrize("text", ["", "NA", "na", "N/A", "#N/A", "<NA>", "NaN", "nan", "null", "NULL", "None", "."])
def test_missing_values_are_none(text: str) -> None:
    assert read(f"time,x\n1,{text}\n2,5\n") == [("1", None), ("2", 5)]
    assert read(f"1;{text}\n2;5,5\n") == [("1", None), ("2", 5.5)]
    if text:
        assert read(f"{text}\n5\n6\n") == [("1", None), ("2", 5), ("3", 6)]


@pytest.mark.parametrize("text", ["\n\ntime,x\n1,5\n\n2,6\n", "sep=,\n1,5\n2,6", "1,5\n2,6\n,\n", "x,y\n1,5\n2,6"])
def test_blank_lines_and_lines_of_programs_are_no_rows(text: str) -> None:
    assert read(text) == [("1", 5), ("2", 6)]


def test_a_number_in_the_header_is_a_name() -> None:
    assert read("year,2020\n1,5\n2,6") == [("1", 5), ("2", 6)]
    assert said("year,2020\n1,5\n2,6")["value"] == "2020"


def test_the_dialect_is_said_with_ignored_columns(workshop: Workshop, caplog: pytest.LogCaptureFixture) -> None:
    rows = "".join(f"{n:02}.01.2020;{n},5;north\n" for n in range(20, 0, -1))
    workshop.add("\ufeffday;level;place\r\n" + rows.replace("\n", "\r\n"), "s.csv", format="series")
    path = CORPUS | {"source": "path", "path": "s.csv", "sha256": "", "unknown_word": "none"}
    params = PathCorpus.model_validate(path | {"format": AUTO | {"value": "level"}})
    with caplog.at_level("INFO"):
        counts = clean(params, workshop.raw, workshop.out)
    expected = {"delimiter": "semicolon", "decimal": "comma", "thousands": "none", "header": True, "value": "level"}
    expected |= {"time": "day", "times": "day-first", "ignored_columns": ["place"], "order": "descending, now reversed"}
    assert counts["dialect"] == {"s.csv": expected}
    assert "delimiter semicolon, decimal comma" in caplog.text
    assert "without the columns place" in caplog.text


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("last", ["", "\n"])
def test_ends_of_lines_and_a_byte_order_mark_change_nothing(workshop: Workshop, end: str, mark: str, last: str) -> None:
    text = mark + "t,x\n" + "\n".join(f"{n},{n}.5" for n in range(20)) + last
    rows = workshop.add(text.replace("\n", end), "s.csv", format="series").clean()
    assert [(row["time"], row["value"]) for row in rows] == [(str(n), n + 0.5) for n in range(20)]


@given(
    st.lists(st.floats(-1e9, 1e9), min_size=3, max_size=8),
    st.sampled_from([f for f in numbers.FORMATS if "arabic" not in (f.decimal, f.thousands)]),
)
@settings(deadline=None)
def test_a_formatted_number_is_read_as_itself(values: list[float], format: numbers.NumberFormat) -> None:
    for value in values:
        text = f"{value:,.4f}" if format.thousands != "none" else f"{value:.4f}"
        marks = {",": numbers.GROUPS[format.thousands], ".": numbers.POINTS[format.decimal]}
        spelled = "".join(marks.get(character, character) for character in text)
        assert format.parse(spelled) == float(f"{value:.4f}")


def test_equal_times_are_no_regular_steps() -> None:
    assert times.count_steps(["2020-01-31", "2020-02-29", "2020-03-31"]) == {1: 2}  # the ends of months
    assert times.count_steps(["2020-01-15", "2020-02-15", "2020-04-15"]) == {1: 1, 2: 1}
    assert times.count_steps(["2020-01-01"] * 60) == {0: 59}
    assert times.count_steps(["a", "b"]) is None


def test_messages_about_many_or_long_columns_are_short() -> None:
    for text in ("1" + ",2" * 5000, "t," + "x" * 5000 + ",y\n1,a,3", "1," + "9" * 5000 + ",123\n2,3"):
        with pytest.raises(UnrollError) as caught:
            read(text)
        assert len(str(caught.value)) < 600
