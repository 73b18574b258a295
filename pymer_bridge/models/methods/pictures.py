"""What a mixed model gives to be drawn, and the door to its pictures: methods of a model class."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import is_bool_dtype, is_numeric_dtype

from pymer_bridge.data import frames
from pymer_bridge.errors import OptionError
from pymer_bridge.models.base import Fitted
from pymer_bridge.plots.accessor import FitPlots
from pymer_bridge.results import fixed_effects as results
from pymer_bridge.results import groups
from pymer_bridge.results.codec import frozen_array
from pymer_bridge.results.fixed_effects import INTERCEPT
from pymer_bridge.results.pooling import PoolingLines
from pymer_bridge.spec.model_spec import ModelSpec


class Pictures(Fitted):
    """Pictures of a mixed model, and the figures that they are drawn from."""

    __slots__ = ()

    n_groups: Mapping[str, int]
    spec: ModelSpec

    @property
    def group_coefficients(self) -> groups.GroupCoefficients:
        """Fixed plus random effects for each group."""
        raise NotImplementedError

    def _estimates(self) -> results.FixedEffects:
        raise NotImplementedError

    @property
    def plot(self) -> FitPlots:
        """Pictures of the model: ``fit.plot.lines()``, ``fit.plot.diagnostics()`` ..."""
        return FitPlots(self)

    @property
    def model_frame(self) -> pd.DataFrame:
        """The rows used, on the data's own index: response, predictors, grouping factors.

        R: ``model.frame`` and ``getME(fit, "flist")``. A term that is a matrix, such as that of a
        polynomial, is left out.
        """
        return self._ask("model_frame_parts", self._read_frame).copy()

    def _read_frame(self, record: Mapping[str, Any]) -> pd.DataFrame:
        frame = frames.frame_from_r(record)
        return frame.set_axis(self._index[record["rows"] - 1], axis=0)

    def pooling(self, group: str | None = None, predictor: str | None = None) -> PoolingLines:
        """Return the groups' lines: pooled completely, not at all, and partially.

        Parameters
        ----------
        group
            A grouping factor; R's first by default.
        predictor
            A numeric predictor; the only one by default.

        Returns
        -------
        PoolingLines
            Intercepts in units of the response, slopes in units of it by unit of the predictor.

        Raises
        ------
        OptionError
            The model has no such group or predictor, has other predictors too, so that its
            groups have no line in this one, or is not on the scale of the response.

        Notes
        -----
        R functions: ``stats::lm`` of all data and of each group's, and ``coef`` of the mixed
        model. The weights and the offset of the model are used.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
        >>> round(fit.pooling().complete[1], 3)
        10.467
        """
        if self.spec.fitter != "lmer":
            raise OptionError("pooling() compares with straight lines: it takes a model of lmer()")
        chosen = self._a_group(group)
        numeric = self._a_predictor(predictor)
        estimates = {row.term: row.estimate for row in self._estimates().rows}
        if set(estimates) != {INTERCEPT, numeric}:
            raise OptionError(
                f"the fixed effects are {', '.join(estimates)}: groups have one line each only "
                f"where they are {INTERCEPT} and one numeric predictor"
            )
        table = self.group_coefficients.group(chosen)
        partial = np.column_stack(
            [table.estimate[:, table.terms.index(term)] for term in (INTERCEPT, numeric)]
        )

        def read(record: Mapping[str, Any]) -> PoolingLines:
            if tuple(record["levels"]) != table.levels:  # R leaves out a level without rows
                raise OptionError(
                    f"{chosen!r} has levels that no row belongs to: take them out before the fit, "
                    f"as with data[{chosen!r}].cat.remove_unused_categories()"
                )
            alone = record["alone"].reshape((-1, 2), order="F")
            return PoolingLines(
                group=chosen,
                predictor=numeric,
                response=str(self.model_frame.columns[0]),
                levels=table.levels,
                complete=(float(record["complete"][0]), float(record["complete"][1])),
                # R's NA is a signalling NaN, of which numpy warns.
                none=frozen_array(np.where(np.isnan(alone), np.nan, alone)),
                partial=frozen_array(partial),
                population=(estimates[INTERCEPT], estimates[numeric]),
            )

        return self._ask("unpooled_lines", read, group=chosen, predictor=numeric)

    def _a_group(self, group: str | None) -> str:
        names = tuple(self.n_groups)
        if group is not None and group not in names:
            raise OptionError(f"no grouping factor {group!r}; there are: {', '.join(names)}")
        return names[0] if group is None else group

    def _a_predictor(self, predictor: str | None) -> str:
        frame = self.model_frame
        terms = [row.term for row in self._estimates().rows]
        numeric = [
            name
            for name in map(str, frame.columns[1:])
            if name in terms and is_numeric_dtype(frame[name]) and not is_bool_dtype(frame[name])
        ]
        if predictor is None and len(numeric) == 1:
            return numeric[0]
        if predictor not in numeric:
            asked = "say which predictor" if predictor is None else f"no predictor {predictor!r}"
            raise OptionError(f"{asked}; numeric ones are: {', '.join(numeric) or 'none'}")
        return predictor
