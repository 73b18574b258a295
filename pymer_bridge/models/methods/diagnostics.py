"""How each observation bears on a mixed model: methods of a model class."""

from __future__ import annotations

import pandas as pd

from pymer_bridge.models.base import Fitted
from pymer_bridge.results.decode import record as decode


class Diagnostics(Fitted):
    """Leverage, studentized residuals and Cook's distances."""

    __slots__ = ()

    def _case_figure(self, kind: str, name: str) -> pd.Series[float]:
        return self._ask("case_figure", decode.over_rows, self._index, name, kind=kind).copy()

    def hat_values(self) -> pd.Series[float]:
        """Return the leverage of each observation: the diagonal of the hat matrix.

        Returns
        -------
        pandas.Series
            On the data's own index; NaN for dropped rows under ``na_action="exclude"``.

        Raises
        ------
        RError
            R has none for this model, as for a nonlinear one.

        Notes
        -----
        R function: ``stats::hatvalues`` of lme4. Of a generalized model R warns that the hat
        matrix may not make sense.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
        >>> round(float(fit.hat_values().iloc[0]), 4)
        0.2293
        """
        return self._case_figure("hatvalues", "hat")

    def rstudent(self) -> pd.Series[float]:
        """Return the studentized residuals.

        Returns
        -------
        pandas.Series
            On the data's own index; NaN for dropped rows under ``na_action="exclude"``.

        Raises
        ------
        RError
            R has none for this model, as for a nonlinear one.

        Notes
        -----
        R function: ``stats::rstudent`` of lme4. They are what the installed lme4 gives: 2.0-1
        changed them. lme4 has no ``rstandard``.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
        >>> len(fit.rstudent())
        180
        """
        return self._case_figure("rstudent", "rstudent")

    def cooks_distance(self) -> pd.Series[float]:
        """Return Cook's distance of each observation.

        Returns
        -------
        pandas.Series
            On the data's own index; NaN for dropped rows under ``na_action="exclude"``.

        Raises
        ------
        RError
            R has none for this model, as for a nonlinear one.

        Notes
        -----
        R function: ``stats::cooks.distance`` of lme4.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
        >>> fit.cooks_distance().idxmax()
        59
        """
        return self._case_figure("cooks.distance", "cooks_distance")
