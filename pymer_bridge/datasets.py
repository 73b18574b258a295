"""Data sets that R packages carry."""

from __future__ import annotations

import re

import pandas as pd

from pymer_bridge import frames
from pymer_bridge.errors import OptionError, RError
from pymer_bridge.rsession import session


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
        if not isinstance(given, str) or not re.fullmatch(r"[A-Za-z][A-Za-z0-9._]*", given):
            raise OptionError(f"{what}={given!r} cannot be the name of a data set or package")
    if package != "datasets":
        session().require(package)
    try:
        record = session().call("load_dataset", name=name, package=package).value
    except RError as error:
        raise OptionError(error.message) from error
    frame = frames.frame_from_r(record)
    frame.attrs["name"] = name
    return frame
