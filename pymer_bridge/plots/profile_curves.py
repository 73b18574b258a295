"""Curves of a likelihood profile, as R computes them from its points."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pymer_bridge.data.frozen_arrays import frozen_floats
from pymer_bridge.errors import OptionError
from pymer_bridge.results.intervals import LEVELS, Profile
from pymer_bridge.session.asking import ask
from pymer_bridge.spec import options

Floats = NDArray[np.float64]
KINDS: Final = ("", "natural_")
"""What the names of traces begin with: in zeta, and in their own units."""


@dataclass(frozen=True, slots=True, eq=False)
class ZetaCurve:
    """The profile of one parameter.

    Attributes
    ----------
    parameter
        R's name.
    x, zeta
        Corners of the curve.
    cuts, at
        zeta of the levels asked for, falling then rising, and the parameter there; NaN where
        the profile does not reach it.
    """

    parameter: str
    x: Floats
    zeta: Floats
    cuts: Floats
    at: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Traces:
    """What belongs together of two parameters, in one kind of units.

    Attributes
    ----------
    outlines
        Array of levels by corners by two: joint confidence regions.
    first, second
        Arrays of corners by two: the way on which the first, or the second, is held and the
        other at its best.
    """

    outlines: Floats
    first: Floats
    second: Floats


@dataclass(frozen=True, slots=True, eq=False)
class ProfilePair:
    """Two parameters of a profile, in zeta and in their own units.

    Attributes
    ----------
    first, second
        R's names.
    zeta, natural
        Their traces and regions in both kinds of units.
    """

    first: str
    second: str
    zeta: Traces
    natural: Traces


def _points(profile: Profile, levels: Sequence[float]) -> dict[str, Any]:
    if not len(levels):
        raise OptionError("conf_levels must be one level or more")
    return {
        "parameters": profile.parameters,
        "profiled": profile.profiled,
        "zeta": np.array(profile.zeta),
        "values": np.array(profile.values).ravel(order="F"),
        "conf_levels": np.array([options.check_level(level, "conf_levels") for level in levels]),
    }


def zeta_curves(profile: Profile, conf_levels: Sequence[float] = LEVELS) -> tuple[ZetaCurve, ...]:
    """Return the curve of each profiled parameter.

    Parameters
    ----------
    profile
        Made by ``fit.profile()``.
    conf_levels
        Levels whose intervals are marked.

    Returns
    -------
    tuple of ZetaCurve
        In the order of the parameters.

    Raises
    ------
    OptionError
        A level is not accepted.

    Notes
    -----
    R functions: ``splines::interpSpline`` and ``splines::backSpline``, as in lme4's ``xyplot``
    of a profile.

    Examples
    --------
    >>> import pymer_bridge as pb
    >>> fit = pb.lmer("Yield ~ 1 + (1 | Batch)", pb.load_dataset("Dyestuff"), reml=False)
    >>> [curve.parameter for curve in zeta_curves(fit.profile())]
    ['.sig01', '.sigma', '(Intercept)']
    """

    def read(found: Mapping[str, Any]) -> tuple[ZetaCurve, ...]:
        return tuple(
            ZetaCurve(
                name, *(frozen_floats(found[name][part]) for part in ("x", "y", "cuts", "at"))
            )
            for name in profile.parameters
            if name in found
        )

    return ask("profile_curves", read, **_points(profile, conf_levels))


def profile_pairs(
    profile: Profile, conf_levels: Sequence[float] = LEVELS
) -> tuple[ProfilePair, ...]:
    """Return traces and joint regions of each pair of profiled parameters.

    Parameters
    ----------
    profile
        Made by ``fit.profile()``, of two parameters or more.
    conf_levels
        Levels of the regions.

    Returns
    -------
    tuple of ProfilePair
        In the order of the parameters.

    Raises
    ------
    OptionError
        A level is not accepted.

    Notes
    -----
    What lme4's ``splom`` of a profile computes [1]_. As lme4 does, it warns of singular fits,
    where that is unreliable.

    References
    ----------
    .. [1] Bates, D. M. and Watts, D. G. (1988). Nonlinear Regression Analysis and Its
       Applications, chapter 6. Wiley.

    Examples
    --------
    >>> import pymer_bridge as pb
    >>> fit = pb.lmer("Yield ~ 1 + (1 | Batch)", pb.load_dataset("Dyestuff"), reml=False)
    >>> len(profile_pairs(fit.profile()))
    3
    """
    n = len(conf_levels)

    def read(found: Sequence[Mapping[str, Any]]) -> tuple[ProfilePair, ...]:
        return tuple(
            ProfilePair(
                one["first"][0], one["second"][0], *(_traces(one, kind, n) for kind in KINDS)
            )
            for one in found
        )

    return ask("profile_pairs", read, **_points(profile, conf_levels))


def _traces(record: Mapping[str, Any], kind: str, n: int) -> Traces:
    outlines = record[f"{kind}outline"].reshape((n, -1, 2), order="F")
    first, second = (
        record[f"{kind}trace_{which}"].reshape((-1, 2), order="F") for which in ("first", "second")
    )
    return Traces(frozen_floats(outlines), frozen_floats(first), frozen_floats(second))
