"""Lines, bands and outlines that pictures need, as R computes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pymer_bridge.data.frozen_arrays import frozen_array
from pymer_bridge.session.asking import ask
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
    at, low, high
        The band: where (at up to 200 quantiles), and between which values.
    intercept, slope
        Of the line through the quartiles.
    """

    theoretical: Floats
    at: Floats
    low: Floats
    high: Floats
    intercept: float
    slope: float


def _curve(found: dict[str, Any]) -> Curve:
    return Curve(frozen_array(found["x"]), frozen_array(found["y"]))


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
    return ask("normal_multiple", lambda found: float(found[0]), conf_level=level)


def lowess(x: ArrayLike, y: ArrayLike, *, robust: bool = True) -> Curve:
    """Return a smooth line through points (R: ``stats::lowess``).

    Parameters
    ----------
    x, y
        Two sequences of one length.
    robust
        Lay outliers aside, as ``plot`` of an ``lm`` does and that of a ``glm`` does not?

    Returns
    -------
    Curve
        One point per value, in the order of ``x``.

    Examples
    --------
    >>> lowess([3.0, 1.0, 2.0], [3.0, 1.0, 2.0]).x.tolist()
    [1.0, 2.0, 3.0]
    """
    return ask("lowess_line", _curve, x=_vector(x), y=_vector(y), robust=robust)


def normal_quantiles(values: ArrayLike, conf_level: float = 0.95) -> NormalQuantiles:
    """Return the points, the line and the band of a normal quantile plot.

    Parameters
    ----------
    values
        A sequence of numbers, none of them missing.
    conf_level
        How often the band holds all points of a normal sample.

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
    R functions: ``stats::qqnorm``, ``stats::qqline``; the band is the envelope [1]_ of 499 normal
    samples, drawn by ``rnorm`` from one seed, each moved to its own line. Of more than 1,000
    values only those are drawn at which the band is, by ``rgamma`` from their joint distribution.

    References
    ----------
    .. [1] Myllymäki, M., Mrkvička, T., Grabarnik, P., Seijo, H., & Hahn, U. (2017). Global
       envelope tests for spatial processes. Journal of the Royal Statistical Society B, 79(2),
       381-404.

    Examples
    --------
    >>> normal_quantiles([3.0, 1.0, 2.0]).theoretical.argsort().tolist()
    [1, 2, 0]
    """
    level = options.check_level(conf_level)

    def read(found: dict[str, Any]) -> NormalQuantiles:
        arrays = {name: frozen_array(found[name]) for name in ("theoretical", "at", "low", "high")}
        intercept, slope = float(found["intercept"][0]), float(found["slope"][0])
        return NormalQuantiles(**arrays, intercept=intercept, slope=slope)

    return ask("normal_quantiles", read, values=_vector(values), conf_level=level)


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
    matrix, middle = _vector(covariance), _vector(center)
    return ask("normal_ellipse", _curve, covariance=matrix, center=middle, level=share)


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

    def read(found: dict[str, Any]) -> list[dict[str, Any]]:
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

    return ask("group_boxes", read, values=_vector(values), codes=places)
