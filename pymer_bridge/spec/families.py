"""Families of generalized models: distributions and links, checked before R sees them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

from pymer_bridge.errors import OptionError, shown
from pymer_bridge.spec.arguments import Public, checked
from pymer_bridge.spec.meanings import folded, meant

FamilyName = Literal[
    "binomial",
    "poisson",
    "Gamma",
    "inverse.gaussian",
    "gaussian",
    "quasi",
    "quasibinomial",
    "quasipoisson",
]
LinkName = Literal[
    "logit", "probit", "cauchit", "cloglog", "log", "sqrt", "identity", "inverse", "1/mu^2"
]

FAMILIES: Final = (*get_args(FamilyName), "negative.binomial")
"""R's functions that make families; each takes every link."""


@dataclass(frozen=True, slots=True)
class Family(Public):
    """A family as R's call writes it.

    Attributes
    ----------
    name
        R's name of the family function.
    link
        The link; None for R's default.
    theta
        The size parameter of a negative binomial; None for other families.
    """

    name: str
    link: str | None = None
    theta: float | None = None

    def __post_init__(self) -> None:
        # R calls what this names.
        if self.name not in FAMILIES:
            raise OptionError(
                f"family={shown(self.name)} is not accepted; choose one of: "
                f"{', '.join(map(repr, get_args(FamilyName)))}, or pb.negative_binomial(theta)"
            )
        if self.link is not None and self.link not in get_args(LinkName):
            raise OptionError(
                f"link={shown(self.link)} is not accepted; choose one of: "
                f"{', '.join(map(repr, get_args(LinkName)))}"
            )

    def to_r(self) -> dict[str, Any]:
        """Return the mapping that ``family_call()`` in R takes."""
        return {"name": self.name, "link": self.link, "theta": self.theta}


def family_of(family: object, link: str | None, *, mixed: bool) -> Family:
    """Check the family that a user asks for.

    Raises
    ------
    OptionError
        The family or the link is not known, both state a link, or lme4 does not fit such models.
    """
    if isinstance(family, Family):
        if link is not None:
            raise OptionError("give the link to the family itself, or as link=, and not both")
        checked = family
    else:
        name = family if isinstance(family, str) else shown(family)
        if folded(name) in ("negativebinomial", "negbin", "nbinom", "nb"):
            raise OptionError(
                "a negative binomial needs its size: pb.negative_binomial(theta); pb.glmer_nb() "
                "estimates it"
            )
        if isinstance(family, str) and "(" in name:
            raise OptionError(
                f"family={shown(name)} must be the name alone; its link is given as link=, as in "
                "family='binomial', link='probit'"
            )
        checked = Family(meant(name, FamilyName) or name, meant(link, LinkName) or link)
    if mixed and checked.name.startswith("quasi"):
        raise OptionError(
            f"family={shown(checked.name)} has no likelihood, and lme4 fits no mixed models with it"
        )
    if mixed and checked.name == "gaussian" and checked.link in (None, "identity"):
        raise OptionError("a gaussian model with the identity link is fitted by lmer()")
    return checked


@checked
def negative_binomial(theta: float, link: LinkName | None = None) -> Family:
    """Make the negative binomial family with a known size parameter.

    Parameters
    ----------
    theta
        The size: the variance is mu + mu^2 / theta. :func:`pymer_bridge.glmer_nb` estimates it.
    link
        The link; None for the logarithm.

    Returns
    -------
    Family
        For ``family=`` of :func:`pymer_bridge.glmer` and :func:`pymer_bridge.glm`.

    Raises
    ------
    OptionError
        ``theta`` is not positive, or the link is not one of R's.

    Notes
    -----
    R function: ``MASS::negative.binomial`` [1]_.

    References
    ----------
    .. [1] Venables, W. N. and Ripley, B. D. (2002). Modern Applied Statistics with S. Springer.

    Examples
    --------
    >>> import pymer_bridge as pb
    >>> pb.negative_binomial(2.5).theta
    2.5
    """
    if isinstance(theta, bool) or not isinstance(theta, int | float) or not theta > 0:
        raise OptionError(f"theta={shown(theta)} must be a positive number")
    return Family("negative.binomial", link, float(theta))
