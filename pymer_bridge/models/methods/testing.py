"""Tests of one fitted model: methods of a model class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, overload

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pymer_bridge.errors import OptionError, listed, shown
from pymer_bridge.models.base import Fitted
from pymer_bridge.results import tests
from pymer_bridge.results.decode import tests as decode_tests
from pymer_bridge.session.r_session import session
from pymer_bridge.spec import labels, options
from pymer_bridge.spec.names import find_name

Weights = Mapping[str, float] | Sequence[float]
Contrasts = (
    Mapping[str, Weights | float]
    | Sequence[Weights]
    | Sequence[float]
    | NDArray[Any]
    | pd.DataFrame
)


def term_weights(terms: Sequence[str], weights: Weights, what: str) -> list[float]:
    """Put the weights of one contrast in the order of the fixed effects.

    Raises
    ------
    OptionError
        A term that is not in the model, or not one weight per term.
    """
    weights = labels.aligned(weights, terms, what, "the fixed effects", rest=0.0)
    given = options.array_of(weights, f"{what} must be one number for each term")
    if given.shape != (len(terms),):
        sizes = " by ".join(map(str, given.shape)) or "no"
        raise OptionError(f"{what} has {sizes} weights, but the model has {len(terms)} terms")
    return [float(weight) for weight in given]


def labels_of(model: Fitted, given: str | Sequence[str], argument: str) -> tuple[str, ...]:
    """Return R's labels of the terms that an argument names.

    Raises
    ------
    OptionError
        One is not a term of the model.
    """
    known = model._ask("term_labels", tuple)
    meant = [(name, find_name(name, known)) for name in options.names_of(given, argument)]
    for name, label in meant:
        if label is None:
            raise OptionError(
                f"{argument}={shown(name)} is not a term of the model; its terms are: "
                f"{', '.join(map(repr, known)) or 'none'}"
            )
    return tuple(str(label) for _, label in meant)


def _named_rows(contrasts: Any, terms: Sequence[str]) -> tuple[list[str], list[Any]]:
    """Return a name and weights for each row of the contrasts.

    Raises
    ------
    OptionError
        There are none, or a mapping names terms instead of rows.
    """
    table = labels.labelled(contrasts)
    rows: list[Any]
    if isinstance(table, pd.DataFrame):
        rows = [row for _, row in table.iterrows()]
        counted = table.index.equals(pd.RangeIndex(len(table)))
        names = [str(i + 1) if counted else str(label) for i, label in enumerate(table.index)]
        if set(names) <= set(terms) and not set(map(str, table.columns)) <= set(terms):
            raise OptionError("contrasts has terms as its rows: give .T, with a row a contrast")
    elif isinstance(contrasts, Mapping):
        names, rows = list(map(str, contrasts)), list(contrasts.values())
        if any(isinstance(row, int | float | str) for row in rows):
            raise OptionError('contrasts as a mapping name each row, as in {"a week": {"Days": 7}}')
    elif table is not None:
        names, rows = ["1"], [contrasts]
    else:
        given = list(np.atleast_1d(contrasts) if isinstance(contrasts, np.ndarray) else contrasts)
        alone = bool(given) and all(isinstance(item, int | float | np.number) for item in given)
        rows = [given] if alone else given
        names = [str(i + 1) for i in range(len(rows))]
    if len(set(names)) < len(names):
        raise OptionError(f"contrasts name a row twice: {listed(names)}")
    if not rows:
        raise OptionError("contrasts must have at least one row")
    return names, rows


def hypotheses(
    model: Fitted, contrasts: Contrasts, rhs: float | Sequence[float] | Mapping[str, float]
) -> dict[str, Any]:
    """Return linear hypotheses on the fixed effects, as R takes them.

    Parameters
    ----------
    model
        The model.
    contrasts, rhs
        As for :meth:`Testing.contest`.

    Raises
    ------
    OptionError
        A term is not in the model, or sizes do not match.
    """
    terms = model._terms()
    names, rows = _named_rows(contrasts, terms)
    weights = [
        weight
        for name, row in zip(names, rows, strict=True)
        for weight in term_weights(terms, row, f"contrast {name!r}")
    ]
    rhs = labels.aligned(rhs, names, "rhs", "the contrasts")
    values = [float(rhs)] * len(rows) if isinstance(rhs, int | float) else list(map(float, rhs))
    if len(values) != len(rows):
        raise OptionError(f"rhs has {len(values)} values, and there are {len(rows)} contrasts")
    return {"contrasts": tuple(weights), "names": tuple(names), "rhs": tuple(values)}


def said(asked: Mapping[str, Any], terms: Sequence[str]) -> tuple[str, ...]:
    """Return hypotheses in words: "a week: 7 Days = 0"."""
    weights = np.reshape(asked["contrasts"], (-1, len(terms)))
    lines = []
    for name, row, value in zip(asked["names"], weights, asked["rhs"], strict=True):
        parts = [
            f"{'-' if weight < 0 else '+'} {'' if abs(weight) == 1 else f'{abs(weight):g} '}{term}"
            for weight, term in zip(row, terms, strict=True)
            if weight
        ]
        sum_ = " ".join(parts or ["0"]).removeprefix("+ ")
        sum_ = f"-{sum_[2:]}" if sum_.startswith("- ") else sum_
        lines.append(f"{name}: {sum_} = {value:g}")
    return tuple(lines)


def _alpha(given: float, argument: str) -> float:
    if not 0.0 <= given <= 1.0:
        raise OptionError(f"{argument}={shown(given)} must lie between 0 and 1, as in 0.05")
    return float(given)


class Testing(Fitted):
    """Tests of a linear mixed model."""

    __slots__ = ()

    def anova(
        self,
        type: options.AnovaType = "III",  # noqa: A002  # R's word
        ddf: options.SummaryDdf = "satterthwaite",
    ) -> tests.FTests:
        """Return the analysis of variance of the fixed effects.

        Parameters
        ----------
        type
            "I" (each term after those before it), "II" (after those that do not contain it) or
            "III" (after all others).
        ddf
            "satterthwaite", "kenward-roger", or "none" for lme4's own sequential table, which
            has no tests.

        Returns
        -------
        FTests
            One row per term.

        Raises
        ------
        OptionError
            An argument is not accepted.
        RError
            Kenward and Roger's method is not available for a fit by maximum likelihood.

        Notes
        -----
        R function: ``lmerTest:::anova.lmerModLmerTest``, with the adjusted covariance of
        Kenward and Roger [1]_ computed once for all terms.

        References
        ----------
        .. [1] Kenward, M. G. and Roger, J. H. (1997). Small Sample Inference for Fixed Effects
           from Restricted Maximum Likelihood. Biometrics, 53(3), 983-997.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
        >>> round(fit.anova()["Days"].statistic, 2)
        45.85
        """
        if isinstance(type, Fitted):
            raise OptionError("fit.anova() is of one model; pb.anova(fit, other) compares models")
        kind = options.one_of(type, options.AnovaType, "type")
        ddf = options.one_of(ddf, options.SummaryDdf, "ddf")
        self._require(ddf)
        return self._ask("anova_one", decode_tests.f_tests, ddf, type=kind, ddf=ddf)

    def drop1(
        self, scope: Sequence[str] | None = None, ddf: options.TestDdf = "satterthwaite"
    ) -> tests.FTests:
        """Return F tests of each term that can be dropped from the model.

        Parameters
        ----------
        scope
            Names of terms; all that can be dropped by default.
        ddf
            "satterthwaite" or "kenward-roger".

        Returns
        -------
        FTests
            One row per term.

        Raises
        ------
        OptionError
            ``ddf`` is not accepted.
        RError
            A term of ``scope`` cannot be dropped.

        Notes
        -----
        R function: ``lmerTest:::drop1.lmerModLmerTest``.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
        >>> [row.term for row in fit.drop1().rows]
        ['Days']
        """
        ddf = options.one_of(ddf, options.TestDdf, "ddf")
        self._require(ddf)
        chosen = None if scope is None else labels_of(self, scope, "scope")
        return self._ask("drop_one", decode_tests.f_tests, ddf, scope=chosen, ddf=ddf)

    def ranova(self, *, reduce_terms: bool = True) -> tests.LikelihoodRatioTests:
        """Return likelihood ratio tests of the random-effect terms.

        Parameters
        ----------
        reduce_terms
            Test a term such as ``(x | g)`` against ``(1 | g)`` (True), or drop it whole (False).

        Returns
        -------
        LikelihoodRatioTests
            The model itself in the first row, then one row per deletion.

        Raises
        ------
        RError
            R cannot refit a reduced model.

        Notes
        -----
        R function: ``lmerTest::ranova``. REML fits are compared by their REML criteria.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
        >>> round(fit.ranova().rows[1].chi_square, 2)
        42.84
        """
        session().require("lmerTest")
        return self._ask(
            "ranova",
            decode_tests.ratio_tests,
            reduce_terms=options.flag(reduce_terms, "reduce_terms"),
        )

    def step(
        self,
        ddf: options.TestDdf = "satterthwaite",
        *,
        alpha_random: float = 0.1,
        alpha_fixed: float = 0.05,
        reduce_random: bool = True,
        reduce_fixed: bool = True,
        keep: Sequence[str] = (),
    ) -> tests.BackwardElimination:
        """Eliminate random effects, then fixed effects, one by one.

        Parameters
        ----------
        ddf
            "satterthwaite" or "kenward-roger".
        alpha_random, alpha_fixed
            The p-values above which an effect is eliminated.
        reduce_random, reduce_fixed
            Whether effects of that kind may be eliminated.
        keep
            Names of fixed effects to keep.

        Returns
        -------
        BackwardElimination
            Every step, and the formula of the final model.

        Raises
        ------
        OptionError
            ``ddf`` is not accepted.

        Notes
        -----
        R function: ``lmerTest::step``. Tests after a selection do not have their nominal level.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
        >>> fit.step().formula
        'Reaction ~ Days + (Days | Subject)'
        """
        ddf = options.one_of(ddf, options.TestDdf, "ddf")
        self._require(ddf)
        return self._ask(
            "backward_step",
            decode_tests.backward_elimination,
            ddf,
            ddf=ddf,
            alpha_random=_alpha(alpha_random, "alpha_random"),
            alpha_fixed=_alpha(alpha_fixed, "alpha_fixed"),
            reduce_random=options.flag(reduce_random, "reduce_random"),
            reduce_fixed=options.flag(reduce_fixed, "reduce_fixed"),
            keep=labels_of(self, keep, "keep") if keep else (),
        )

    @overload
    def contest(
        self,
        contrasts: Contrasts,
        rhs: float | Sequence[float] | Mapping[str, float] = 0.0,
        *,
        joint: Literal[True] = True,
        ddf: options.TestDdf = "satterthwaite",
        conf_level: float = 0.95,
    ) -> tests.FTests: ...

    @overload
    def contest(
        self,
        contrasts: Contrasts,
        rhs: float | Sequence[float] | Mapping[str, float] = 0.0,
        *,
        joint: Literal[False],
        ddf: options.TestDdf = "satterthwaite",
        conf_level: float = 0.95,
    ) -> tests.TTests: ...

    @overload
    def contest(
        self,
        contrasts: Contrasts,
        rhs: float | Sequence[float] | Mapping[str, float] = 0.0,
        *,
        joint: bool,
        ddf: options.TestDdf = "satterthwaite",
        conf_level: float = 0.95,
    ) -> tests.FTests | tests.TTests: ...

    def contest(
        self,
        contrasts: Contrasts,
        rhs: float | Sequence[float] | Mapping[str, float] = 0.0,
        *,
        joint: bool = True,
        ddf: options.TestDdf = "satterthwaite",
        conf_level: float = 0.95,
    ) -> tests.FTests | tests.TTests:
        """Test a linear hypothesis on the fixed effects: contrasts times effects equal ``rhs``.

        Parameters
        ----------
        contrasts
            Rows of weights. A mapping names them; each row is a mapping or a Series of terms to
            weights (others 0), or one weight per term. A frame has a column for each such term,
            and its index names the rows. One row of weights may stand alone.
        rhs
            The values under the hypothesis: one for all rows, or one per row, also by its name.
        joint
            One F test of all rows together (True), or one t test per row.
        ddf
            "satterthwaite" or "kenward-roger".
        conf_level
            The level of the intervals of the t tests.

        Returns
        -------
        FTests or TTests
            One row (joint), or one row per contrast.

        Raises
        ------
        OptionError
            A term is not in the model, or sizes do not match.

        Notes
        -----
        R function: ``lmerTest::contest``.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
        >>> table = fit.contest({"a week": {"Days": 7}}, joint=False)
        >>> round(table["a week"].estimate, 2)
        73.27
        """
        ddf = options.one_of(ddf, options.TestDdf, "ddf")
        level = options.check_level(conf_level)
        self._require(ddf)
        together = options.flag(joint, "joint")
        arguments = hypotheses(self, contrasts, rhs)
        arguments |= {"joint": together, "ddf": ddf, "conf_level": level}
        tested = said(arguments, self._terms())
        if joint:
            return self._ask("contest", decode_tests.f_tests, ddf, tested, **arguments)
        return self._ask("contest", decode_tests.t_tests, ddf, level, tested, **arguments)
