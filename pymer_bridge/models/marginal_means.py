"""Marginal means that can be contrasted and tested further: their grid stays in R."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Final, Literal, overload

import numpy as np
from numpy.typing import NDArray

from pymer_bridge.errors import OptionError
from pymer_bridge.models.contrasting import (
    Compared,
    ContrastWeights,
    Interaction,
    Levels,
    draws,
    names_among,
)
from pymer_bridge.models.r_model import ask
from pymer_bridge.results.decode import tests as decode_tests
from pymer_bridge.results.in_r import InR
from pymer_bridge.results.means import JointTests, MarginalTable, MarginalTests
from pymer_bridge.session.calls import Handle
from pymer_bridge.spec import options
from pymer_bridge.spec.options import Adjust, ContrastFamily, Side, one_of

_NEED_DELTA: Final = ("noninferiority", "nonsuperiority", "equivalence")


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class MarginalMeans(InR, MarginalTable):
    """Marginal means, slopes or contrasts, which can be contrasted and tested further.

    Made by ``fit.emmeans()`` and ``fit.emtrends()``. Stored by :meth:`to_dict`, it reads back
    as a plain :class:`MarginalTable`, which has no object in R.
    """

    conf_level: float
    type: str
    _n_by: int
    _grid: Handle
    _adjust: str
    _facts: Mapping[str, bool]
    _stored: ClassVar[Any] = MarginalTable

    @overload
    def contrast(  # type: ignore[overload-overlap]
        self,
        method: ContrastFamily | ContrastWeights = "eff",
        adjust: Adjust | None = None,
        *,
        interaction: Interaction = False,
        by: str | Sequence[str] | None = None,
        simple: Literal["each"],
        ref: Levels | None = None,
        reverse: bool = False,
        seed: int | None = 1,
    ) -> tuple[MarginalMeans, ...]: ...

    @overload
    def contrast(
        self,
        method: ContrastFamily | ContrastWeights = "eff",
        adjust: Adjust | None = None,
        *,
        interaction: Interaction = False,
        by: str | Sequence[str] | None = None,
        simple: str | Sequence[str] | None = None,
        ref: Levels | None = None,
        reverse: bool = False,
        seed: int | None = 1,
    ) -> MarginalMeans: ...

    def contrast(
        self,
        method: ContrastFamily | ContrastWeights = "eff",
        adjust: Adjust | None = None,
        *,
        interaction: Interaction = False,
        by: str | Sequence[str] | None = None,
        simple: str | Sequence[str] | None = None,
        ref: Levels | None = None,
        reverse: bool = False,
        seed: int | None = 1,
    ) -> MarginalMeans | tuple[MarginalMeans, ...]:
        """Return contrasts of the rows.

        Parameters
        ----------
        method
            A family of contrasts by emmeans' name ("pairwise", "trt.vs.ctrl", "poly" ...; newer
            versions have "helmert" and "opoly", too), or weights by name, one weight per row
            (within each level of ``by``). A Series or a mapping has the levels of the rows for
            labels (several as a tuple); others weigh 0.
        adjust
            How tests and intervals are adjusted for their number: "tukey", "holm", "none" ...;
            emmeans' own choice for the family by default.
        interaction
            Contrasts of contrasts, a family for each predictor: True for ``method``, a family,
            several in the order of the predictors, or a mapping by predictor.
        by
            Predictors within whose levels contrasts are made; by default those of these means.
            An empty sequence is none.
        simple
            The predictor, or the predictors, whose levels are compared, within those of all
            others; "each" gives a result for every predictor in turn.
        ref
            For "dunnett" and "trt.vs.ctrl": the level of the control, or several whose mean it
            is. Levels of several predictors are a tuple.
        reverse
            Turn the differences round?
        seed
            For ``set.seed()`` in R where ``adjust="mvt"`` draws, which "consec" and "mean_chg"
            have by default; None to draw on.

        Returns
        -------
        MarginalMeans
            One row per contrast; a tuple of them for ``simple="each"``.

        Raises
        ------
        OptionError
            An argument is not accepted.
        RError
            This version of emmeans does not have the family.

        Notes
        -----
        R functions: ``emmeans::contrast`` and its ``summary(infer = TRUE)``, which draws intervals
        before p-values. The scale is that of the means, as in R: log and logit differences become
        ratios under ``type="response"``, others stay on the scale of the link. Bias is not adjusted
        of contrasts.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> cake = pb.load_dataset("cake")
        >>> fit = pb.lmer("angle ~ recipe + temp + (1 | recipe:replicate)", cake)
        >>> len(fit.emmeans("recipe").contrast("trt.vs.ctrl", ref="B").rows)
        2
        """
        if simple == "each" and "each" not in self.by:
            return tuple(
                self.contrast(
                    method,
                    adjust,
                    interaction=interaction,
                    by=by,
                    simple=(name,),
                    ref=ref,
                    reverse=reverse,
                    seed=seed,
                )
                for name in self.by
            )
        compared = Compared.of(self, self._panels(), by, simple)
        asked = compared.method(method, interaction, ref, reverse)
        chosen = None if adjust is None else one_of(adjust, Adjust, "adjust")
        kept = by is None and simple is None
        return self._contrasted(
            "contrast_means",
            **asked,
            by=None if kept else (compared.within or ("",)),
            adjust=chosen,
            seed=_seed(seed, draws(chosen, asked["method"], asked["interaction"])),
        )

    def _panels(self) -> tuple[str, ...]:
        return self.by[len(self.by) - self._n_by :]

    def _contrasted(self, operation: str, **arguments: Any) -> MarginalMeans:
        return ask(
            operation,
            lambda record: replace(
                marginal_means(record, self.conf_level, self.type), observations=self.observations
            ),
            grid=self._grid,
            conf_level=self.conf_level,
            **arguments,
        )

    def pairs(
        self,
        adjust: Adjust = "tukey",
        *,
        reverse: bool = False,
        simple: str | Sequence[str] | None = None,
        by: str | Sequence[str] | None = None,
        seed: int | None = 1,
    ) -> MarginalMeans:
        """Return all pairwise differences.

        Parameters
        ----------
        adjust
            How tests and intervals are adjusted for their number.
        reverse
            Later level less the earlier one?
        simple, by, seed
            As for :meth:`contrast`, which takes ``simple="each"`` as well.

        Returns
        -------
        MarginalMeans
            One row per pair.

        Raises
        ------
        OptionError
            An argument is not accepted.

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
        if simple == "each" and "each" not in self.by:
            raise OptionError('simple="each": write .contrast("pairwise", simple="each")')
        return self.contrast("pairwise", adjust, reverse=reverse, simple=simple, by=by, seed=seed)

    def test(
        self,
        null: float = 0.0,
        side: Side = "two-sided",
        delta: float = 0.0,
        adjust: Adjust | None = None,
        *,
        seed: int | None = 1,
    ) -> MarginalTests:
        """Test the rows against a value, to one side, or for equivalence.

        Parameters
        ----------
        null
            The value, on the scale of the linear predictor.
        side
            "two-sided", "left" ("<"), "right" (">"), "superiority" or "inferiority" (these, too);
            with a threshold ``delta`` "noninferiority", "nonsuperiority" or "equivalence".
        delta
            The threshold, on the scale of the linear predictor; as in R, above 0 a two-sided test
            is one of equivalence.
        adjust
            How tests are adjusted for their number; by default as these means are.
        seed
            As for :meth:`contrast`.

        Returns
        -------
        MarginalTests
            One row per mean, slope or contrast.

        Raises
        ------
        OptionError
            An argument is not accepted.

        Notes
        -----
        R function: ``emmeans::test``.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> cake = pb.load_dataset("cake")
        >>> fit = pb.lmer("angle ~ recipe + temp + (1 | recipe:replicate)", cake)
        >>> fit.emmeans("recipe").test(null=30, side=">")["A"].p_value < 0.05
        True
        """
        chosen: str = one_of(side, Side, "side")
        threshold = options.finite(delta, "delta", least=0.0)
        if chosen in _NEED_DELTA and threshold == 0.0:
            raise OptionError(f"side={chosen!r} needs a threshold: delta=, above 0")
        how = self._adjust if adjust is None else one_of(adjust, Adjust, "adjust")
        return ask(
            "test_means",
            lambda record: decode_tests.marginal_tests(record, self.observations),
            grid=self._grid,
            null=options.finite(null, "null"),
            side=chosen,
            delta=threshold,
            adjust=how,
            type="unlink" if self._facts.get("apart") else None,
            unadjusted=self._facts.get("unadjusted", False),
            seed=_seed(seed, how == "mvt"),
        )

    def joint_tests(self, by: str | Sequence[str] | None = None) -> JointTests:
        """Test each term that these means show: main effects and interactions.

        Parameters
        ----------
        by
            Predictors within whose levels the others are tested; none by default, as in R.

        Returns
        -------
        JointTests
            One row per term (within each level of ``by``).

        Raises
        ------
        OptionError
            ``by`` is not accepted.

        Notes
        -----
        R function: ``emmeans::joint_tests`` of the grid of these means.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> cake = pb.load_dataset("cake")
        >>> fit = pb.lmer("angle ~ recipe * temperature + (1 | recipe:replicate)", cake)
        >>> fit.emmeans(["recipe", "temperature"]).joint_tests()["temperature"].df1
        5.0
        """
        return ask(
            "joint_tests_of",
            lambda record: decode_tests.joint_tests(record, self.observations),
            grid=self._grid,
            by=None if by is None else names_among(by, self.by, "by"),
        )

    def effect_sizes(
        self,
        *,
        sigma: float | None = None,
        edf: float | None = None,
        method: ContrastFamily | ContrastWeights = "pairwise",
    ) -> MarginalMeans:
        """Return differences in units of a standard deviation (Cohen's d).

        Parameters
        ----------
        sigma
            The standard deviation. It must be given, as in R: with random effects it is a choice
            whether it is the residual one, or that of all variance together.
        edf
            The degrees of freedom with which ``sigma`` is estimated, which the intervals reflect;
            infinite where it is known.
        method
            As for :meth:`contrast`; "identity" where these are contrasts already.

        Returns
        -------
        MarginalMeans
            One row per difference; R does not test them.

        Raises
        ------
        OptionError
            An argument is not accepted, or not given.

        Notes
        -----
        R function: ``emmeans::eff_size``.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> cake = pb.load_dataset("cake")
        >>> fit = pb.lmer("angle ~ recipe + temp + (1 | recipe:replicate)", cake)
        >>> sizes = fit.emmeans("recipe").effect_sizes(sigma=fit.sigma, edf=42)
        >>> round(sizes["A - B"].estimate, 2)
        0.32
        """
        if sigma is None or edf is None:
            raise OptionError(
                "effect_sizes() needs sigma=, the standard deviation that differences are divided "
                "by, and edf=, its degrees of freedom. There is no default, as in R: for a linear "
                "model they are fit.sigma and its residual degrees of freedom; with random effects "
                "it is a choice which variances count"
            )
        spread = options.finite(sigma, "sigma", above=0.0)
        known = edf if edf == float("inf") else options.finite(edf, "edf", above=0.0)
        rows = Compared(self, self._panels())
        of = rows.weights(method) if isinstance(method, Mapping) else None
        weights: Any = of or one_of(method, ContrastFamily, "method")
        return self._contrasted("effect_sizes_of", sigma=spread, edf=float(known), method=weights)

    def _arrows(self, alpha: float, adjust: Adjust) -> tuple[NDArray[np.float64], ...]:
        estimates = np.array([row.estimate for row in self.rows], dtype=np.float64)
        return ask(
            "comparison_arrows",
            lambda record: decode_tests.arrows(record, estimates),
            noted=False,
            grid=self._grid,
            alpha=alpha,
            adjust=adjust,
            seed=_seed(1, adjust == "mvt"),
        )


def _seed(seed: object, drawn: bool) -> int | None:
    """Check a seed; None where nothing is drawn."""
    found = options.random_seed(seed)
    return found if drawn else None


def marginal_means(record: Mapping[str, Any], conf_level: float, kind: str) -> MarginalMeans:
    """Read what the R side of emmeans gave."""
    table = record["table"]
    parts = decode_tests.marginal_parts(table)
    return MarginalMeans(
        **parts,
        axis=decode_tests.means_axis(record.get("axis"), parts["what"]),
        conf_level=conf_level,
        type=kind,
        _n_by=int(table["n_by"][0]),
        _grid=record["grid"],
        _adjust=str(table["adjust"][0]),
        _facts=dict.fromkeys(table["facts"] or (), True),
    )
