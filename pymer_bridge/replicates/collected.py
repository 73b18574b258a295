"""What became of replicates so far, and the exception that says so where a run ends early."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pymer_bridge.data.frozen_arrays import plain_nan
from pymer_bridge.errors import BootstrapInterrupted, PymerError, RError, RTimeoutError, WorkerError


@dataclass(slots=True)
class Collected:
    """What became of each replicate."""

    values: NDArray[np.float64]
    iterations: NDArray[np.int32]
    converged: NDArray[np.bool_]
    singular: NDArray[np.bool_]
    done: NDArray[np.bool_]
    warnings: list[tuple[str, ...]]
    messages: list[tuple[str, ...]]
    errors: list[str | None]
    state: list[int] = field(default_factory=list)
    generator: tuple[str, ...] = ()
    versions: Mapping[str, str | None] = field(default_factory=dict)
    seconds: float = 0.0

    @classmethod
    def of(cls, n: int, n_values: int) -> Collected:
        """Make room for ``n`` replicates."""
        return cls(
            values=np.full((n, n_values), np.nan),
            iterations=np.arange(1, n + 1, dtype=np.int32),
            converged=np.zeros(n, np.bool_),
            singular=np.zeros(n, np.bool_),
            done=np.zeros(n, np.bool_),
            warnings=[()] * n,
            messages=[()] * n,
            errors=[None] * n,
        )

    def put(self, first: int, last: int, record: Mapping[str, Any]) -> None:
        """Put a finished chunk in its place."""
        n = last - first
        values = np.asarray(record["values"]).reshape((n, self.values.shape[1]))
        self.values[first:last] = plain_nan(values)
        self.converged[first:last] = np.asarray(record["converged"]) == 1
        self.singular[first:last] = np.asarray(record["singular"]) == 1
        self.done[first:last] = True
        self.warnings[first:last] = [tuple(said) for said in record["warnings"]]
        self.messages[first:last] = [tuple(said) for said in record["messages"]]
        self.errors[first:last] = list(record["errors"])

    def only(self, keep: NDArray[np.bool_]) -> Collected:
        """Return some of the replicates."""
        at = np.flatnonzero(keep)
        arrays = ("values", "iterations", "converged", "singular", "done")
        chosen: dict[str, Any] = {name: getattr(self, name)[at] for name in arrays}
        for name in ("warnings", "messages", "errors"):
            chosen[name] = [getattr(self, name)[i] for i in at]
        return replace(self, **chosen)


def said_by(error: BaseException, finished: str, after: str, *, theirs: bool) -> BaseException:
    """Return the exception that ends a run, and says how far it came.

    Parameters
    ----------
    error
        What ended it.
    finished, after
        How far it came; the first is empty where nothing was finished.
    theirs
        Is it of the user's own code?
    """
    if isinstance(error, RTimeoutError):
        return RTimeoutError(error.operation, error.seconds, after)
    if isinstance(error, KeyboardInterrupt):
        return BootstrapInterrupted(f"interrupted {after}")
    if theirs or isinstance(error, Warning) or not isinstance(error, Exception):
        return error
    if not isinstance(error, PymerError):
        return WorkerError(f"the run stopped {after}: {type(error).__name__}: {error}")
    if finished and not isinstance(error, RError):
        error.args = (f"{error} ({finished})",)
    return error
