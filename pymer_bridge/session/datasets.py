"""Data sets: those that R packages carry, and one to learn with."""

from __future__ import annotations

import re

import pandas as pd

from pymer_bridge.data import frames
from pymer_bridge.errors import OptionError, RError, shown
from pymer_bridge.session.asking import ask
from pymer_bridge.session.r_session import session
from pymer_bridge.spec import options
from pymer_bridge.spec.arguments import checked


@checked
def load_dataset(name: str, package: str = "lme4") -> pd.DataFrame:
    """Return a data set that an installed R package carries.

    Parameters
    ----------
    name
        The data set, such as "sleepstudy".
    package
        The R package.

    Returns
    -------
    pandas.DataFrame
        Factors as Categoricals, in R's level order; ``attrs["name"]`` is the data set's name.

    Raises
    ------
    OptionError
        A name that no data set or package can have, or that this package does not carry.
    REnvironmentError
        The R package is not installed.

    Notes
    -----
    R function: ``utils::data``.

    Examples
    --------
    >>> import pymer_bridge as pb
    >>> pb.load_dataset("sleepstudy", package="lme4").shape
    (180, 3)
    """
    for what, given in (("name", name), ("package", package)):
        if not isinstance(given, str) or not re.fullmatch(r"[A-Za-z][A-Za-z0-9._]{0,99}", given):
            raise OptionError(f"{what}={shown(given)} cannot be the name of a data set or package")
    if package != "datasets":
        session().require(package)
    try:
        frame = ask("load_dataset", frames.frame_from_r, name=name, package=package)
    except RError as error:
        raise OptionError(error.message) from None
    frame.attrs["name"] = name
    return frame


@checked
def simulate_childread(seed: int = 1) -> pd.DataFrame:
    """Return simulated reading ages of 132 children in 20 schools, to learn with.

    Schools differ in their children's start (standard deviation 1.5 years) and in what an hour of
    reading a week brings (0.9 years, correlated 0.5 with the start); the population line is
    1.75 + 1.15 hours, and children differ from their school's line by 2.1 years.

    Parameters
    ----------
    seed
        R's ``set.seed`` integer: another seed, other children.

    Returns
    -------
    pandas.DataFrame
        Columns child, school, hrs_week (hours of reading a week) and reading_age (years).

    Raises
    ------
    OptionError
        ``seed`` is not an integer that R takes.

    Notes
    -----
    R functions: ``set.seed``, ``rnorm`` and ``sample.int``; the state of R's generator is
    afterwards what it was before.

    Examples
    --------
    >>> import pymer_bridge as pb
    >>> childread = pb.simulate_childread()
    >>> childread.shape, childread["school"].nunique()
    ((132, 4), 20)
    """
    checked = options.random_seed(seed)
    if checked is None:
        raise OptionError("seed must be an integer: data to learn with can be drawn again")
    frame = ask("simulate_childread", frames.frame_from_r, seed=checked)
    frame.attrs["name"] = "childread"
    return frame
