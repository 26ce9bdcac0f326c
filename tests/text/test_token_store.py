"""Arrow arrays equal those of `pyarrow.array`, and pandas is not imported."""

import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest

from unroll.errors import UnrollError
from unroll.text import token_store
from unroll.text.token_store import number_array, string_array


@pytest.mark.parametrize("kind", ["int32", "int64", "float32", "float64"])
@pytest.mark.parametrize("step", [1, 2, -1])
def test_number_arrays_equal_those_of_pyarrow(kind, step):
    values = np.arange(7).astype(kind)[::step]
    assert number_array(values).equals(pa.array(values))
    assert len(number_array(values[:0])) == 0


def test_a_number_array_keeps_its_memory_alive():
    values = np.arange(5)
    column = number_array(values)
    del values
    assert column.to_pylist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("values", [[], [""], ["a", "", "zwölf", "日本", "\0", "a"]])
def test_string_arrays_equal_those_of_pyarrow(values):
    column = string_array(values)
    column.validate(full=True)
    assert column.equals(pa.array(values, pa.string()))


def test_pandas_is_not_imported():
    code = (
        "import sys, numpy as np\n"
        "from unroll.text import token_store\n"
        "token_store.string_array(['a']), token_store.list_array(np.arange(3, dtype=np.int32), [3])\n"
        "assert 'pandas' not in sys.modules"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_file_with_nulls_is_refused(tmp_path):
    """Stage tokenize writes no nulls, but a damaged file may contain them."""
    column = pa.array([[1, None, 2]], token_store.TOKEN_IDS)
    with pa.ipc.new_file(str(tmp_path / "train.arrow"), pa.schema([("text", token_store.TOKEN_IDS)])) as file:
        file.write_batch(pa.record_batch([column], names=["text"]))
    with pytest.raises(UnrollError, match=r"train\.arrow: unreadable \(.*nulls"):
        list(token_store.read_batches(tmp_path / "train.arrow", "text"))
