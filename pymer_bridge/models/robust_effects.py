"""Fixed effects with robust standard errors, to be tested and reported: their model is in R."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from pymer_bridge.errors import OptionError, listed
from pymer_bridge.models.base import Fitted
from pymer_bridge.r_script.journal import journal
from pymer_bridge.results.decode import tests as decode_tests
from pymer_bridge.results.decode.record import RRecord
from pymer_bridge.results.fixed_effects import INTERCEPT, FixedEffects
from pymer_bridge.results.in_r import InR
from pymer_bridge.results.matrix import NamedMatrix
from pymer_bridge.results.tests import FTests
from pymer_bridge.spec import options
from pymer_bridge.spec.names import find_name

RobustWald = Literal["chi-sq", "Naive-F", "Naive-Fp", "HTA", "HTB", "HTZ", "EDF", "EDT"]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class RobustEffects(InR, FixedEffects[Any]):
    """The fixed effects of a model with robust standard errors; made by ``fit.robust()``.

    It goes where fixed effects go, such as :func:`pymer_bridge.plots.coefficients`, and into
    :func:`pymer_bridge.model_table`. Stored by :meth:`to_dict`, it reads back as plain
    :class:`FixedEffects`, which have no model behind them.

    Attributes
    ----------
    model
        The fitted model.
    kind
        "CR0" to "CR3", or "HC0" to "HC5".
    n_clusters
        How many clusters there are; None without.
    vcov
        The covariance matrix of the fixed effects.
    """

    model: Fitted = field(kw_only=True)
    kind: str = field(kw_only=True)
    n_clusters: int | None = field(kw_only=True)
    vcov: NamedMatrix = field(kw_only=True)
    _cluster: Any = field(kw_only=True)
    _stored: ClassVar[Any] = FixedEffects

    @property
    def _facts(self) -> dict[str, Any]:
        """What a script must know besides the arguments."""
        return {"grouped": self._cluster in getattr(self.model, "n_groups", ())}

    def wald_test(
        self, names: Sequence[str] | str | None = None, test: RobustWald = "HTZ"
    ) -> FTests:
        """Test that several coefficients are zero together, by the robust covariance.

        Parameters
        ----------
        names
            Coefficients, or terms for all of theirs; by default all but the intercept.
        test
            clubSandwich's name of the test; "HTZ" is what it advises for few clusters.

        Returns
        -------
        FTests
            One row, looked up by the names joined with ", ".

        Raises
        ------
        OptionError
            A name is neither a coefficient nor a term, or the covariance has no clusters.

        Notes
        -----
        R function: ``clubSandwich::Wald_test``, with a constraint for each coefficient [1]_.

        References
        ----------
        .. [1] Pustejovsky, J. E. and Tipton, E. (2018). Small-sample methods for cluster-robust
           variance estimation and hypothesis testing in fixed effects models. J. Bus. Econ. Stat.,
           36, 672-683.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> cake = pb.load_dataset("cake", package="lme4")
        >>> fit = pb.lmer("angle ~ recipe + temp + (1 | recipe:replicate)", cake)
        >>> robust = fit.robust()  # doctest: +SKIP
        >>> round(robust.wald_test("recipe")["recipe"].statistic, 2)  # doctest: +SKIP
        0.66
        """
        if self.n_clusters is None:
            raise OptionError(
                f"wald_test() needs clusters; kind={self.kind!r} has none: give robust(cluster=)"
            )
        known = self.model._ask("testable_names", tuple)
        if names is None:
            chosen = [row.term for row in self.rows if row.term != INTERCEPT]
        else:
            meant = [(name, find_name(name, known)) for name in options.names_of(names, "names")]
            unknown = [name for name, found in meant if found is None]
            if unknown:
                raise OptionError(
                    f"names has {listed(unknown)}, neither a coefficient nor a term; there are: "
                    f"{listed(known)}"
                )
            chosen = [found for _, found in meant if found is not None]
        if not chosen:
            raise OptionError("the model has no coefficient but the intercept; give names=")
        chosen_test = options.one_of(test, RobustWald, "test")
        positions: list[int] = []

        def read(record: RRecord) -> FTests:
            positions.extend(record["positions"].tolist())
            return decode_tests.f_tests(record, chosen_test)

        given = {"cluster": self._cluster, "kind": self.kind}
        asked = {**given, "names": tuple(chosen), "test": chosen_test}
        found = self.model._ask_anew("robust_wald", read, **asked)
        by = self._cluster
        if by is None or isinstance(by, str):  # others have a value for each row
            facts = {**asked, **self._facts, "positions": positions}
            journal.note("robust_wald", {"model": self.model._model, **facts}, found)
        return found

    def report(
        self,
        term: str | None = None,
        *,
        interval: bool = False,
        exponentiate: bool = False,
        labels: Mapping[str, str] | None = None,
    ) -> str:
        """Return one coefficient in a line, or the whole model in a paragraph, for a paper.

        Parameters
        ----------
        term, interval, exponentiate, labels
            As for ``fit.report()``.

        Returns
        -------
        str
            As ``fit.report()`` gives it, with these standard errors and tests.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
        >>> fit.robust("Subject").report("Days")  # doctest: +SKIP
        'b = 10.47, SE = 1.55, t(17.00) = 6.77, p < .001'
        """
        return self.model.report(
            term, interval=interval, exponentiate=exponentiate, labels=labels, effects=self
        )
