"""Models on the command line: the options that say which, and the fit."""

from __future__ import annotations

import argparse
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

from pymer_bridge.errors import OptionError, PymerError
from pymer_bridge.session import installation
from pymer_bridge.session.data_sources import read_data
from pymer_bridge.session.r_session import session

FAMILIES: Final = (
    "binomial",
    "poisson",
    "Gamma",
    "inverse.gaussian",
    "gaussian",
    "negative-binomial",
)
LINKS: Final = (
    "logit",
    "probit",
    "cauchit",
    "cloglog",
    "log",
    "sqrt",
    "identity",
    "inverse",
    "1/mu^2",
)
DDF: Final = ("satterthwaite", "kenward-roger", "normal", "none")


def add_model(parser: argparse.ArgumentParser) -> None:
    """Add what says which model is to be fitted, to which data."""
    parser.add_argument(
        "data", help="a .csv, .parquet or .xlsx file, or PACKAGE::NAME for a data set of R"
    )
    parser.add_argument("formula", help="lme4's formula, quoted: 'y ~ x + (1 | group)'")
    parser.add_argument(
        "--ml", action="store_true", help="maximum likelihood (default: restricted, REML)"
    )
    parser.add_argument(
        "--family",
        choices=FAMILIES,
        help="fit a generalized model with glmer (negative-binomial: with glmer.nb)",
    )
    parser.add_argument("--link", choices=LINKS, help="the link of the family (default: R's)")
    for name, what in (("weights", "weights"), ("offset", "offset"), ("subset", "rows to use")):
        parser.add_argument(f"--{name}", metavar="TEXT", help=f"{what}: a column or an expression")
    parser.add_argument(
        "--contrasts",
        metavar="FACTOR=NAME",
        action="append",
        default=[],
        help="the contrasts of a factor, such as f=contr.sum; may be given again",
    )
    parser.add_argument("--optimizer", help="the optimizer, by R's name, such as bobyqa")
    add_allowed(parser)
    parser.add_argument(
        "--ddf",
        choices=DDF,
        help="how the fixed effects are tested (default: satterthwaite; of generalized models: "
        "normal)",
    )


def add_allowed(parser: argparse.ArgumentParser) -> None:
    """Add what a formula may call besides."""
    parser.add_argument(
        "--allow-function",
        metavar="NAME",
        action="append",
        default=[],
        help="a function that the formula may call besides the usual ones; may be given again",
    )


def fit_model(options: argparse.Namespace) -> Any:
    """Fit the model that the options say.

    Raises
    ------
    PymerError
        As for :func:`pymer_bridge.lmer` and :func:`pymer_bridge.glmer`.
    """
    import pymer_bridge as pb  # noqa: PLC0415  # --help must not wait for it

    generalized = options.family is not None
    if generalized and options.ml:
        raise OptionError("--ml is for linear models: generalized ones have no REML")
    if options.link is not None and not generalized:
        raise OptionError("--link needs --family")
    asked: dict[str, Any] = {name: getattr(options, name) for name in ("weights", "offset")}
    asked |= {"subset": options.subset, "allow_functions": tuple(options.allow_function)}
    asked["contrasts"] = dict(map(_contrast, options.contrasts)) or None
    if options.optimizer is not None:
        control = pb.glmer_control if generalized else pb.lmer_control
        asked["control"] = control(options.optimizer)
    with _packages_loading(options):
        data = read_data(options.data)
        lmer, glmer, glmer_nb = pb.lmer, pb.glmer, pb.glmer_nb  # imported here
    if not generalized:
        return lmer(options.formula, data, reml=not options.ml, **asked)
    if options.family != "negative-binomial":
        family = {"family": options.family, "link": options.link}
        return glmer(options.formula, data, **family, **asked)
    if options.link is not None:
        raise OptionError("--link cannot be chosen with --family negative-binomial")
    return glmer_nb(options.formula, data, **asked)


@contextmanager
def _packages_loading(options: argparse.Namespace) -> Iterator[None]:
    """Let R load its packages, each of which takes about a second, while Python does something."""
    packages = ("lme4", *installation.DDF_PACKAGES.get(ddf_of(options), ()))

    def load() -> None:
        with suppress(PymerError):  # whoever needs the package meets the same error
            for package in packages:
                session().require(package)

    # R starts before, as it sets variables that a library being loaded may be reading.
    session().start()
    loading = threading.Thread(target=load, daemon=True)
    loading.start()
    yield
    loading.join()


def ddf_of(options: argparse.Namespace) -> Any:
    """Return how the fixed effects of the model are to be tested."""
    default = "satterthwaite" if options.family is None else "normal"
    return options.ddf or default


def _contrast(text: str) -> tuple[str, str]:
    factor, equals, name = text.rpartition("=")
    if not equals:
        raise OptionError(f"--contrasts {text!r} must be FACTOR=NAME, such as f=contr.sum")
    return factor, name
