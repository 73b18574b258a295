"""Estimated marginal means that can be contrasted further."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from pymer_bridge.errors import OptionError
from pymer_bridge.r_script.journal import journal
from pymer_bridge.results.decode import tests as decode_tests
from pymer_bridge.results.means import MarginalTable
from pymer_bridge.session import conditions
from pymer_bridge.session.calls import Handle, Outcome
from pymer_bridge.session.r_session import session
from pymer_bridge.spec.options import Adjust, ContrastFamily, one_of


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class MarginalMeans(MarginalTable):
    """Marginal means, slopes or contrasts, with :meth:`pairs` and :meth:`contrast`.

    Made by ``fit.emmeans()`` and ``fit.emtrends()``. Stored by :meth:`to_dict`, it reads back
    as a plain :class:`MarginalTable`: what is stored has no R behind it.
    """

    conf_level: float
    type: str
    _grid: Handle

    def _plain(self) -> MarginalTable:
        return MarginalTable(**{f.name: getattr(self, f.name) for f in fields(MarginalTable)})

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-safe mapping that ``MarginalTable.from_dict`` reads back."""
        return self._plain().to_dict()

    @classmethod
    def from_dict(cls, mapping: dict[str, Any]) -> MarginalTable:  # type: ignore[override]
        """Read back what :meth:`to_dict` gave, as a plain table: it has no R behind it."""
        return MarginalTable.from_dict(mapping)

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        """Pickle as a plain table: in another process there is no R object behind it."""
        return MarginalTable, tuple(getattr(self, f.name) for f in fields(MarginalTable))

    def __eq__(self, other: object) -> bool:
        """Compare the tables, to the last bit."""
        theirs = other._plain() if isinstance(other, MarginalMeans) else other
        return self._plain() == theirs

    __hash__ = None  # type: ignore[assignment]

    def contrast(
        self,
        method: ContrastFamily | Mapping[str, Sequence[float]] = "eff",
        adjust: Adjust | None = None,
    ) -> MarginalMeans:
        """Return contrasts of the rows.

        Parameters
        ----------
        method
            A family of contrasts by emmeans' name ("pairwise", "trt.vs.ctrl", "poly" ...), or
            weights by name, one weight a row (within each level of ``by``).
        adjust
            How tests and intervals are adjusted for their number: "tukey", "holm", "none" ...;
            emmeans' own choice where it is not given.

        Returns
        -------
        MarginalMeans
            One row a contrast.

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
        weights: Any = method
        if isinstance(method, str):
            one_of(method, ContrastFamily, "method")
        else:
            weights = {name: [float(w) for w in given] for name, given in method.items()}
            if not weights:
                raise OptionError("method must name at least one contrast")
        if adjust is not None:
            one_of(adjust, Adjust, "adjust")
        outcome = session().call(
            "contrast_means",
            grid=self._grid,
            method=weights,
            adjust=adjust,
            conf_level=self.conf_level,
            type=self.type,
        )
        conditions.raise_warnings(outcome)
        found = marginal_means(outcome, self.conf_level, self.type)
        asked = {
            "method": weights,
            "adjust": adjust,
            "conf_level": self.conf_level,
            "type": self.type,
        }
        journal.note_further("contrast_means", self._grid, asked, found, outcome.value["grid"])
        return found

    def pairs(self, adjust: Adjust = "tukey") -> MarginalMeans:
        """Return all pairwise differences.

        Parameters
        ----------
        adjust
            How tests and intervals are adjusted for their number.

        Returns
        -------
        MarginalMeans
            One row a pair.

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


def marginal_means(outcome: Outcome, conf_level: float, kind: str) -> MarginalMeans:
    """Read what the R side of emmeans gave."""
    parts = decode_tests.marginal_parts(outcome.value["table"])
    grid = outcome.value["grid"]
    means = MarginalMeans(**parts, conf_level=conf_level, type=kind, _grid=grid)
    return conditions.with_conditions(means, outcome)
