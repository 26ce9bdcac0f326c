"""Arrow arrays of numbers and of strings, made without pandas, which `pyarrow.array` imports."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


def number_array(values: NDArray[Any]) -> pa.Array:
    """Return numbers (N,) as an Arrow array. A contiguous array is not copied."""
    values = np.ascontiguousarray(values)
    return pa.Array.from_buffers(pa.from_numpy_dtype(values.dtype), len(values), [None, pa.py_buffer(values)])


def string_array(values: Sequence[str]) -> pa.StringArray:
    """Return strings as an Arrow array. Their UTF-8 encoding must be shorter than 2 GiB in total."""
    encoded = [value.encode() for value in values]
    offsets = np.cumsum([0, *map(len, encoded)], dtype=np.int32)
    return pa.StringArray.from_buffers(len(values), pa.py_buffer(offsets), pa.py_buffer(b"".join(encoded)))
