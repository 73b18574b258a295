"""Arrays that nobody can change, and arrays as they are stored.

In a file of several members an array stands beside the JSON, which holds ``{"array": its name}``.
Where the JSON is all there is, it holds the array itself, as numbers or as its bytes.
"""

from __future__ import annotations

import base64
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pymer_bridge.data.exact import same

Arrays = dict[str, NDArray[Any]]
"""Arrays that stand beside the JSON, by their names."""

DTYPES: Final = frozenset(
    "float64 float32 float16 bool int8 int16 int32 int64 uint8 uint16 uint32 uint64".split()
)
"""The dtypes of arrays that a file may hold."""


def frozen_array(values: Any) -> Any:
    """Return the array on memory that cannot be made writeable again."""
    fixed = np.ascontiguousarray(values)
    return np.frombuffer(fixed.tobytes(), dtype=fixed.dtype).reshape(fixed.shape)


def plain_nan(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return floats from R with a plain NaN wherever there is one: R's NA has bits of its own."""
    # The least number is NaN if any is.
    if values.size and np.isnan(np.min(values)):
        return np.where(np.isnan(values), np.nan, values)
    return values


def frozen_floats(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return floats from R with a plain NaN, on memory that cannot be made writeable again."""
    frozen: NDArray[np.float64] = frozen_array(plain_nan(values))
    return frozen


def from_numbers(flat: tuple[Any, ...], dtype: str, shape: Any) -> Any:
    """Return the array whose values stand in the JSON, row by row.

    Raises
    ------
    ValueError
        These are not such values.
    """
    kind: np.dtype[Any] = np.dtype(dtype)
    if kind.kind != "U" and kind.str not in map(_native, DTYPES):
        raise ValueError(f"an array of {dtype}")
    # Texts are as wide as they are, not as wide as the JSON says.
    values = np.array(flat, dtype="U" if kind.kind == "U" else kind)
    plain = {type(value) for value in flat} <= {int, float} if kind.kind == "f" else None
    if not (same(tuple(values.tolist()), flat) if plain is None else plain):
        raise ValueError(f"an array of {dtype} that holds others")
    return frozen_array(values.reshape(shape))


def _native(dtype: str) -> str:
    return np.dtype(dtype).str


def inline(values: NDArray[Any]) -> dict[str, Any]:
    """Return an array as JSON that can stand in a text."""
    bits = base64.b64encode(np.ascontiguousarray(values).tobytes()).decode()
    return {"dtype": values.dtype.name, "shape": list(values.shape), "base64": bits}


def from_inline(record: dict[str, Any]) -> NDArray[Any]:
    """Return the array that stands in a text as :func:`inline` gives it.

    Raises
    ------
    ValueError
        It is none.
    """
    if record["dtype"] not in DTYPES:
        raise ValueError(f"an array of {record['dtype']}")
    values = np.frombuffer(base64.b64decode(record["base64"]), dtype=record["dtype"])
    return values.reshape(record["shape"])
