"""Power of the tests of a design."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pymer_bridge.errors import FormulaError, OptionError, shown
from pymer_bridge.models.preparing import check_text
from pymer_bridge.replicates import engine
from pymer_bridge.replicates.power import Source, run_power
from pymer_bridge.replicates.power_tests import Asked, given_tests
from pymer_bridge.results.power import Power
from pymer_bridge.session import deadlines
from pymer_bridge.spec import options
from pymer_bridge.spec.arguments import Public

if TYPE_CHECKING:
    import pandas as pd

    from pymer_bridge.spec.model_spec import ModelSpec


class Powering(Public):
    """The power of a design."""

    __slots__ = ()

    if TYPE_CHECKING:
        family: str | None
        _spec: ModelSpec
        _table: pd.DataFrame

    def _source(self) -> Source:
        raise NotImplementedError

    def _note(self, operation: str, given: Mapping[str, Any], result: Any) -> None:
        raise NotImplementedError

    @deadlines.timed
    @engine.stoppable
    def power(
        self,
        tests: str | Sequence[str] | Mapping[str, Any] | None = None,
        *,
        ddf: options.PowerDdf | None = None,
        alpha: float = 0.05,
        n_sim: int = 1000,
        seed: int | None = None,
        formula: str | None = None,
        conf_level: float = 0.95,
        n_jobs: int = 1,
        progress: engine.Progress = False,
        checkpoint: str | Path | None = None,
        timeout: float | None = None,
    ) -> Power:
        """Draw responses, fit a model to each, and count how often tests reject.

        Parameters
        ----------
        tests
            Names of coefficients, or of terms; or a mapping of names of your own to such names, to
            weights of coefficients (a contrast), or to the formula of a smaller model: ``{"last
            day": {"(Intercept)": 1, "Days": 9}, "slopes": "~ Days + (1 | Subject)"}``. All
            coefficients but the intercept by default, or all terms.
        ddf
            "satterthwaite" (by default) or "kenward-roger": t tests of coefficients and contrasts,
            F tests of terms (type III), by lmerTest; "normal": z tests (by default for a
            generalized model); "lrt": each term is dropped, and the models compared by maximum
            likelihood; "anova": F tests of terms by Satterthwaite's method. A formula is compared
            by maximum likelihood always.
        alpha
            A test rejects where its p-value is below.
        n_sim, seed
            How many responses, and R's ``set.seed`` integer.
        formula
            The model that is fitted, if it is not the one that draws; its response is not read.
        conf_level
            The level of the intervals of the power.
        n_jobs, progress, checkpoint
            As for :meth:`LinearMixedModel.bootstrap`.
        timeout
            As for :func:`pymer_bridge.lmer`.

        Returns
        -------
        Power
            A row for each test, with all p-values; a fit that failed counts as not rejected.

        Raises
        ------
        OptionError
            An argument is not accepted, or the design lacks parameters.
        FormulaError
            ``formula`` cannot be read, or calls what it may not.
        REnvironmentError
            lmerTest or pbkrtest is needed and not installed.
        BootstrapInterrupted
            Ctrl-C; what was finished is in its ``partial``.
        RTimeoutError
            It did not end within ``timeout``; what was finished is in its ``partial``.

        Warns
        -----
        BootstrapWarning
            Fits failed.

        Notes
        -----
        R functions: ``simulate``, then for each response ``lmer`` or ``glmer`` from its own start,
        ``summary``, ``contest`` and ``anova`` of lmerTest, ``anova`` of two models, and
        ``binom.test``. Type S and type M errors are those of [1]_.

        References
        ----------
        .. [1] Gelman, A. and Carlin, J. (2014). Beyond Power Calculations: Assessing Type S (Sign)
           and Type M (Magnitude) Errors. Perspectives on Psychological Science, 9(6), 641-651.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> pilot = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
        >>> power = pilot.design(fixed={"Days": 4}).power("Days", n_sim=20, seed=1)
        >>> power["Days"].n_failed, power.p_values.shape
        (0, (20, 1))
        """
        asked = self._asked(
            tests,
            ddf=ddf,
            alpha=alpha,
            n_sim=n_sim,
            seed=seed,
            formula=formula,
            conf_level=conf_level,
        )
        how = engine.Running(n_jobs, progress, checkpoint)
        made, _, of_script = run_power(self._source(), asked, how)
        facts = {"n_failed": made.n_failed, "formula": made.formula, **of_script}
        given = {name: getattr(asked, name) for name in ("ddf", "alpha", "conf_level")}
        draws = {"n_sim": asked.n_sim, "seed": asked.seed}
        self._note("power", {**given, **draws, **facts}, made)
        return made

    def _asked(
        self,
        tests: Any,
        *,
        ddf: options.PowerDdf | None,
        alpha: float,
        n_sim: int,
        seed: int | None,
        formula: str | None,
        conf_level: float,
    ) -> Asked:
        """Check what a power analysis is asked for."""
        linear = self.family is None
        usual = "satterthwaite" if linear else "normal"
        chosen = usual if ddf is None else options.one_of(ddf, options.PowerDdf, "ddf")
        if not linear and chosen not in ("normal", "lrt"):
            raise OptionError(f"ddf={chosen!r} is for linear models; choose 'normal' or 'lrt'")
        given = given_tests(tests)
        names, allowed = list(map(str, self._table.columns)), self._spec.allow_functions
        if formula is not None:
            self._check_formula(formula, "formula of the fit", names, allowed)
        for name, test in (given or {}).items():
            if isinstance(test, str) and "~" in test:
                self._check_formula(test, f"tests[{name!r}]", names, allowed)
        return Asked(
            formula=formula,
            tests=given,
            ddf=chosen,
            alpha=options.check_level(alpha, "alpha"),
            conf_level=options.check_level(conf_level),
            n_sim=options.whole(n_sim, "n_sim", 1),
            seed=options.random_seed(seed),
        )

    def _check_formula(
        self, given: str, what: str, names: Sequence[str], allowed: Sequence[str]
    ) -> None:
        if not isinstance(given, str) or "~" not in given:
            raise FormulaError(
                f"{what}={shown(given)} must be a formula, as in '~ x + (1 | group)'"
            )
        right = "~" + given.partition("~")[2]
        check_text(right, what, names, allowed)
