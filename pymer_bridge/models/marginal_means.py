"""Marginal means that can be contrasted further: what stands in R is kept beside the table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pymer_bridge.errors import OptionError, shown
from pymer_bridge.models.base import ask
from pymer_bridge.results.decode import tests as decode_tests
from pymer_bridge.results.means import MarginalTable
from pymer_bridge.session.calls import Handle
from pymer_bridge.spec import labels, options
from pymer_bridge.spec.options import Adjust, ContrastFamily, one_of


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class MarginalMeans(MarginalTable):
    """Marginal means, slopes or contrasts, with :meth:`pairs` and :meth:`contrast`.

    Made by ``fit.emmeans()`` and ``fit.emtrends()``. Stored by :meth:`to_dict`, it reads back
    as a plain :class:`MarginalTable`, which has no object in R.
    """

    conf_level: float
    type: str
    _n_by: int
    _grid: Handle

    def _plain(self) -> MarginalTable:
        return MarginalTable(**{f.name: getattr(self, f.name) for f in fields(MarginalTable)})

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-safe mapping that ``MarginalTable.from_dict`` reads back."""
        return self._plain().to_dict()

    @classmethod
    def from_dict(cls, mapping: Mapping[str, Any]) -> MarginalTable:  # type: ignore[override]
        """Read back what :meth:`to_dict` gave, as a plain table: it has no R behind it."""
        return MarginalTable.from_dict(mapping)

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        """Pickle as a plain table: in another process there is no R object behind it."""
        return MarginalTable, tuple(getattr(self, f.name) for f in fields(MarginalTable))

    def __eq__(self, other: object) -> bool:
        """Compare the tables, to the last bit."""
        theirs = other._plain() if isinstance(other, MarginalMeans) else other
        return self._plain() == theirs

    __hash__: ClassVar[None]  # type: ignore[assignment]
    __hash__ = None

    def contrast(
        self,
        method: ContrastFamily | Mapping[str, Sequence[float] | Mapping[Any, float]] = "eff",
        adjust: Adjust | None = None,
    ) -> MarginalMeans:
        """Return contrasts of the rows.

        Parameters
        ----------
        method
            A family of contrasts by emmeans' name ("pairwise", "trt.vs.ctrl", "poly" ...), or
            weights by name, one weight per row (within each level of ``by``). A Series or a
            mapping has the levels of the rows for labels (several as a tuple); others weigh 0.
        adjust
            How tests and intervals are adjusted for their number: "tukey", "holm", "none" ...;
            emmeans' own choice by default.

        Returns
        -------
        MarginalMeans
            One row per contrast.

        Raises
        ------
        OptionError
            An argument is not accepted.

        Notes
        -----
        R function: ``emmeans::contrast``.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> cake = pb.load_dataset("cake")
        >>> fit = pb.lmer("angle ~ recipe + temp + (1 | recipe:replicate)", cake)
        >>> len(fit.emmeans("recipe").contrast("trt.vs.ctrl").rows)
        2
        """
        weights: Any
        if not isinstance(method, Mapping):
            weights = one_of(method, ContrastFamily, "method")
        else:
            weights = {str(name): self._weights(name, given) for name, given in method.items()}
            if not weights:
                raise OptionError("method must name at least one contrast")
        if adjust is not None:
            adjust = one_of(adjust, Adjust, "adjust")
        return ask(
            "contrast_means",
            lambda record: replace(
                marginal_means(record, self.conf_level, self.type), observations=self.observations
            ),
            grid=self._grid,
            method=weights,
            adjust=adjust,
            conf_level=self.conf_level,
            type=self.type,
        )

    def _weights(self, name: str, given: Any) -> list[float]:
        """Return one weight for each row within a level of ``by``."""
        within = len(self.by) - self._n_by
        first = list(self.rows[0].levels.values())[within:]
        levels = [list(row.levels.values()) for row in self.rows]
        mine = [tuple(row[:within]) for row in levels if row[within:] == first]
        table = labels.labelled(given)
        if isinstance(table, pd.Series) and set(table.index.names) == set(self.by[:within]):
            order: Any = list(self.by[:within])
            given = table.reorder_levels(order) if within > 1 else table
        rows = [row[0] if within == 1 else row for row in mine]
        what = f"method[{shown(name)}]"
        put = labels.aligned(given, rows, what, "the rows", rest=0.0)
        weights = options.array_of(put, f"{what} must be one number for each row")
        if weights.shape != (len(rows),):
            raise OptionError(f"{what} has {len(weights)} weights, and there are {len(rows)} rows")
        return [float(weight) for weight in weights]

    def pairs(self, adjust: Adjust = "tukey") -> MarginalMeans:
        """Return all pairwise differences.

        Parameters
        ----------
        adjust
            How tests and intervals are adjusted for their number.

        Returns
        -------
        MarginalMeans
            One row per pair.

        Raises
        ------
        OptionError
            ``adjust`` is not accepted.

        Notes
        -----
        R function: ``emmeans::contrast(method = "pairwise")``, which ``pairs`` calls.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> cake = pb.load_dataset("cake")
        >>> fit = pb.lmer("angle ~ recipe + temp + (1 | recipe:replicate)", cake)
        >>> len(fit.emmeans("recipe").pairs(adjust="holm").rows)
        3
        """
        return self.contrast("pairwise", adjust)

    def _panels(self) -> tuple[str, ...]:
        return self.by[len(self.by) - self._n_by :]

    def _arrows(self, alpha: float, adjust: Adjust) -> tuple[NDArray[np.float64], ...]:
        estimates = np.array([row.estimate for row in self.rows], dtype=np.float64)
        return ask(
            "comparison_arrows",
            lambda record: decode_tests.arrows(record, estimates),
            noted=False,
            grid=self._grid,
            type=self.type,
            alpha=alpha,
            adjust=adjust,
        )


def marginal_means(record: Mapping[str, Any], conf_level: float, kind: str) -> MarginalMeans:
    """Read what the R side of emmeans gave."""
    parts = decode_tests.marginal_parts(record["table"])
    n_by = int(record["table"]["n_by"][0])
    return MarginalMeans(
        **parts, conf_level=conf_level, type=kind, _n_by=n_by, _grid=record["grid"]
    )
