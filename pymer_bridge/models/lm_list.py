"""Separate fits of one formula to each group: no pooling."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from pymer_bridge.data import frames
from pymer_bridge.errors import OptionError, shown
from pymer_bridge.models.methods.export import Scripting
from pymer_bridge.models.preparing import fit_model, fits
from pymer_bridge.results.base import Result
from pymer_bridge.results.decode import record as decode
from pymer_bridge.results.lm_list import SeparateEffect, SeparateEffects
from pymer_bridge.session import deadlines
from pymer_bridge.spec import options
from pymer_bridge.spec.families import Family, FamilyName, LinkName, family_of
from pymer_bridge.spec.model_spec import ModelSpec


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class LinearModelList(Scripting):
    """Separate linear models, one per group; made by :func:`lm_list`.

    Attributes
    ----------
    formula
        The formula, in R's spelling.
    group
        The grouping factor.
    levels
        Its levels.
    failed
        The levels to which R could not fit.
    n_obs
        The number of observations used.
    sigma
        The residual standard deviation, pooled over groups; None if it is not pooled.
    warnings, messages
        What R warned of and said during the fits.
    spec
        What was asked for.
    columns
        The columns of the data that went to R.
    """

    group: str
    levels: tuple[str, ...]
    failed: tuple[str, ...]
    sigma: float | None

    @classmethod
    def _of(
        cls, record: Mapping[str, Any], asked: ModelSpec, frame: frames.AnyFrame, **further: Any
    ) -> Self:
        sigma = decode.number_or_none(record["facts"], "sigma")
        return super(LinearModelList, cls)._of(record, asked, frame, sigma=sigma, **further)

    def coefficients(self, conf_level: float = 0.95) -> SeparateEffects:
        """Return the coefficients of each group with their tests and intervals.

        Parameters
        ----------
        conf_level
            The level of the intervals.

        Returns
        -------
        SeparateEffects
            One row per group and term, groups first, in units of the response.

        Raises
        ------
        OptionError
            ``conf_level`` is not accepted.

        Notes
        -----
        R functions: ``summary`` and ``confint`` of lme4's ``lmList``. As there, standard errors and
        tests use the residual standard deviation of all groups together, and intervals that of
        each group alone.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> fits = pb.lm_list("Reaction ~ Days | Subject", pb.load_dataset("sleepstudy"))
        >>> round(fits.coefficients()["308", "Days"].estimate, 2)
        21.76
        """
        level = options.check_level(conf_level)
        return self._ask("separate_effects", _effects, level, conf_level=level)

    def _kind(self) -> str:
        return f"Linear models, one a level of {self.group}"

    def _groups(self) -> str:
        return str(len(self.levels))

    def _parts(self) -> tuple[Result, ...]:
        return (self.coefficients(),)

    def _alerts(self) -> tuple[str, ...]:
        """Return which groups could not be fitted, then what R said."""
        said = super(LinearModelList, self)._alerts()
        return (f"Could not be fitted: {', '.join(self.failed)}", *said) if self.failed else said

    def __repr__(self) -> str:
        """Return the fits in one line."""
        n_rows = len(self._index)
        used = f", {self.n_obs} of {n_rows} rows" if self.n_obs < n_rows else ""
        return f"<LinearModelList {self.formula!r}, {len(self.levels)} groups{used}>"


def _effects(record: decode.RRecord, conf_level: float) -> SeparateEffects:
    levels, terms = decode.texts(record, "levels"), decode.texts(record, "terms")
    names = ("estimate", "std_error", "statistic", "p_value", "conf_low", "conf_high")
    columns = [decode.numbers(record, name, len(levels) * len(terms)) for name in names]
    rows = tuple(
        SeparateEffect(level, term, *(column[j * len(levels) + i] for column in columns))
        for i, level in enumerate(levels)
        for j, term in enumerate(terms)
    )
    return SeparateEffects(rows, conf_level)


@fits("lmList")
@deadlines.timed
def lm_list(
    formula: str,
    data: Any,
    *,
    family: FamilyName | Family | None = None,
    link: LinkName | None = None,
    weights: Any = None,
    offset: Any = None,
    subset: Any = None,
    na_action: options.NaAction = "omit",
    data_name: str | None = None,
    allow_functions: Sequence[str] = (),
    timeout: float | None = None,
) -> LinearModelList:
    """Fit one linear model to each group: no pooling.

    Parameters
    ----------
    formula
        A model and a grouping factor: ``"Reaction ~ Days | Subject"``.
    data
        As for :func:`pymer_bridge.lmer`.
    family, link
        For generalized linear models, as for :func:`pymer_bridge.glm`.
    weights, offset, subset, na_action, data_name, allow_functions
        As for :func:`pymer_bridge.lmer`.
    timeout
        As for :func:`pymer_bridge.lmer`.

    Returns
    -------
    LinearModelList
        The fits. A group that R could not fit is listed in ``failed``, with a warning of R.

    Raises
    ------
    FormulaError, DataConversionError, OptionError, RError, REnvironmentError
        As for :func:`pymer_bridge.lmer`.
    RTimeoutError
        It did not end within ``timeout``; R is ready for the next call.

    Notes
    -----
    R function: ``lme4::lmList``.

    Examples
    --------
    >>> import pymer_bridge as pb
    >>> fits = pb.lm_list("Reaction ~ Days | Subject", pb.load_dataset("sleepstudy"))
    >>> len(fits.levels)
    18
    """
    return fit_model(
        LinearModelList,
        "lmList",
        formula,
        data,
        family=_family(family, link),
        weights=weights,
        offset=offset,
        subset=subset,
        contrasts=None,
        na_action=na_action,
        data_name=data_name,
        allow_functions=allow_functions,
    )


def _family(family: object, link: str | None) -> Family | None:
    if family is None and link is not None:
        raise OptionError(f"link={shown(link)} goes with a family: give family= as well")
    return None if family is None else family_of(family, link, mixed=False)
