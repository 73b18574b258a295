"""One coefficient in a line, as papers write it: a method of a model class."""

from __future__ import annotations

from typing import Any

from pymer_bridge.display import apa
from pymer_bridge.models.base import Fitted
from pymer_bridge.results.fixed_effects import FixedEffect, FixedEffects
from pymer_bridge.spec import options


def sentence(effects: FixedEffects, term: str, *, interval: bool = False) -> str:
    """Return one row of fixed effects in a line.

    Parameters
    ----------
    effects
        Fixed effects, with whichever degrees of freedom.
    term
        Which of them.
    interval
        Say the confidence interval as well?

    Returns
    -------
    str
        Such as "b = 10.47, SE = 1.55, t(17.00) = 6.77, p < .001".

    Raises
    ------
    KeyError
        There is no such term.
    """
    row: FixedEffect = effects[term]
    decimals = apa.decimals_for([row.std_error])
    parts = [
        f"b = {apa.number(row.estimate, decimals)}",
        f"SE = {apa.number(row.std_error, decimals)}",
    ]
    if interval and row.conf_low is not None:
        ends = (row.conf_low, row.conf_high)
        parts.append(apa.interval(*ends, effects.conf_level, decimals))
    parts.append(apa.statistic("z" if effects.ddf == "normal" else "t", row.statistic, row.df))
    if effects.ddf != "none":
        parts.append(apa.p_value(row.p_value))
    return ", ".join(parts)


class Reporting(Fitted):
    """Coefficients in words."""

    __slots__ = ()

    def fixed_effects(self, *args: Any, **arguments: Any) -> FixedEffects:
        """Return the fixed effects."""
        raise NotImplementedError

    def report(
        self,
        term: str,
        ddf: options.Ddf | None = None,
        *,
        interval: bool = False,
        conf_level: float = 0.95,
    ) -> str:
        """Return one coefficient in a line, as papers write it.

        Parameters
        ----------
        term
            A fixed effect.
        ddf
            Degrees of freedom, as of ``fixed_effects()``; its default where None.
        interval
            Say the confidence interval as well?
        conf_level
            Its level.

        Returns
        -------
        str
            Estimate, standard error, test and p-value, rounded by APA's rules: two decimals, or
            as many as show the standard error to two digits; p-values with three, and from
            .001 to .999; no leading zero where a figure cannot exceed 1.

        Raises
        ------
        KeyError
            The model has no such term.
        OptionError
            An argument is not accepted.

        Notes
        -----
        The figures are those of ``fixed_effects()``. A test without degrees of freedom
        (``ddf="none"``) has no p-value.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
        >>> fit.report("Days")
        'b = 10.47, SE = 1.55, t(17.00) = 6.77, p < .001'
        """
        chosen: dict[str, Any] = {} if ddf is None else {"ddf": ddf}
        effects = self.fixed_effects(conf_level=conf_level, **chosen)
        return sentence(effects, term, interval=options.flag(interval, "interval"))
