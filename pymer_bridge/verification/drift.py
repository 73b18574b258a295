"""Comparing the figures and versions of a record with those of now."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from pymer_bridge.data.exact import Value, same, ulps
from pymer_bridge.results.drift import FigureChange, SettingChange, VersionChange
from pymer_bridge.session.versions import OF_RECORDS
from pymer_bridge.verification import tolerances
from pymer_bridge.verification.stored_figures import HASHED

Values = Mapping[str, Value]
Stack = Mapping[str, str | None]

DECISIVE: Final = ("R", *OF_RECORDS, "platform", "blas", "lapack", "lapack_version", "state")
"""The parts of a stack that can change bits of figures; other changes are only reported."""


def figure_changes(
    model: str,
    then: Values,
    now: Values,
    limits: Mapping[str, float],
    *,
    same_stack: bool,
    result: str = "",
) -> tuple[FigureChange, ...]:
    """Return the figures that differ from the recorded ones in any bit.

    Parameters
    ----------
    model
        The name of the model in the record.
    then, now
        The figures by their keys.
    limits
        The largest distance that passes, by family and quantity; 0 for other figures.
    same_stack
        Is everything the same that figures can depend on? If not, texts and counts that differ
        between versions are only reported, and a group that lme4 spells differently is the same
        group.
    result
        The result that the figures are of; "" if they are the model's own.
    """
    found = now if same_stack else _renamed(then, now)
    return tuple(
        replace(
            _change(model, key, then, found, limits, versions_differ=not same_stack), result=result
        )
        for key in dict.fromkeys((*then, *found))
        if key not in then or key not in found or not same(then[key], found[key])
    )


def _renamed(then: Values, now: Values) -> Values:
    """Give figures of nested groups their recorded names.

    lme4 1.1-31 writes the innermost group of ``a / b / c`` as ``c:(b:a)``, and 1.1-37 as
    ``c:b:a``.
    """
    before = {_without_parentheses(key): key for key in then if key not in now}
    return {
        key if key in then else before.get(_without_parentheses(key), key): value
        for key, value in now.items()
    }


def _without_parentheses(key: str) -> str:
    return key.replace("(", "").replace(")", "")


def name_of(key: str) -> str:
    """Return family and quantity of a figure."""
    family, *_, quantity = key.split("/")
    return f"{family}/{quantity}"


def _change(
    model: str,
    key: str,
    then: Values,
    now: Values,
    limits: Mapping[str, float],
    *,
    versions_differ: bool,
) -> FigureChange:
    before, after, name = then.get(key), now.get(key), name_of(key)
    change = apart = in_errors = None
    limit = limits.get(name, 0.0)
    if isinstance(before, float) and isinstance(after, float):
        change = after - before
        error = std_error_of(key, then)
        in_errors = abs(change) / error if error else None
        sigma = then.get("model////sigma")
        apart = tolerances.distance(
            name, before, after, error, sigma if isinstance(sigma, float) else None
        )
    # Any last bit is another hash: what the vector is like is compared beside it.
    if versions_differ and (name in tolerances.REPORTED or name.endswith(HASHED)):
        status = "reported"
    else:
        status = "within" if apart is not None and apart <= limit else "drifted"
    return FigureChange(
        model=model,
        key=key,
        recorded=before,
        found=after,
        change=change,
        ulps=ulps(before, after),
        std_errors=in_errors,
        distance=apart,
        scale=tolerances.of_figure(name)[0],
        tolerance=limit,
        status=status,
    )


def std_error_of(key: str, then: Values) -> float | None:
    """Return the recorded standard error of the figure's estimate."""
    place, _, quantity = key.rpartition("/")
    if quantity not in ("estimate", "conf_low", "conf_high"):
        return None
    found = then.get(f"{place}/std_error")
    return found if isinstance(found, float) and math.isfinite(found) else None


def stopped(model: str, result: str, error: str) -> FigureChange:
    """Return the change of a result that R does not give any more."""
    same_unit = tolerances.SAME
    return FigureChange(
        model, "error", None, error, None, None, None, None, same_unit, 0.0, "drifted", result
    )


def setting_changes(
    model: str, then: Mapping[str, str], now: Mapping[str, str]
) -> Iterator[SettingChange]:
    """Return the settings that changed."""
    for name in dict.fromkeys((*then, *now)):
        before, after = then.get(name, "none"), now.get(name, "none")
        if before != after:
            yield SettingChange(model, name, before, after)


def version_changes(then: Stack, now: Stack) -> tuple[VersionChange, ...]:
    """Return the parts of a stack that changed."""
    return tuple(
        VersionChange(name, then.get(name), now.get(name))
        for name in dict.fromkeys((*then, *now))
        if then.get(name) != now.get(name)
    )


def is_same_stack(then: Stack, now: Stack) -> bool:
    """Say whether no part of a stack changed that can change bits of figures."""
    return all(then.get(name) == now.get(name) for name in DECISIVE)


def known_breaks(then: Stack, now: Stack) -> tuple[str, ...]:
    """Return the known differences between two stacks, with their reasons."""
    versions = [stack.get("lme4") or "" for stack in (then, now)]
    if len({version.startswith(("0.", "1.")) for version in versions}) == 1:
        return ()
    return (
        "lme4 2.x fits generalized models differently than 1.1, and many of their figures differ "
        "by more than the last digits; linear models agree (docs/drift.md)",
    )
