"""What a fitted model says of data that are not there yet."""

from __future__ import annotations

from collections.abc import Mapping
from math import isnan
from typing import Any, cast

from pymer_bridge.data import frames
from pymer_bridge.errors import OptionError
from pymer_bridge.models.base import MixedFit
from pymer_bridge.models.design import Design, made_design
from pymer_bridge.models.methods.prediction import Prediction
from pymer_bridge.models.preparing import arguments_of
from pymer_bridge.spec import options
from pymer_bridge.spec.design_values import Given


class Designing(Prediction, MixedFit):
    """The design of a further study."""

    __slots__ = ()

    def design(
        self,
        fixed: Mapping[str, float] | None = None,
        *,
        std_devs: Mapping[str, Any] | None = None,
        correlations: Mapping[str, Any] | None = None,
        residual: float | None = None,
        frame: Any = None,
    ) -> Design:
        """Take this model for a pilot: describe data to come with its parameters.

        Parameters
        ----------
        fixed, std_devs, correlations, residual
            Parameters in place of the estimates, as for :func:`pymer_bridge.design`; what is not
            named stays as it was estimated. An effect that a small study has found is likely too
            large: give the smallest one that matters.
        frame
            The rows that will be observed; those of this model by default.

        Returns
        -------
        Design
            For ``simulate``, ``power``, ``power_curve`` and ``sample_size``.

        Raises
        ------
        OptionError
            A parameter is unknown, or the model has weights, an offset as an argument, or a
            response that is no column of its own.
        DataConversionError
            ``frame`` lacks a column, or has one that cannot be sent to R.

        Notes
        -----
        R functions: ``fixef``, ``VarCorr`` and ``sigma``, and ``Sv_to_Cv`` of lme4. Correlations
        of a term whose standard deviation is 0 are taken as 0.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> pilot = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
        >>> design = pilot.design(fixed={"Days": 4})
        >>> design.terms["fixed", "Days"].value, round(design.terms["residual"].value, 1)
        (4.0, 25.6)
        """
        spec = self.spec
        if spec.fitter not in ("lmer", "glmer"):
            raise OptionError(
                f"a design is of a model of lmer() or glmer(), not of {spec.fitter}()"
            )
        for name in ("weights", "offset"):
            if getattr(spec, name) is not None:
                raise OptionError(f"the model has {name}=, which a design does not know")
        table = self._ask_anew("used_data", frames.frame_from_r) if frame is None else frame
        own = arguments_of(spec)
        return made_design(
            spec.formula,
            table,
            Given(fixed, std_devs, correlations, residual),
            self._parameters(),
            family=spec.family,
            contrasts=own["contrasts"] or None,
            data_name=spec.data_name,
            allow_functions=spec.allow_functions,
        )

    def _new_parameters(self, given: options.Parameters | None) -> dict[str, Any] | None:
        names = ("fixed", "std_devs", "correlations", "residual")
        if isinstance(given, Mapping) and given and not set(given) - set(names):
            of_design: Any = given
            given = cast("options.Parameters", self.design(**of_design).new_params)
        return options.check_parameters(given)

    def _parameters(self) -> dict[Any, float]:
        """Return the estimates as a design takes them."""
        found: dict[Any, float] = {("fixed", row.term): row.estimate for row in self._estimates()}
        components = self.variance_components
        for row in components.rows:
            of_group = ("std_devs", row.group, row.term)
            found["residual" if row.term is None else of_group] = row.std_dev
        for pair in components.correlations:
            pair_of = ("correlations", pair.group, (pair.term1, pair.term2))
            found[pair_of] = 0.0 if isnan(pair.correlation) else pair.correlation
        return found
