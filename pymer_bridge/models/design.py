"""Designs: models of data that nobody has observed yet, which are simulated and tested."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from pymer_bridge.data import crossed, frames
from pymer_bridge.display.tables import tame
from pymer_bridge.errors import DataConversionError, FormulaError, OptionError, shown
from pymer_bridge.models.diagnosing import explaining
from pymer_bridge.models.power_curves import Curves
from pymer_bridge.models.preparing import prepare
from pymer_bridge.r_script.journal import journal
from pymer_bridge.replicates.power import Source
from pymer_bridge.results.decode import design as decode_design
from pymer_bridge.results.decode import internals as decode_internals
from pymer_bridge.results.decode import record as decode
from pymer_bridge.results.design import DesignTerms
from pymer_bridge.results.prediction import Simulations
from pymer_bridge.session import asking
from pymer_bridge.session.calls import Handle
from pymer_bridge.session.r_session import session
from pymer_bridge.spec import design_values, options
from pymer_bridge.spec.arguments import checked
from pymer_bridge.spec.design_values import Given
from pymer_bridge.spec.families import Family, FamilyName, LinkName, family_of
from pymer_bridge.spec.model_spec import ModelSpec
from pymer_bridge.spec.names import bare, free_name, is_syntactic


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class Design(Curves):
    """A model of data that nobody has observed yet; made by :func:`design`.

    Attributes
    ----------
    formula
        The formula, with the name of the response that is drawn.
    terms
        The parameters: R's names, and the values that were given.
    n_obs
        The number of rows.
    n_groups
        The number of levels of each grouping factor.
    family, link
        Of a generalized model; None of a linear one.
    warnings, messages
        R's warnings and messages.
    """

    formula: str
    terms: DesignTerms
    n_obs: int
    n_groups: Mapping[str, int]
    family: str | None
    link: str | None
    warnings: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()
    _design: Handle
    _theta: tuple[float, ...] | None
    _spec: ModelSpec
    _table: pd.DataFrame
    _own: Mapping[str, Any]
    _slots: design_values.Slots

    def _source(self) -> Source:
        self._whole()
        return Source(self._design, self._spec.to_r(), self.formula, self.n_obs)

    def _note(self, operation: str, given: Mapping[str, Any], result: Any) -> None:
        if not self._spec.contrasts:
            journal.note_design(self._design, self._spec)
            journal.note(operation, {"design": self._design, **given}, result)

    def _whole(self) -> None:
        """Raise an error that lists all that was not given, if anything was not."""
        if self._theta is None:
            design_values.in_order(self._slots, Given())

    @property
    def new_params(self) -> dict[str, Any]:
        """The parameters as R's ``simulate(newparams=)`` takes them: beta, theta, sigma."""
        self._whole()
        beta = {str(row.term): row.value for row in self.terms if row.argument == "fixed"}
        found: dict[str, Any] = {"beta": beta, "theta": list(self._theta or ())}
        residual = self.terms.given().get("residual")
        return found if residual is None else {**found, "sigma": residual}

    def _again(
        self, table: pd.DataFrame | None = None, fixed: Mapping[str, float] | None = None
    ) -> Design:
        """Return the design of another frame, or with other effects."""
        given = self.terms.given()
        given["fixed"] |= fixed or {}
        return made_design(
            self.formula, self._table if table is None else table, Given(**given), **self._own
        )

    def _grown(self, along: str, n: int) -> Design:
        return self._again(crossed.resized(self._table, along, n, list(self.n_groups)))

    def _with_effect(self, name: str, value: float) -> Design:
        return self._again(fixed={name: value})

    def simulate(self, n_sim: int = 1, seed: int | None = None) -> Simulations:
        """Simulate responses of the design.

        Parameters
        ----------
        n_sim
            The number of responses.
        seed
            R's ``set.seed`` integer; None continues from the state of R's generator.

        Returns
        -------
        Simulations
            Rows by simulations, on the frame's index.

        Raises
        ------
        OptionError
            An argument is not accepted, or the design lacks parameters.

        Notes
        -----
        R function: ``simulate(~ formula, newdata =, newparams =)`` of lme4.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> design = pb.design(
        ...     "~ 1 + (1 | subject)",
        ...     pb.crossed_frame(subject=10, within={"time": [0, 1, 2]}),
        ...     fixed={"(Intercept)": 5}, std_devs={"subject": 2}, residual=1,
        ... )
        >>> design.simulate(n_sim=5, seed=1).values.shape
        (30, 5)
        """
        self._whole()
        n, checked_seed = options.whole(n_sim, "n_sim", 1), options.random_seed(seed)
        return asking.ask(
            "simulate_design",
            lambda record: decode_internals.simulations(record, self._table.index, checked_seed),
            then=lambda made: self._note(
                "simulate_design", {"n_sim": n, "seed": checked_seed}, made
            ),
            design=self._design,
            n_sim=n,
            seed=checked_seed,
        )

    def __str__(self) -> str:
        """Return the design in a few lines."""
        kind = "linear mixed model"
        if self.family is not None:
            kind = f"generalized linear mixed model, {self.family} ({self.link})"
        groups = ", ".join(f"{name}, {n}" for name, n in self.n_groups.items())
        heading = (
            f"Design of a {kind}\nFormula: {self.formula}\nRows: {self.n_obs}, groups: {groups}"
        )
        lacking = "\n\nNothing was given yet: fixed=, std_devs= ..." if self._theta is None else ""
        return f"{heading}\n\n{self.terms._table().to_text()}{lacking}"

    def __repr__(self) -> str:
        """Return the design in one line."""
        return f"<Design {self.formula!r}, {self.n_obs} rows>"


def _slots(record: Mapping[str, Any]) -> design_values.Slots:
    names = ("groups", "factors", "terms")
    pairs = ("pair_groups", "pair_factors", "pair_first", "pair_second")
    return design_values.Slots(
        decode.texts(record, "coefficients"),
        list(zip(*(decode.texts(record, name) for name in names), strict=True)),
        list(zip(*(decode.texts(record, name) for name in pairs), strict=True)),
        decode.flag(record, "scaled"),
    )


@checked
def design(
    formula: str,
    frame: Any,
    *,
    fixed: Mapping[str, float] | None = None,
    std_devs: Mapping[str, Any] | None = None,
    correlations: Mapping[str, Any] | None = None,
    residual: float | None = None,
    family: FamilyName | Family | None = None,
    link: LinkName | None = None,
    contrasts: Mapping[str, Any] | None = None,
    data_name: str | None = None,
    allow_functions: Sequence[str] = (),
) -> Design:
    """Describe data that are not there yet: a model, a frame without a response, parameters.

    Parameters
    ----------
    formula
        lme4's formula; its left side is the name of the response that is drawn, or is left out.
    frame
        The rows that will be observed: your own, or of :func:`pymer_bridge.crossed_frame`. A column
        of the response is not read.
    fixed
        The fixed effects by R's names of coefficients: ``{"(Intercept)": 250, "Days": 10}``.
    std_devs
        Standard deviations of the random effects by group and term: ``{"Subject": {"(Intercept)":
        25, "Days": 6}}``; of a group with one term the number alone.
    correlations
        By group and pair of terms: ``{"Subject": {("(Intercept)", "Days"): 0.1}}``; a number alone
        is that of all pairs of the group.
    residual
        The residual standard deviation.
    family, link
        Of a generalized model, as for :func:`pymer_bridge.glmer`; its standard deviations are on
        the scale of the link.
    contrasts, data_name, allow_functions
        As for :func:`pymer_bridge.lmer`.

    Returns
    -------
    Design
        With no parameters at all it can only tell which ones it has, in its ``terms``.

    Raises
    ------
    FormulaError
        The formula cannot be read, or its response is no name.
    DataConversionError
        The frame lacks a column, or has one that cannot be sent to R.
    OptionError
        A parameter is missing, unknown, or no such number; all of them are listed.
    RError
        R stopped: no covariance has these correlations, or a value is missing in the frame.

    Notes
    -----
    R functions: ``lFormula`` or ``glFormula``, and ``Sv_to_Cv`` of lme4.

    Examples
    --------
    >>> import pymer_bridge as pb
    >>> frame = pb.crossed_frame(subject=24, item=12, within={"cond": ["a", "b"]})
    >>> model = "rt ~ cond + (cond | subject) + (1 | item)"
    >>> pb.design(model, frame).terms["fixed", "condb"].value
    >>> design = pb.design(
    ...     model, frame,
    ...     fixed={"(Intercept)": 600, "condb": 25},
    ...     std_devs={"subject": {"(Intercept)": 80, "condb": 30}, "item": 25},
    ...     correlations={"subject": 0.2},
    ...     residual=120,
    ... )
    >>> design.n_groups
    {'subject': 24, 'item': 12}
    """
    return made_design(
        formula,
        frame,
        Given(fixed, std_devs, correlations, residual),
        family=family,
        link=link,
        contrasts=contrasts,
        data_name=data_name,
        allow_functions=allow_functions,
    )


def made_design(
    formula: str,
    frame: Any,
    given: Given,
    base: Mapping[Any, float] | None = None,
    *,
    family: FamilyName | Family | None,
    link: LinkName | None = None,
    contrasts: Mapping[str, Any] | None,
    data_name: str | None,
    allow_functions: Sequence[str],
) -> Design:
    """Make a design of parameters that were given, and others.

    Parameters
    ----------
    given
        ``fixed``, ``std_devs``, ``correlations`` and ``residual`` of :func:`design`.
    base
        See :func:`pymer_bridge.spec.design_values.in_order`.
    formula, frame, family, link, contrasts, data_name, allow_functions
        As for :func:`design`.
    """
    session().require("lme4")
    of_family = None if family is None else family_of(family, link, mixed=True)
    if of_family is None and link is not None:
        raise OptionError("link goes with family: a linear model has the identity")
    own = {
        "family": of_family,
        "contrasts": contrasts,
        "data_name": data_name,
        "allow_functions": tuple(allow_functions),
    }
    table = _without_unused_levels(frames.as_pandas(frame, "frame"))
    formula, response = _with_response(formula, table)
    said = asking.Said()
    spec, record = _read(formula, response, table, own, said)
    slots, handle, theta = _slots(record), record["design"], None
    n = len(slots.coefficients) + len(slots.deviations) + len(slots.correlations) + slots.scaled
    values: list[float | None] = [None] * n
    if base is not None or given != Given():
        found = design_values.in_order(slots, given, base)
        values = found.in_order()
        made = asking.ask("set_design", said=said, design=handle, **found.to_r())
        handle, theta = made["design"], tuple(float(value) for value in made["theta"])
    counts = zip(decode.texts(record, "group_names"), record["group_counts"], strict=True)
    return Design(
        formula=formula,
        terms=decode_design.design_terms(record, values),
        n_obs=decode.integer(record, "n_rows"),
        n_groups={name: int(n) for name, n in counts},
        family=None if of_family is None else decode.text(record, "family"),
        link=None if of_family is None else decode.text(record, "link"),
        warnings=said.warnings,
        messages=said.messages,
        _design=handle,
        _theta=theta,
        _spec=spec,
        _table=table.drop(columns=[response], errors="ignore"),
        _own=own,
        _slots=slots,
    )


def _read(
    formula: str, response: str, table: pd.DataFrame, own: Mapping[str, Any], said: asking.Said
) -> tuple[ModelSpec, Mapping[str, Any]]:
    """Check a formula and its frame, and have R read them."""
    linear = own["family"] is None
    fitted: dict[str, Any] = {"reml": True} if linear else {"family": own["family"], "n_agq": None}
    spec, sent = prepare(
        "lmer" if linear else "glmer",
        formula,
        table.assign(**{response: np.ones(len(table))}),
        weights=None,
        offset=None,
        subset=None,
        na_action="omit",
        control=None,
        start=None,
        **fitted,
        **{name: value for name, value in own.items() if name != "family"},
    )
    frame = _all_columns(table, sent)
    with explaining(spec, sent):
        record = asking.ask("read_design", said=said, spec=spec.to_r(), frame=frame.to_r())
    return spec, record


def _with_response(formula: str, table: pd.DataFrame) -> tuple[str, str]:
    """Return a formula with a response, and the response's name."""
    left, tilde, right = formula.partition("~")
    name = left.strip()
    if not tilde:
        raise FormulaError(f"formula={shown(formula)} must be a formula, as in '~ x + (1 | group)'")
    if not name:
        name = free_name("y", list(map(str, table.columns)))
        return f"{name} ~{right}", name
    quoted = len(name) > 2 and name[0] == name[-1] == "`" and "`" not in name[1:-1]
    if not quoted and not is_syntactic(name):
        raise FormulaError(
            f"formula={shown(tame(formula))}: a design draws its response, which must be a name"
        )
    return formula, bare(name)


def _all_columns(table: pd.DataFrame, needed: frames.AnyFrame) -> frames.AnyFrame:
    """Return all columns, which other models may name; if R cannot have them, the needed ones."""
    try:
        return frames.collect(table)
    except DataConversionError:
        return needed


def _without_unused_levels(table: pd.DataFrame) -> pd.DataFrame:
    """Drop levels that no row has: R would look for effects of them."""
    made = table.copy(deep=False)
    for i, dtype in enumerate(table.dtypes):
        if isinstance(dtype, pd.CategoricalDtype):
            made.isetitem(i, table.iloc[:, i].array.remove_unused_categories())
    return made
