"""The options of models and methods, and the checks of arguments before R sees them."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final, Literal, Protocol, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from pymer_bridge.errors import OptionError, shown
from pymer_bridge.spec.meanings import meant

Ddf = Literal["satterthwaite", "kenward-roger", "normal", "none"]
NormalDdf = Literal["normal", "none"]
PowerDdf = Literal["satterthwaite", "kenward-roger", "normal", "lrt", "anova"]
SummaryDdf = Literal["satterthwaite", "kenward-roger", "none"]
TestDdf = Literal["satterthwaite", "kenward-roger"]
MeansDdf = Literal["kenward-roger", "satterthwaite", "asymptotic"]
AnovaType = Literal["I", "II", "III"]
AnovaTest = Literal["F", "likelihood-ratio", "wald", "rao"]
TidyEffect = Literal["fixed", "ran_pars", "ran_vals", "ran_coefs"]
RandomScale = Literal["sdcor", "vcov"]
IntervalMethod = Literal["wald", "profile", "boot"]
TestFigure = Literal["partial-eta-squared", "statistic"]
TermOrder = Literal["model", "estimate"]
BootInterval = Literal["percentile", "basic", "normal"]
BOOT_TYPES: Final[Mapping[str, str]] = {"percentile": "perc", "basic": "basic", "normal": "norm"}
"""R's names for the kinds of bootstrap intervals."""

Bins = Literal["auto", "fd", "doane", "scott", "stone", "rice", "sturges", "sqrt"]
"""How numpy finds the number of bars of a histogram."""

BootIntervalSource = Literal["boot", "lmeresampler"]
BootstrapKind = Literal["parametric", "case", "residual", "wild", "semiparametric"]
NamedStatistic = Literal[
    "fixed_effects", "variance_components", "parameters", "random_effects", "predictions"
]


class AsNumpy(Protocol):
    """What numpy takes as an array."""

    @property
    def __array__(self) -> Callable[..., Any]:
        """Make the array."""


StatisticValues: TypeAlias = (
    float | np.number[Any] | np.bool_ | Mapping[str, Any] | Sequence[float] | AsNumpy
)
"""What a statistic in Python gives."""

StartingValues: TypeAlias = float | Sequence[float] | Mapping[str, float | Sequence[float]]
"""Of theta, or of R's named parts."""

Parameters: TypeAlias = Mapping[
    Literal["beta", "theta", "sigma", "fixed", "std_devs", "correlations", "residual"],
    float | Sequence[float] | Mapping[str, Any],
]
"""Parameters of a mixed model, by R's names or by those of a design."""

Hccme = Literal["hc2", "hc3"]
AuxiliaryDistribution = Literal["mammen", "rademacher"]
RatioStart = Literal["warm", "cold", "multiple"]
ReForm = Literal["population"]
PredictionType = Literal["link", "response"]
LinearInterval = Literal["confidence", "prediction"]
PredictionInterval = LinearInterval
PredictionMethod = Literal["boot", "simulation"]
Route = Literal[
    "t",
    "normal",
    "satterthwaite",
    "kenward-roger",
    "profile",
    "F",
    "likelihood-ratio",
    "bootstrap-likelihood-ratio",
    "parametric-bootstrap",
    "case-bootstrap",
]
MeansType = Literal["link", "response", "unlink", "mu"]
MeansWeights = Literal["equal", "proportional", "outer", "cells", "flat"]
Side = Literal[
    "two-sided",
    "left",
    "right",
    "noninferiority",
    "nonsuperiority",
    "equivalence",
    "superiority",
    "inferiority",
    "<",
    ">",
    "!=",
]
Adjust = Literal[
    "tukey",
    "scheffe",
    "sidak",
    "dunnettx",
    "mvt",
    "bonferroni",
    "holm",
    "hochberg",
    "hommel",
    "BH",
    "BY",
    "fdr",
    "none",
]
ContrastFamily = Literal[
    "pairwise",
    "revpairwise",
    "tukey",
    "consec",
    "mean_chg",
    "poly",
    "eff",
    "del.eff",
    "dunnett",
    "trt.vs.ctrl",
    "trt.vs.ctrl1",
    "trt.vs.ctrlk",
    "identity",
    "helmert",
    "opoly",
]
NaAction = Literal["omit", "exclude", "fail", "pass"]
Column = Literal["single", "double"]
ResidualKind = Literal["response", "pearson", "deviance", "working"]
DrawnResidual = Literal["simulated", "response", "pearson", "deviance", "working"]
ContrastName = Literal["contr.treatment", "contr.sum", "contr.helmert", "contr.poly", "contr.SAS"]
Optimizer = Literal["nloptwrap", "bobyqa", "Nelder_Mead", "nlminbwrap", "optimx", "nmkbw", "none"]
AllFitOptimizer = Literal[
    "bobyqa",
    "Nelder_Mead",
    "nlminbwrap",
    "nmkbw",
    "optimx.L-BFGS-B",
    "nloptwrap.NLOPT_LN_NELDERMEAD",
    "nloptwrap.NLOPT_LN_BOBYQA",
]
DataFormat = Literal["csv", "rds"]
CheckAction = Literal["ignore", "message", "warning", "stop"]


def one_of(value: object, accepted: Any, argument: str) -> Any:
    """Return the member of a Literal type that is :func:`meant`.

    Raises
    ------
    OptionError
        There is none; the message lists what is accepted.
    """
    found = meant(value, accepted)
    if found is None:
        listed = ", ".join(repr(member) for member in get_args(accepted))
        raise OptionError(f"{argument}={shown(value)} is not accepted; choose one of: {listed}")
    return found


def each_of(values: object, accepted: Any, argument: str) -> tuple[Any, ...]:
    """Return the members of a Literal type that are meant, as :func:`one_of`.

    Raises
    ------
    OptionError
        One of them is no member.
    """
    if isinstance(values, str) or not isinstance(values, Iterable):
        values = (values,)
    return tuple(one_of(value, accepted, argument) for value in values)


def flag(value: object, argument: str) -> bool:
    """Check that an argument is True or False: "FALSE" and "ML" are true to Python.

    Raises
    ------
    OptionError
        It is neither.
    """
    if not isinstance(value, bool | np.bool_):
        raise OptionError(f"{argument}={shown(value)} must be True or False")
    return bool(value)


def whole(value: object, argument: str, minimum: int | None = None) -> int:
    """Check that an argument is a whole number, and not too small.

    Raises
    ------
    OptionError
        It is not.
    """
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise OptionError(f"{argument}={shown(value)} must be a whole number")
    if minimum is not None and value < minimum:
        raise OptionError(f"{argument}={shown(value)} must be at least {minimum}")
    if abs(int(value)) >= 2**31:
        raise OptionError(f"{argument}={shown(value)} must lie within R's integers, below 2**31")
    return int(value)


def finite(
    value: object, argument: str, *, above: float | None = None, least: float | None = None
) -> float:
    """Check that an argument is one finite number, and not too small.

    Raises
    ------
    OptionError
        It is not.
    """
    found = math.nan
    if isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool):
        with suppress(OverflowError):  # of an int with hundreds of digits
            found = float(value)
    if not math.isfinite(found):
        raise OptionError(f"{argument}={shown(value)} must be a number")
    if above is not None and found <= above:
        raise OptionError(f"{argument}={shown(value)} must be above {above:g}")
    if least is not None and found < least:
        raise OptionError(f"{argument}={shown(value)} must be at least {least:g}")
    return found


def random_seed(seed: object) -> int | None:
    """Check a seed: None, or an integer that R's ``set.seed`` takes.

    Raises
    ------
    OptionError
        It is neither.
    """
    return None if seed is None else whole(seed, "seed")


def array_of(given: object, wanted: str, dtype: Any = np.float64) -> NDArray[Any]:
    """Return numbers as an array of their own; ``wanted`` begins the error where they are none.

    Raises
    ------
    OptionError
        They are no numbers, or not of one shape.
    """
    try:
        return np.array(given, dtype=dtype, copy=True)
    except Exception as error:  # whatever an object raises that is asked for its numbers
        raise OptionError(f"{wanted}: {str(error)[:100]}") from None


def _floats(given: object) -> NDArray[np.float64]:
    """Return numbers; for anything else an array of a shape that no check accepts."""
    try:
        return array_of(given, "numbers")
    except OptionError:
        return np.empty((0, 0))


def numbers(given: object, argument: str) -> tuple[float, ...] | None:
    """Check that an argument is None or a sequence of numbers.

    Raises
    ------
    OptionError
        It is neither.
    """
    if given is None:
        return None
    rows = getattr(given, "index", None)
    if rows is not None and not callable(rows) and list(rows) != list(range(len(rows))):
        raise OptionError(
            f"{argument} has labels, and these numbers go by R's order: give .to_numpy()"
        )
    values = _floats(given)
    if values.ndim > 1:
        raise OptionError(f"{argument}={shown(given)} must be a number, or a sequence of numbers")
    return tuple(values.ravel().tolist())


def start_of_parts(given: object, parts: Sequence[str]) -> Any:
    """Check starting values of a mixed model: numbers of theta, or named parts.

    Raises
    ------
    OptionError
        They are neither, or a part has another name than R's.
    """
    if not isinstance(given, Mapping):
        return numbers(given, "start")
    if not given or set(given) - set(parts):
        raise OptionError(
            f"start={shown(given)}: as a mapping it takes R's {' and '.join(map(repr, parts))}"
        )
    return tuple((str(name), numbers(part, f"start[{name!r}]")) for name, part in given.items())


def check_parameters(given: Parameters | None) -> dict[str, Any] | None:
    """Check parameters that stand in place of estimates.

    Raises
    ------
    OptionError
        One has another name than R's, or is no numbers.
    """
    if given is None:
        return None
    names = ("beta", "theta", "sigma")
    if not given or set(given) - set(names):
        raise OptionError(
            f"new_params={shown(given)}: it takes R's {', '.join(map(repr, names))}, or some of "
            "them"
        )
    found: dict[str, Any] = {}
    for name, part in given.items():
        labels = list(map(str, part)) if isinstance(part, Mapping) else None
        values = list(part.values()) if isinstance(part, Mapping) else part
        said = f"new_params[{name!r}]"
        found[name] = {"values": np.array(numbers(values, said)), "names": labels}
    return found


def start_of_parameters(given: object) -> tuple[tuple[str, tuple[float, ...]], ...]:
    """Check starting values of a nonlinear model: one number for each parameter.

    Raises
    ------
    OptionError
        They are not.
    """
    example = "start={'Asym': 200, 'xmid': 725, 'scal': 350}"
    if not isinstance(given, Mapping) or not given:
        raise OptionError(f"start must give a number for each nonlinear parameter: {example}")
    found = []
    for name, value in given.items():
        values = _floats(value).ravel()
        if values.size != 1 or not np.isfinite(values[0]) or not str(name).isidentifier():
            raise OptionError(f"start[{shown(name)}]={shown(value)} must be one number: {example}")
        found.append((str(name), (float(values[0]),)))
    return tuple(found)


def check_level(conf_level: float, argument: str = "conf_level") -> float:
    """Check a confidence level.

    Raises
    ------
    OptionError
        It does not lie between 0 and 1.
    """
    if not 0.0 < float(conf_level) < 1.0:
        raise OptionError(f"{argument}={shown(conf_level)} must lie between 0 and 1, as in 0.95")
    return float(conf_level)


def check_data_name(name: str) -> str:
    """Check the name that the data gets in R's call and summary.

    Raises
    ------
    OptionError
        It is not a plain R name.
    """
    reserved = {"if", "else", "repeat", "while", "function", "for", "next", "break", "in"}
    reserved |= {"TRUE", "FALSE", "NULL", "Inf", "NaN", "NA"}
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9._]*", name) or name in reserved:
        raise OptionError(
            f"data_name={shown(name)} must be a plain R name: letters, digits, dots and underscores"
        )
    return name


def names_of(given: str | Sequence[str], argument: str) -> tuple[str, ...]:
    """Take one name or several, as a tuple.

    Raises
    ------
    OptionError
        It is empty, or holds something that is not a string.
    """
    many = tuple(given) if hasattr(given, "__iter__") else ()
    names = (given,) if isinstance(given, str) else many
    if not names or not all(isinstance(name, str) for name in names):
        raise OptionError(f"{argument}={shown(given)} must be a name or several names")
    return names


def values_at(at: Mapping[str, Any] | None) -> dict[str, Any]:
    """Check the values of predictors at which means are wanted.

    Raises
    ------
    OptionError
        A value is neither a number nor a string.
    """
    result: dict[str, Any] = {}
    for name, given in (at or {}).items():
        values = list(np.atleast_1d(np.asarray(given, dtype=object)))
        plain = [value.item() if isinstance(value, np.generic) else value for value in values]
        if not plain or not all(isinstance(value, str | int | float) for value in plain):
            raise OptionError(f"at[{shown(name)}] must be numbers or levels, not {shown(given)}")
        result[str(name)] = plain
    return result
