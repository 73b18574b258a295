"""Control objects of lme4: which optimizer, how long, which checks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from pymer_bridge.errors import OptionError, listed, shown
from pymer_bridge.spec.annotations import fits_one, kinds_of
from pymer_bridge.spec.arguments import Public, checked
from pymer_bridge.spec.meanings import refusal
from pymer_bridge.spec.options import CheckAction, Optimizer, each_of, one_of

_SHARED: Final = (
    "restart_edge boundary.tol calc.derivs use.last.params sparseX standardize.X autoscale"
    " check.nobs.vs.rankZ check.nobs.vs.nlev check.nlev.gtreq.5 check.nlev.gtr.1"
    " check.nobs.vs.nRE check.rankX check.scaleX check.formula.LHS check.conv.grad"
    " check.conv.singular check.conv.hess check.conv.nobsmax check.conv.nparmax"
)
_GENERALIZED: Final = (
    " tolPwrss compDev nAGQ0initStep check.response.not.const disp_method maxPhiIter"
    " disp_dof_correction"
)

CONTROL_NAMES: Final = {
    constructor: {name.replace(".", "_"): name for name in names.split()}
    for constructor, names in (
        ("lmerControl", _SHARED),
        ("glmerControl", _SHARED + _GENERALIZED),
        ("nlmerControl", "tolPwrss"),
    )
}
"""Arguments of each of R's constructors: underscores in Python, dots in R."""


_OPTIONS: Final = {
    "nloptwrap": "algorithm stopval ftol_rel ftol_abs xtol_rel xtol_abs maxeval maxtime"
    " tol_constraints_ineq tol_constraints_eq print_level check_derivatives check_derivatives_tol"
    " check_derivatives_print print_options_doc population ranseed",
    "bobyqa": "npt rhobeg rhoend iprint maxfun",
    "Nelder_Mead": "iprint maxfun FtolAbs FtolRel XtolRel MinfMax xst xt verbose warnOnly",
    "nlminbwrap": "eval.max iter.max trace abs.tol rel.tol x.tol xf.tol step.min step.max sing.tol"
    " scale.init diff.g",
}
"""The options of R's optimizers; of those of other packages all are taken."""

_DEFAULTS: Final = {
    "lmerControl": ("nloptwrap",),
    "glmerControl": ("bobyqa", "Nelder_Mead"),
    "nlmerControl": ("Nelder_Mead",),
}
"""R's own optimizers."""


@dataclass(frozen=True, slots=True)
class Control(Public):
    """A control object of lme4: which optimizer, how long, which checks.

    Made by :func:`lmer_control`, :func:`glmer_control` or :func:`nlmer_control`.
    """

    constructor: str
    arguments: tuple[tuple[str, Any], ...]

    def __post_init__(self) -> None:
        # R calls what this names.
        if self.constructor not in CONTROL_NAMES:
            raise OptionError(f"{shown(self.constructor)} makes no control object")

    def to_r(self) -> dict[str, Any]:
        """Return the nested mapping that ``control_call()`` in R takes."""
        arguments = {
            name: dict(value) if isinstance(value, tuple) else value
            for name, value in self.arguments
        }
        return {"constructor": self.constructor, "arguments": arguments}


@checked
def lmer_control(
    optimizer: Optimizer | None = None,
    *,
    optCtrl: Mapping[str, float | int | str] | None = None,  # noqa: N803  # R's name
    **arguments: Any,
) -> Control:
    """Make a control object for :func:`pymer_bridge.lmer`.

    Parameters
    ----------
    optimizer
        The optimizer, by R's name; R's choice by default.
    optCtrl
        Options of the optimizer, by R's names, such as ``{"maxfun": 20000}``.
    **arguments
        Any other argument of lmerControl, with underscores for dots, such as
        ``check_conv_singular="ignore"`` or ``calc_derivs=False``. A convergence check may be a
        mapping with ``action`` and ``tol``, as lme4's ``.makeCC()`` takes them.

    Returns
    -------
    Control
        A frozen object.

    Raises
    ------
    OptionError
        A name or a value that lmerControl does not know.

    Notes
    -----
    R function: ``lme4::lmerControl``.

    Examples
    --------
    >>> import pymer_bridge as pb
    >>> pb.lmer_control(optimizer="bobyqa", optCtrl={"maxfun": 20000}).constructor
    'lmerControl'
    """
    return _control("lmerControl", optimizer, optCtrl, arguments)


@checked
def glmer_control(
    optimizer: Optimizer | Sequence[Optimizer] | None = None,
    *,
    optCtrl: Mapping[str, float | int | str] | None = None,  # noqa: N803  # R's name
    **arguments: Any,
) -> Control:
    """Make a control object for :func:`pymer_bridge.glmer`.

    Parameters
    ----------
    optimizer
        The optimizer of both stages, or one of each; R's choice by default.
    optCtrl
        Options of the optimizer, by R's names, such as ``{"maxfun": 20000}``.
    **arguments
        Any other argument of glmerControl, with underscores for dots, such as ``tolPwrss=1e-8``
        or ``check_conv_grad={"action": "ignore", "tol": 0.01}``.

    Returns
    -------
    Control
        A frozen object.

    Raises
    ------
    OptionError
        A name or a value that glmerControl does not know.

    Notes
    -----
    R function: ``lme4::glmerControl``.

    Examples
    --------
    >>> import pymer_bridge as pb
    >>> pb.glmer_control(optimizer=("Nelder_Mead", "bobyqa")).constructor
    'glmerControl'
    """
    return _control("glmerControl", optimizer, optCtrl, arguments)


@checked
def nlmer_control(
    optimizer: Optimizer | None = None,
    *,
    optCtrl: Mapping[str, float | int | str] | None = None,  # noqa: N803  # R's name
    **arguments: Any,
) -> Control:
    """Make a control object for :func:`pymer_bridge.nlmer`.

    Parameters
    ----------
    optimizer
        The optimizer, by R's name; R's choice by default.
    optCtrl
        Options of the optimizer, by R's names.
    **arguments
        ``tolPwrss``: the tolerance of the inner iterations.

    Returns
    -------
    Control
        A frozen object.

    Raises
    ------
    OptionError
        A name or a value that nlmerControl does not know.

    Notes
    -----
    R function: ``lme4::nlmerControl``.

    Examples
    --------
    >>> import pymer_bridge as pb
    >>> pb.nlmer_control(tolPwrss=1e-8).constructor
    'nlmerControl'
    """
    return _control("nlmerControl", optimizer, optCtrl, arguments)


def check_control(control: object, constructor: str) -> Control | None:
    """Check that a control object is there for this kind of model.

    Raises
    ------
    OptionError
        It is of another kind, or no control object at all.
    """
    if control is None:
        return None
    if not isinstance(control, Control) or control.constructor != constructor:
        maker = _python_name(constructor)
        raise OptionError(
            f"control must be made by {maker}(), as in control=pb.{maker}(optCtrl={{...}})"
        )
    return control


def _python_name(constructor: str) -> str:
    return constructor.replace("Control", "_control")


def _control(
    constructor: str,
    optimizer: object,
    options: Mapping[str, Any] | None,
    arguments: Mapping[str, Any],
) -> Control:
    chosen: list[tuple[str, Any]] = []
    if isinstance(optimizer, str):
        optimizer = one_of(optimizer, Optimizer, "optimizer")
        chosen.append(("optimizer", None if optimizer == "none" else optimizer))
    elif optimizer is not None:
        chosen.append(("optimizer", _stages(optimizer)))
    known = CONTROL_NAMES[constructor]
    for name, value in arguments.items():
        if name not in known:
            takes = ("optimizer", "optCtrl", *known)
            raise OptionError(refusal(_python_name(constructor), name, takes))
        chosen.append((known[name], _control_value(name, value)))
    if options:
        _check_options(options, dict(chosen).get("optimizer", _DEFAULTS[constructor]))
        chosen.append(("optCtrl", tuple((str(k), _scalar(k, v)) for k, v in options.items())))
    return Control(constructor, tuple(chosen))


def _check_options(options: Mapping[str, Any], optimizer: Any) -> None:
    """Refuse options that no optimizer has: R would go on without them."""
    names = (optimizer,) if isinstance(optimizer, str | None) else tuple(optimizer)
    if not _OPTIONS.keys() >= set(names):
        return
    known = [option for name in names for option in _OPTIONS[name].split()]
    unknown = [option for option in options if option not in known]
    if unknown:
        raise OptionError(
            f"optCtrl names {listed(unknown)}; {' and '.join(dict.fromkeys(names))} takes: "
            f"{listed(dict.fromkeys(known))}"
        )


def _stages(optimizer: Any) -> list[str]:
    given = optimizer if isinstance(optimizer, Sequence) else [optimizer]
    stages = list(each_of(given, Optimizer, "optimizer"))
    if len(stages) != 2 or "none" in stages:
        raise OptionError(
            f"optimizer={shown(optimizer)} must be one optimizer, or one of each stage"
        )
    return stages


def _scalar(name: str, value: Any) -> float | int | str | bool:
    plain = value.item() if isinstance(value, np.generic) else value
    if isinstance(plain, bool):
        return plain
    if isinstance(plain, int | float | str) and fits_one(plain, kinds_of(str | float)):
        return plain
    raise OptionError(f"{name}={shown(value)} must be a number, a string or a bool")


def _control_value(name: str, value: Any) -> Any:
    if isinstance(value, Mapping):
        unknown = set(value) - {"action", "tol", "relTol"}
        if unknown or "action" not in value:
            raise OptionError(f"{name} as a mapping takes 'action', 'tol' and 'relTol'")
        value = {**value, "action": one_of(value["action"], CheckAction, f"{name}['action']")}
        return tuple((str(key), None if v is None else _scalar(key, v)) for key, v in value.items())
    return _scalar(name, value)
