"""Models made from a fitted one: with another formula, other data, or another response."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any, Self, TypedDict, Unpack

import numpy as np
import pandas as pd

from pymer_bridge.data import frames
from pymer_bridge.errors import DataConversionError, OptionError, shown
from pymer_bridge.models import diagnosing
from pymer_bridge.models.base import Fitted
from pymer_bridge.models.preparing import FITTERS, arguments_of, check_text, make_model
from pymer_bridge.r_script.journal import Origin, journal
from pymer_bridge.results.decode import record as decode
from pymer_bridge.results.fixed_effects import FixedEffects, ScaledColumn, StandardizedEffects
from pymer_bridge.session import asking, deadlines
from pymer_bridge.session.r_session import session
from pymer_bridge.spec import labels, meanings, options
from pymer_bridge.spec.controls import Control
from pymer_bridge.spec.families import Family, FamilyName, LinkName
from pymer_bridge.spec.model_spec import ModelSpec
from pymer_bridge.spec.names import find_name


class FitArguments(TypedDict, total=False):
    """What functions that fit take by name; not each of them takes all."""

    reml: bool
    family: FamilyName | Family
    link: LinkName
    n_agq: int
    weights: Any
    offset: Any
    subset: Any
    contrasts: Mapping[str, Any] | None
    hypotheses: Mapping[str, Any] | None
    control: Control | None
    start: float | Sequence[float] | Mapping[str, float | Sequence[float]] | None
    na_action: options.NaAction
    data_name: str | None
    allow_functions: Sequence[str]


class Refitting(Fitted):
    """Fits the model again, changed."""

    __slots__ = ()

    @property
    def _kept_frame(self) -> frames.KeptFrame:
        return frames.KeptFrame(self.columns, self._index, self._model)

    @deadlines.timed
    def update(
        self,
        formula: str | None = None,
        data: Any = None,
        *,
        timeout: float | None = None,
        **arguments: Unpack[FitArguments],
    ) -> Self:
        """Fit the model again with something changed.

        Parameters
        ----------
        formula
            A new formula; a dot stands for the old part, as in ``". ~ . - Days"``.
        data
            Other data; by default those of the model, which holds only the columns that it uses.
            Weights, an offset or a subset that were given row by row go to the rows of the same
            labels; give them anew for other rows.
        **arguments
            Arguments of the function that fitted it, such as ``reml=False``, ``weights=None`` or
            ``control=``; the others stay as they were. ``link=`` alone keeps the family, and
            ``family=`` alone has R's default link.
        timeout
            As for :func:`pymer_bridge.lmer`; it is not part of the model.

        Returns
        -------
        A model of the same class.

        Raises
        ------
        OptionError
            The function that fits has no such argument.
        FormulaError, DataConversionError, RError
            As for :func:`pymer_bridge.lmer`; for further columns give ``data``.
        RTimeoutError
            It did not end within ``timeout``; R is ready for the next call.

        Notes
        -----
        R function: ``update``, with R's ``update.formula``.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
        >>> fit.update(". ~ . - Days", reml=False).formula
        'Reaction ~ (Days | Subject)'
        """
        given: dict[str, Any] = dict(arguments)
        kept = arguments_of(self.spec)
        link = ("link",) if "family" in kept else ()
        unknown = sorted(set(given) - {*kept, *link})
        if unknown:
            takes = ("formula", "data", *kept, *link, "timeout")
            raise OptionError(meanings.refusal("update", unknown[0], takes))
        if "link" in given and "family" not in given and kept["family"] is not None:
            wanted = given.pop("link")
            kept["family"] = replace(
                kept["family"], link=meanings.meant(wanted, LinkName) or wanted
            )
        hypotheses = given.get("hypotheses")
        if isinstance(hypotheses, Mapping) and "contrasts" not in given:  # of the factors anew
            anew = [find_name(name, kept["contrasts"]) for name in hypotheses]
            kept["contrasts"] = {n: v for n, v in kept["contrasts"].items() if n not in anew}
        if data is not None:
            del kept["data_name"]
            for name in ("weights", "offset", "subset"):
                if isinstance(kept.get(name), np.ndarray):  # of the rows of these data
                    kept[name] = pd.Series(kept[name], index=self._index)
        source = self._kept_frame if data is None else frames.opened(data)
        try:
            changed = self.spec.formula if formula is None else self._merged(formula, source)
            fit: Any = FITTERS[self.spec.fitter]
            made: Self = fit(changed, source, **{**kept, **given})
        except DataConversionError as error:
            if data is None:
                raise DataConversionError(
                    f"{error} (the model keeps only the columns it uses: give data= as well)"
                ) from None
            raise
        return made

    def _merged(self, change: str, source: Any) -> str:
        names = source.names if isinstance(source, frames.KeptFrame) else list(source.columns)
        nonlinear = tuple(self.spec.nonlinear)
        check_text(change, "formula change", [*names, *nonlinear], self.spec.allow_functions)
        return asking.ask(
            "merged_formula",
            lambda merged: str(merged[0]),
            model=self._model,
            change=change,
            nonlinear=bool(nonlinear),
        )

    @deadlines.timed
    def refit(self, new_response: Any, *, timeout: float | None = None) -> Self:
        """Fit the same model to another response.

        Parameters
        ----------
        new_response
            One number per row of the data, or per row used: an array, a Series on the data's
            index, or two columns (successes, failures) if the model's response has two. For a
            response of levels the levels, or their numbers as ``simulate()`` gives them.
        timeout
            As for :func:`pymer_bridge.lmer`.

        Returns
        -------
        A model of the same class.

        Raises
        ------
        OptionError
            The response has another length or index.
        RError
            R cannot refit this model, such as a nonlinear one.
        RTimeoutError
            It did not end within ``timeout``; R is ready for the next call.

        Warns
        -----
        RWarning
            ``lme4`` before 1.1-33 optimises a wrong criterion for fits by REML with several fixed
            effects.

        Notes
        -----
        R function: ``lme4::refit``, which starts at this model's estimates, so that the last
        digits may differ from those of a new fit.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> fit = pb.lmer("Yield ~ 1 + (1 | Batch)", pb.load_dataset("Dyestuff"))
        >>> again = fit.refit(fit.simulate(seed=1).values[:, 0])
        >>> again.n_obs
        30
        """
        table = self._response(new_response)
        response = frames.collect(table).to_r()
        with diagnosing.explaining_responses(table.items()):
            return self._made("refit_response", self.spec, "refitted", response=response)

    def _response(self, given: Any) -> pd.DataFrame:
        if (labelled := labels.labelled(given)) is not None:
            index = self._index
            if len(labelled) < len(index) and len(used := self.fitted.index) == len(labelled):
                index = used
            given = labels.on_rows(given, index, "new_response", "the data")
        if isinstance(given, str):
            raise OptionError(
                f"new_response={shown(given)} is a text: give the numbers, as of data[...], or fit "
                "another formula with update()"
            )
        wanted = "new_response must be one number for each row"
        values = given
        if not isinstance(given, pd.Series | pd.DataFrame):
            values = options.array_of(given, wanted, None)
        if values.ndim == 0:
            raise OptionError(f"{wanted}, not {shown(given)}")
        most = 2 if getattr(self, "family", None) == "binomial" else 1
        if values.ndim > 2 or (values.ndim == 2 and values.shape[1] not in (1, most)):
            raise OptionError(
                f"new_response has the shape {values.shape}: refit() takes one response, of one "
                + ("or two columns" if most == 2 else "column")
                + "; refit to each of several in turn, or give them to pb.fit_many()"
            )
        # pandas would make texts of its own kind of texts that it cannot hold.
        plain = values is not given and values.dtype.kind in "OU"
        table = pd.DataFrame(values, dtype=object if plain else None, copy=False)
        table.columns = pd.Index(["new_response", "new_response 2"][: table.shape[1]])
        n_used = self._ask("n_used", lambda value: int(value[0]))
        if len(table) not in (len(self._index), n_used):
            raise OptionError(
                f"new_response has {len(table)} rows; the data has {len(self._index)}, of which "
                f"{n_used} are used"
            )
        return table

    def _made(self, operation: str, spec: ModelSpec, origin: Origin, /, **arguments: Any) -> Self:
        """Have R make a model of this one, on the same columns."""

        def read(record: Mapping[str, Any]) -> Any:
            frame = frames.KeptFrame(self.columns, self._index, record["model"])
            return self._of(record, spec, frame)

        made: Self = make_model(operation, read, origin, model=self._model, **arguments)
        return made

    @deadlines.timed
    def refit_ml(self, *, timeout: float | None = None) -> Self:
        """Refit a model that was fitted by REML by maximum likelihood, as R's tests do.

        Parameters
        ----------
        timeout
            As for :func:`pymer_bridge.lmer`.

        Returns
        -------
        A model of the same class; one that was fitted by maximum likelihood stays as it is.

        Raises
        ------
        RTimeoutError
            It did not end within ``timeout``; R is ready for the next call.

        Notes
        -----
        R function: ``lme4::refitML``, which starts at this model's estimates and optimises by
        bobyqa: the last digits may differ from ``update(reml=False)``.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
        >>> round(fit.refit_ml().fit_statistics.deviance, 3)
        1751.939
        """
        if not self.spec.reml:
            return self
        before = journal.fit_of(self._model)
        again = before is not None and before.origin == "refitted"
        origin: Origin = "refitted" if again else "refitted by likelihood"
        return self._made("refit_by_likelihood", replace(self.spec, reml=False), origin)

    def standardize(
        self,
        ddf: options.Ddf | None = None,
        conf_level: float = 0.95,
        *,
        two_sd: bool = False,
        response: bool = True,
    ) -> StandardizedEffects:
        """Return the fixed effects of the model refitted to standardized data.

        Numbers among the columns have their mean taken off, and are divided by their standard
        deviation, before any function in the formula; factors and groups stay as they are.

        Parameters
        ----------
        ddf
            Degrees of freedom, as for ``fixed_effects()``; None for its default.
        conf_level
            The level of the intervals.
        two_sd
            Divide predictors by two standard deviations, so that their coefficients go with those
            of two equal groups [1]_?
        response
            Standardize the response too, where it is a measured number?

        Returns
        -------
        StandardizedEffects
            One row per term, in standard deviations of the response, or in units of the linear
            predictor; ``scaled`` says of each column what was taken off and divided by.

        Raises
        ------
        OptionError
            An argument is not accepted.
        REnvironmentError
            R's package datawizard is not installed.
        RError
            There is nothing to standardize, or the model has a subset.

        Notes
        -----
        R function: ``datawizard::standardize`` of a model, which is the method "refit" of
        ``effectsize::standardize_parameters``.

        References
        ----------
        .. [1] Gelman, A. (2008). Scaling regression inputs by dividing by two standard deviations.
           Statistics in Medicine, 27, 2865-2873.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
        >>> round(fit.standardize()["Days"].estimate, 3)  # doctest: +SKIP
        0.535
        """
        level = options.check_level(conf_level)
        asked = {
            "two_sd": options.flag(two_sd, "two_sd"),
            "response": options.flag(response, "response"),
        }
        session().require("datawizard")
        said = asking.Said()
        record = asking.ask("standardized_model", said=said, model=self._model, **asked)
        # Its rows are those that the model uses.
        kept = frames.KeptFrame(self.columns, pd.RangeIndex(self.n_obs), record["model"])
        with journal.silent():
            found = self._of(record, self.spec, kept)._tested(ddf, level)
        columns = (record[name].tolist() for name in ("center", "scale"))
        scaled = zip(decode.texts(record, "columns"), *columns, strict=True)
        effects = StandardizedEffects(
            **{f.name: getattr(found, f.name) for f in fields(FixedEffects)},
            scaled=tuple(ScaledColumn(*each) for each in scaled),
        )
        return said.on(effects)
