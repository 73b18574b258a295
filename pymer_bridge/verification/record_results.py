"""The results of a record: what was asked of its models, as plain arguments and figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pymer_bridge.data import packing
from pymer_bridge.data.exact import Value, same
from pymer_bridge.data.frozen_arrays import Arrays, inline
from pymer_bridge.data.given import names_of, unpack_given
from pymer_bridge.errors import PymerError, RError, shown
from pymer_bridge.r_script.entries import asked_of
from pymer_bridge.r_script.given import Call
from pymer_bridge.r_script.journal import DoneEntry, journal
from pymer_bridge.results.drift import FigureChange
from pymer_bridge.verification import drift
from pymer_bridge.verification.asking_again import ask_again, function_of, too_many
from pymer_bridge.verification.record_parts import arrays_of, exactly, figures_in, of_kind
from pymer_bridge.verification.stored_figures import stored_figures

MOST_RESULTS: Final = 10_000
PARTS: Final = {"name", "model", "of", "arguments", "arrays", "figures"}

NO_LONGER: Final = "the program no longer has the result: keep it in a variable"
NO_SEED: Final = "it was drawn without a seed"
OTHER_MODEL: Final = "it is of a further model that is not in the record: record both, by name"
NOT_PLAIN: Final = "an argument cannot be written"
NO_FIGURES: Final = "it has no figures that are compared"
NOT_ASKED: Final = "a record cannot ask for it"
WHY_NOT: Final = (NO_LONGER, NO_SEED, OTHER_MODEL, NOT_PLAIN, NO_FIGURES, NOT_ASKED)
"""Why a result is not in a record; ``docs/ci.md`` explains each."""


@dataclass(frozen=True, slots=True, eq=False)
class RecordedResult:
    """The record of one result.

    Attributes
    ----------
    name
        The public function or method that gave it.
    model
        The model whose method it is, by its name in the record; None for other functions.
    of
        The place among the results of the one whose method it is; None for others.
    arguments, arrays
        What was given, as :func:`pymer_bridge.data.given.pack_given` writes it; models stand there
        as ``{"model": name}``.
    figures
        Every figure by its key; None where only a later result needs this one.
    """

    name: str
    model: str | None
    of: int | None
    arguments: dict[str, Any]
    arrays: Arrays
    figures: dict[str, Value] | None

    @property
    def shown(self) -> str:
        """The call, for a reader."""
        given = ", ".join(f"{name}={_text_of(value)}" for name, value in self.arguments.items())
        return f"{self.name}({given if len(given) <= 100 else given[:97] + '...'})"


def _text_of(packed: Any) -> str:
    """Return a packed value as a reader would write it."""
    match packed:
        case {"mapping": list() as pairs}:
            inside = ", ".join(f"{_text_of(key)}: {_text_of(value)}" for key, value in pairs)
            return f"{{{inside}}}"
        case {"tuple": list() as items}:
            return f"({', '.join(map(_text_of, items))})"
        case {"model": str() as text} | {"float": str() as text}:
            return text
        case dict():
            return "<data>"
        case list():
            return f"[{', '.join(map(_text_of, packed))}]"
    return repr(packed)


# -- taking --------------------------------------------------------------------------------------


def results_of(
    fits: Mapping[str, Any], figures: Sequence[Mapping[str, Value]]
) -> tuple[list[RecordedResult], list[str]]:
    """Return the results that were asked of models, and what of them a record cannot hold.

    Parameters
    ----------
    fits
        The models by name.
    figures
        Those of the models, which no result repeats.
    """
    return _Taking(fits, figures).all_of()


class _Taking:
    """Takes results from the journal.

    Attributes
    ----------
    fits
        The models by name.
    names
        Their names, by the identity of what stands for them.
    own
        The figures of the models.
    taken
        The results, and their places by number in the journal.
    left
        How often something was left out, by what is said of it.
    """

    def __init__(self, fits: Mapping[str, Any], own: Sequence[Mapping[str, Value]]) -> None:
        self.fits, self.own = fits, list(map(_ungrouped, own))
        self.names = {id(fit._model): name for name, fit in fits.items()}
        self.taken: list[RecordedResult] = []
        self.places: dict[int, int] = {}
        self.left: Counter[str] = Counter()

    def all_of(self) -> tuple[list[RecordedResult], list[str]]:
        entries = {each.number: each for fit in self.fits.values() for each in asked_of(fit._model)}
        needed = {each.arguments.get("of") for each in entries.values()}
        for number in sorted(entries):
            call = journal.call_of(entries[number])
            if call is None or call.nested:
                continue  # asked by another function, on its way to something else
            gone = entries[number].outcome() is None
            if gone and number in needed:
                continue
            why = NO_LONGER if gone else self._take(entries[number], call)
            if why:
                self.left[f"{call.name}(): {why}"] += 1
        said = [f"{what} ({n} times)" if n > 1 else what for what, n in self.left.items()]
        return self.taken, said

    def _take(self, entry: DoneEntry, call: Call) -> str:
        """Take a result after those it is of; return why it cannot be, if so."""
        if why := self._obstacle(entry, call) or self._take_earlier(call.earlier):
            return why
        result = entry.outcome()
        found = None if result is None else stored_figures(result)
        if found == {}:
            return NO_FIGURES
        own = found is not None and any(_within(_ungrouped(found), each) for each in self.own)
        if own or entry.number in self.places:
            return ""
        self.places[entry.number] = len(self.taken)
        self.taken.append(
            RecordedResult(
                call.name,
                None if call.of is None else self.names[id(call.of())],
                None if call.earlier is None else self.places[call.earlier],
                self._named(call.arguments, call),
                call.arrays,
                found,
            )
        )
        return ""

    def _take_earlier(self, number: int | None) -> str:
        if number is None or number in self.places:
            return ""
        earlier = journal.numbered(number)
        call = None if earlier is None else journal.call_of(earlier)
        return NO_LONGER if earlier is None or call is None else self._take(earlier, call)

    def _obstacle(self, entry: DoneEntry, call: Call) -> str:
        if why := call.obstacle or too_many(call.arguments):
            return f"{NOT_PLAIN}: {why}"
        # R is given a seed where something is drawn.
        if not call.seeded and entry.arguments.get("seed", 0) is None:
            return NO_SEED
        models = (*call.models, *(() if call.of is None else (call.of,)))
        if not all(id(ref()) in self.names for ref in models):
            return OTHER_MODEL
        if call.earlier is not None:
            return ""
        of = None if call.of is None else self.fits[self.names[id(call.of())]]
        try:
            function_of(of, call.name)
        except ValueError:
            return NOT_ASKED
        return ""

    def _named(self, packed: Any, call: Call) -> Any:
        """Put the names of models in the place of their numbers."""
        if isinstance(packed, list):
            return [self._named(each, call) for each in packed]
        if not isinstance(packed, Mapping):
            return packed
        if packed.keys() == {"model"}:
            return {"model": self.names[id(call.models[packed["model"]]())]}
        return {name: self._named(each, call) for name, each in packed.items()}


def _ungrouped(figures: Mapping[str, Value]) -> dict[tuple[str, ...], Value]:
    """Return figures by their keys without the group, which rows of results do not name."""
    return {(*key.split("/")[:1], *key.split("/")[2:]): value for key, value in figures.items()}


def _within(found: Mapping[Any, Value], all_: Mapping[Any, Value]) -> bool:
    return all(key in all_ and same(value, all_[key]) for key, value in found.items())


# -- as JSON -------------------------------------------------------------------------------------


def pack_result(result: RecordedResult) -> dict[str, Any]:
    """Turn a recorded result into JSON."""
    figures = result.figures
    return {
        "name": result.name,
        "model": result.model,
        "of": result.of,
        "arguments": result.arguments,
        "arrays": {name: inline(values) for name, values in result.arrays.items()},
        "figures": None
        if figures is None
        else {key: packing.pack(value, {}) for key, value in figures.items()},
    }


def unpack_results(stored: Any, models: Sequence[str]) -> tuple[RecordedResult, ...]:
    """Turn the answers of :func:`pack_result` back into recorded results.

    Raises
    ------
    ValueError, TypeError, KeyError ...
        They are no such answers.
    """
    found: list[RecordedResult] = []
    for each in of_kind(stored, list, "the results"):
        found.append(_result(each, models, len(found)))
    if len(found) > MOST_RESULTS:
        raise ValueError(f"{len(found)} results")
    return tuple(found)


def _result(stored: Any, models: Sequence[str], place: int) -> RecordedResult:
    record = exactly(stored, PARTS, "a result")
    (name,) = names_of([of_kind(record["name"], str, "a name")])
    model, of = record["model"], record["of"]
    if model is not None and of_kind(model, str, "a model") not in models:
        raise ValueError(f"a result of the model {model[:40]!r}, which is not there")
    if of is not None and not 0 <= of_kind(of, int, "a place") < place:
        raise ValueError(f"a result of the result {of}, which is not before it")
    if model is not None and of is not None:
        raise ValueError("a result of a model and of a result")
    arguments = of_kind(record["arguments"], dict, "the arguments")
    names_of(list(arguments))
    figures = record["figures"]
    result = RecordedResult(
        name=name,
        model=model,
        of=of,
        arguments=arguments,
        arrays=arrays_of(record["arrays"]),
        figures=None if figures is None else figures_in(figures),
    )
    given_to(result, dict.fromkeys(models))
    return result


def given_to(result: RecordedResult, fits: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of a recorded result.

    Raises
    ------
    ValueError, TypeError, KeyError ...
        They are nothing that a record holds, or name a model that is not there.
    """

    def further(stored: dict[str, Any]) -> Any:
        if stored.keys() != {"model"} or stored["model"] not in fits:
            raise ValueError(f"no argument: {str(stored)[:80]}")
        return fits[stored["model"]]

    return unpack_given(result.arguments, result.arrays, further)


# -- asking again --------------------------------------------------------------------------------


def asked_again(
    result: RecordedResult,
    fits: Mapping[str, Any],
    earlier: Sequence[Any],
    allowed: tuple[str, ...],
) -> Any:
    """Ask the models for a recorded result.

    Returns
    -------
    The result, or the error with which R stopped.

    Raises
    ------
    ValueError, TypeError, PymerError ...
        A record may not ask this, or it cannot be asked.
    """
    of = None if result.model is None else fits[result.model]
    if result.of is not None:
        of = earlier[result.of]
        if isinstance(of, PymerError):
            return of
    function_of(of, result.name)
    try:
        return ask_again(of, result.name, given_to(result, fits), allowed)
    except RError as error:
        return error


def changes_of(
    result: RecordedResult,
    answer: Any,
    results: Sequence[RecordedResult],
    limits: Mapping[str, Mapping[str, float]],
    *,
    same_stack: bool,
) -> tuple[FigureChange, ...]:
    """Return the figures of a result that are not the recorded ones.

    Parameters
    ----------
    result, answer
        What was recorded, and what :func:`asked_again` gave.
    results
        All results of the record.
    limits
        The largest distances that pass, by the names of models.
    same_stack
        As for :func:`pymer_bridge.verification.drift.figure_changes`.
    """
    model, title = model_of(result, results), title_of(result, results)
    if isinstance(answer, PymerError):
        return (drift.stopped(model, title, str(answer)),)
    if result.figures is None:
        return ()
    now = stored_figures(answer)
    return drift.figure_changes(
        model, result.figures, now, limits.get(model, {}), same_stack=same_stack, result=title
    )


def title_of(result: RecordedResult, results: Sequence[RecordedResult]) -> str:
    """Return what a result is called in a report: the call, after those it is of."""
    before = "" if result.of is None else f"{title_of(results[result.of], results)}."
    return f"{before}{result.shown}"


def model_of(result: RecordedResult, results: Sequence[RecordedResult]) -> str:
    """Return the name of the model that a result is of; the first one of several."""
    if result.of is not None:
        return model_of(results[result.of], results)
    if result.model is not None:
        return result.model
    found = _models_in(result.arguments)
    return found[0] if found else shown(None)


def _models_in(packed: Any) -> list[str]:
    if isinstance(packed, dict) and packed.keys() == {"model"}:
        return [str(packed["model"])]
    parts = packed.values() if isinstance(packed, dict) else packed
    if isinstance(packed, dict | list):
        return [name for part in parts for name in _models_in(part)]
    return []
