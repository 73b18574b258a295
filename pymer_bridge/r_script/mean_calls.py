"""Marginal means that were asked of models, as the calls of emmeans that an R user would write."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import Any, Literal

from pymer_bridge.r_script import syntax
from pymer_bridge.r_script.statements import UNSEEDED, Asked, Written, shown, without
from pymer_bridge.r_script.syntax import Node
from pymer_bridge.spec.names import quoted


def _of_means(what: str) -> Callable[[Callable[[Asked, str], Written]], Callable[[Asked], Written]]:
    """Give what writes a call the variable of the earlier means' grid; without them say so."""
    gone = f"{what} of marginal means were made too; the means no longer exist."

    def made(write: Callable[[Asked, str], Written]) -> Callable[[Asked], Written]:
        @wraps(write)
        def written(asked: Asked) -> Written:
            earlier = asked.earlier.get(asked.arguments["of"])
            if earlier is None:
                return without(gone)
            return write(asked, f"{earlier}_grid")

        return written

    return made


def _strings(given: Sequence[str] | str | None) -> Node | None:
    if given is None:
        return None
    return syntax.vector((given,) if isinstance(given, str) else given)


def _string(given: str | None) -> Node | None:
    return None if given is None else syntax.string(given)


def _number(given: float | None, default: float | None = None) -> Node | None:
    return None if given is None or given == default else syntax.number(given)


def _families(given: Any) -> Node | None:
    if isinstance(given, Mapping):
        return syntax.vector(list(given.values()), list(given))
    return None if given is None else syntax.vector(given)


def _method(given: Any) -> Node:
    if isinstance(given, str):
        return syntax.string(given)
    return syntax.named("list", ((name, syntax.vector(each)) for name, each in given.items()))


def _seeded(asked: Asked, adjust: str | None, method: Any = None) -> tuple[str, ...]:
    """Set the seed where something is drawn, or say that it was drawn without one."""
    if (seed := asked.arguments.get("seed")) is not None:
        return (syntax.render(syntax.call("set.seed", syntax.number(seed))),)
    families = isinstance(method, str) and asked.arguments.get("interaction") is None
    by_default = adjust is None and families and method in ("consec", "mean_chg")
    if adjust == "mvt" or by_default:
        return (syntax.comment(f"{UNSEEDED}:"),)
    return ()


def _grid_summary(asked: Asked, grid: Node, method: Any = None) -> Written:
    given, name = asked.arguments, f"{asked.variable}_grid"

    def summary(**how: Node | None) -> Node:
        level = _number(given["conf_level"], 0.95)
        how["bias_adjust"] = "FALSE" if given.get("unadjusted") else None
        return syntax.call("summary", name, **how, level=level, adjust=_string(given["adjust"]))

    made = syntax.assign(name, grid)
    seed = _seeded(asked, given["adjust"], method)
    if not given.get("apart"):
        written = shown(asked, summary(infer="TRUE"), "means", before=(made, *seed))
        return _without_figures(written) if seed and given.get("seed") is None else written
    tests = f"{asked.variable}_tests"
    tested = summary(infer=syntax.call("c", "FALSE", "TRUE"), type=syntax.string("unlink"))
    before = (made, *seed, syntax.assign(tests, tested), f"print({tests})", *seed)
    value = summary(infer=syntax.call("c", "TRUE", "FALSE"))
    return shown(asked, value, "means", (tests,), before)


def _without_figures(written: Written) -> Written:
    return Written(written.lines, "", written.variable, why=f"{UNSEEDED}.")


def means(asked: Asked, function: Literal["emmeans", "emtrends"] = "emmeans") -> Written:
    """Write emmeans() or emtrends(), and its summary()."""
    given = asked.arguments
    at = [(name, syntax.vector(values)) for name, values in given["at"].items()]
    limit, linear = _number(given["limit"]), asked.fitter == "lmer"
    by_kr = given["ddf"] == "kenward-roger"
    specs = _strings(given["specs"]) or "NULL"
    if "degree" in given["specs"] and given.get("max_degree", 1) > 1:
        specs = "~ " + " + ".join(map(quoted, given["specs"]))  # a text would go to by
    grid = syntax.call(
        function,
        asked.fit,
        specs,
        by=_strings(given["by"]),
        var=_string(given.get("trend_of")),
        at=syntax.named("list", at) if at else None,
        max_degree=_number(given.get("max_degree"), 1),
        lmer_df=syntax.string(given["ddf"]) if linear else None,
        weights=_string(given["weights"]),
        offset=_number(given.get("offset")),
        type=_string(given.get("type")),
        sigma=_number(given.get("sigma")),
        bias_adjust="TRUE" if given.get("bias_adjust") else None,
    )
    if limit is not None and isinstance(grid, syntax.Call):
        argument = "pbkrtest.limit" if by_kr else "lmerTest.limit"
        grid = syntax.Call(grid.function, (*grid.arguments, (argument, limit)))
    return _grid_summary(asked, grid)


@_of_means("Contrasts")
def contrasts(asked: Asked, means: str) -> Written:
    """Write contrast() of earlier means, and its summary()."""
    given = asked.arguments
    by, ref = given["by"], given["ref"]
    inner = _strings([name for name in by if name]) if by is not None and any(by) else None
    grid = syntax.call(
        "contrast",
        means,
        method=_method(given["method"]),
        interaction=_families(given["interaction"]),
        by="NULL" if by is not None and not any(by) else inner,
        ref=None if ref is None else syntax.vector(ref),
        reverse="TRUE" if given["reverse"] else None,
        adjust=_string(given["adjust"]),
    )
    return _grid_summary(asked, grid, given["method"])


@_of_means("Tests")
def tests(asked: Asked, means: str) -> Written:
    """Write test() of earlier means."""
    given = asked.arguments
    value = syntax.call(
        "test",
        means,
        null=_number(given["null"], 0.0),
        side=syntax.string(given["side"]) if given["side"] != "two-sided" else None,
        delta=_number(given["delta"], 0.0),
        adjust=syntax.string(given["adjust"]),
        type=_string(given["type"]),
        bias_adjust="FALSE" if given["unadjusted"] else None,
    )
    seed = _seeded(asked, given["adjust"])
    written = shown(asked, value, "mean_tests", before=seed)
    return _without_figures(written) if seed and given["seed"] is None else written


@_of_means("Joint tests")
def joint_tests(asked: Asked, means: str) -> Written:
    """Write joint_tests() of earlier means."""
    by = asked.arguments["by"]
    value = syntax.call("joint_tests", means, by=_strings(by))
    return shown(asked, value, "joint_tests", by or ())


@_of_means("Effect sizes")
def effect_sizes(asked: Asked, means: str) -> Written:
    """Write eff_size() of earlier means, and its summary()."""
    given = asked.arguments
    grid = syntax.call(
        "eff_size",
        means,
        sigma=syntax.number(given["sigma"]),
        edf=syntax.number(given["edf"]),
        method=_method(given["method"]),
    )
    name = f"{asked.variable}_grid"
    value = syntax.call("summary", name, level=_number(given["conf_level"], 0.95))
    return shown(asked, value, "means", before=(syntax.assign(name, grid),))
