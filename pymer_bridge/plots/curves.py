"""Lines, bands and outlines that pictures need, as R computes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pymer_bridge.data.arrays import frozen_array
from pymer_bridge.results.decode import record as decode
from pymer_bridge.session.r_session import session
from pymer_bridge.spec import options

Floats = NDArray[np.float64]


class Curve(NamedTuple):
    """A line through points, in order.

    Attributes
    ----------
    x, y
        Read-only arrays of one length.
    """

    x: Floats
    y: Floats


@dataclass(frozen=True, slots=True, eq=False)
class NormalQuantiles:
    """What a normal quantile plot shows.

    Attributes
    ----------
    theoretical
        The normal quantile of each value, in the order given.
    intercept, slope
        Of the line through the quartiles.
    at, low, high
        The band: where, and between which values.
    """

    theoretical: Floats
    intercept: float
    slope: float
    at: Floats
    low: Floats
    high: Floats


def _vector(values: ArrayLike) -> Floats:
    return np.ascontiguousarray(values, dtype=np.float64).ravel()


def normal_multiple(conf_level: float) -> float:
    """Return how many standard deviations a two-sided normal interval takes (R: ``qnorm``).

    Parameters
    ----------
    conf_level
        Its level.

    Returns
    -------
    float
        Without a unit.

    Raises
    ------
    OptionError
        ``conf_level`` is not accepted.

    Examples
    --------
    >>> round(normal_multiple(0.95), 2)
    1.96
    """
    level = options.check_level(conf_level)
    return float(session().call("normal_multiple", conf_level=level).value[0])


def lowess(x: ArrayLike, y: ArrayLike) -> Curve:
    """Return a smooth line through points (R: ``stats::lowess``).

    Parameters
    ----------
    x, y
        Two sequences of one length.

    Returns
    -------
    Curve
        One point per value, in the order of ``x``.

    Examples
    --------
    >>> lowess([3.0, 1.0, 2.0], [3.0, 1.0, 2.0]).x.tolist()
    [1.0, 2.0, 3.0]
    """
    found = session().call("lowess_line", x=_vector(x), y=_vector(y)).value
    return Curve(frozen_array(found["x"]), frozen_array(found["y"]))


def normal_quantiles(values: ArrayLike, conf_level: float = 0.95) -> NormalQuantiles:
    """Return the points, the line and the band of a normal quantile plot.

    Parameters
    ----------
    values
        A sequence of numbers, none of them missing.
    conf_level
        The probability with which the band holds each point by itself.

    Returns
    -------
    NormalQuantiles
        In units of the values.

    Raises
    ------
    OptionError
        ``conf_level`` is not accepted.

    Notes
    -----
    R functions: ``stats::qqnorm``, ``stats::qqline``; the band is that of ``car::qqPlot`` [1]_.

    References
    ----------
    .. [1] Fox, J. (2016). Applied Regression Analysis and Generalized Linear Models, 12.1. Sage.

    Examples
    --------
    >>> normal_quantiles([3.0, 1.0, 2.0]).theoretical.argsort().tolist()
    [1, 2, 0]
    """
    level = options.check_level(conf_level)
    found = session().call("normal_quantiles", values=_vector(values), conf_level=level).value
    return NormalQuantiles(
        theoretical=frozen_array(found["theoretical"]),
        intercept=decode.number(found, "intercept"),
        slope=decode.number(found, "slope"),
        at=frozen_array(found["at"]),
        low=frozen_array(found["low"]),
        high=frozen_array(found["high"]),
    )


def normal_ellipse(
    covariance: ArrayLike, center: tuple[float, float], level: float = 0.95
) -> Curve:
    """Return the outline that holds a share of a bivariate normal distribution.

    Parameters
    ----------
    covariance
        A matrix of two by two.
    center
        Its middle.
    level
        The share inside.

    Returns
    -------
    Curve
        A closed line.

    Raises
    ------
    OptionError
        ``level`` is not accepted.

    Notes
    -----
    R functions: ``eigen`` and ``stats::qchisq``.

    Examples
    --------
    >>> normal_ellipse([[1.0, 0.5], [0.5, 1.0]], (0.0, 0.0)).x.shape
    (101,)
    """
    share = options.check_level(level)
    ellipse = {"covariance": _vector(covariance), "center": _vector(center), "level": share}
    found = session().call("normal_ellipse", **ellipse).value
    return Curve(frozen_array(found["x"]), frozen_array(found["y"]))


def boxes(values: ArrayLike, codes: ArrayLike, levels: Sequence[str]) -> list[dict[str, Any]]:
    """Return the figures of a box plot, group by group (R: ``grDevices::boxplot.stats``).

    Parameters
    ----------
    values
        A sequence of numbers.
    codes
        For each of them the position of its group in ``levels``.
    levels
        The groups.

    Returns
    -------
    list of dict
        One per group that has values, as ``Axes.bxp`` of matplotlib takes them.

    Examples
    --------
    >>> boxes([1.0, 2.0, 3.0, 9.0], [0, 0, 0, 1], ["a", "b"])[0]["med"]
    2.0
    """
    places = np.asarray(codes, dtype=np.int32) + np.int32(1)
    found = session().call("group_boxes", values=_vector(values), codes=places).value
    names = ("whislo", "q1", "med", "q3", "whishi")
    figures = found["figures"].reshape((5, -1), order="F").T.tolist()
    return [
        {
            "label": levels[group - 1],
            "fliers": found["outside"][found["outside_group"] == group].tolist(),
            **dict(zip(names, row, strict=True)),
        }
        for group, row in zip(found["groups"].tolist(), figures, strict=True)
    ]
