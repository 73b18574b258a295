"""The one way to ask R: call, read the answer, keep what R warned of on it, and warn."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar, overload

from pymer_bridge.session import conditions
from pymer_bridge.session.calls import Outcome
from pymer_bridge.session.r_session import session

T = TypeVar("T")


@dataclass(slots=True)
class Said:
    """What R warned of and said in the steps of one operation.

    Attributes
    ----------
    warnings, messages
        In R's order, as text.
    """

    warnings: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()

    def add(self, outcome: Outcome) -> None:
        """Add what one step met."""
        self.warnings += tuple(condition.message for condition in outcome.warnings)
        self.messages += tuple(condition.message for condition in outcome.messages)

    def on(self, result: T) -> T:
        """Return the result with this on it, after what it has; unchanged if it has no room."""
        if not dataclasses.is_dataclass(result) or isinstance(result, type):
            return result
        said = {"warnings": self.warnings, "messages": self.messages}
        room = {field.name for field in dataclasses.fields(result)}
        if not said.keys() <= room or not any(said.values()):
            return result
        whole = {name: (*getattr(result, name), *texts) for name, texts in said.items()}
        return dataclasses.replace(result, **whole)


@overload
def ask(operation: str, /, *, said: Said | None = None, **arguments: Any) -> Any: ...


@overload
def ask(
    operation: str,
    read: Callable[[Any], T],
    /,
    *,
    said: Said | None = None,
    then: Callable[[T], object] | None = None,
    **arguments: Any,
) -> T: ...


def ask(
    operation: str,
    read: Callable[[Any], Any] = lambda value: value,
    /,
    *,
    said: Said | None = None,
    then: Callable[[Any], object] | None = None,
    **arguments: Any,
) -> Any:
    """Ask R for one operation.

    Parameters
    ----------
    operation
        The function of R.
    read
        Makes the result of R's answer; without it the answer itself is the result.
    said
        Collects what R warns of and says, in place of the result: this is one step of several.
    then
        Is given the result before R's warnings are raised, which may be errors to the caller:
        what was computed is not lost then.
    **arguments
        What the function of R takes.

    Returns
    -------
    The result, with what R warned of and said on it where it has room.

    Raises
    ------
    RError
        R stopped.
    """
    outcome = session().call(operation, **arguments)
    found = Said() if said is None else said
    found.add(outcome)
    result = read(outcome.value)
    if said is None:
        result = found.on(result)
    if then is not None:
        then(result)
    conditions.raise_warnings(outcome)
    return result
