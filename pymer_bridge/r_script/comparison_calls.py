"""Calls of pbkrtest's comparisons of two models, as a script writes them."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from pymer_bridge.r_script import syntax
from pymer_bridge.r_script.calls import row
from pymer_bridge.r_script.statements import Asked, Written, drawn, shown, with_plain_fits, without
from pymer_bridge.r_script.syntax import Node


def comparison(asked: Asked, function: Literal["KRmodcomp", "SATmodcomp"]) -> Written:
    """Write KRmodcomp() or SATmodcomp()."""
    matrix = len(asked.models) == 1 and not isinstance(asked.arguments["restricted"], str)
    by_model = function == "SATmodcomp" and matrix and asked.pbkrtest >= (0, 5, 3)
    asked, before = with_plain_fits(asked) if by_model else (asked, [])
    restriction, small = _restriction(asked)
    before += restriction
    if by_model:
        before.append("# From version 0.5.3 on, SATmodcomp() takes the model of a matrix.")
        small = syntax.call("restriction_matrix2model", asked.fit, small)
    return shown(asked, syntax.call(function, asked.fit, small), function, before=before)


def _restriction(asked: Asked) -> tuple[list[str], Node]:
    """Write the smaller model, or the matrix, of a comparison."""
    given = asked.arguments["restricted"]
    rows = f"rownames(eval(getCall({asked.fit})$data)) %in% rownames(model.frame({asked.fit}))"
    subset = rows if asked.arguments.get("to_rows") else None
    if len(asked.models) > 1 and subset is None:
        return [], asked.models[1]
    if len(asked.models) > 1 or isinstance(given, str):
        name = f"{asked.variable}_smaller"
        change = (asked.models[1],) if len(asked.models) > 1 else (asked.fit, given)
        value = syntax.call("update", *change, subset=subset)
    else:
        name, n_rows = f"{asked.variable}_restriction", syntax.number(int(given["n_rows"]))
        value = syntax.call("matrix", row(given["values"]), nrow=n_rows, byrow="TRUE")
    return [syntax.assign(name, value)], name


def _no_bootstrap_test(asked: Asked) -> str | None:
    """Say why PBmodcomp() would give another test, or none."""
    given = asked.arguments
    if given["start"] != "warm" or given["h"] is not None:
        how = f"start={given['start']!r}, h={given['h']!r}"
        return f"with {how}, pbkrtest exports no function that does so."
    if given.get("to_rows") or given["rows_left_out"]:
        return "PBmodcomp() needs data without missing values for it."
    if asked.fitter.startswith("glmer") and asked.pbkrtest >= (0, 5, 5):
        return "from pbkrtest 0.5.5 on PBmodcomp() stops for models of glmer()."
    matrix = len(asked.models) == 1 and not isinstance(given["restricted"], str)
    if matrix and (asked.fitter in ("lm", "glm") or asked.pbkrtest < (0, 5, 5)):
        return "PBmodcomp() does not find the data of a restriction matrix again."
    return None


def bootstrap_test(asked: Asked) -> Written:
    """Write PBmodcomp(), or say why it would give another test."""
    given = asked.arguments
    if why := _no_bootstrap_test(asked):
        return without(f"pb_modcomp() was asked for too; {why}")
    asked, before = with_plain_fits(asked)
    restriction, small = _restriction(asked)
    before += restriction
    value = syntax.call("PBmodcomp", asked.fit, small, nsim=syntax.number(given["n_sim"]))
    if given["seed"] is None:
        return drawn(asked, value, "PBmodcomp", before)
    before.append(syntax.render(syntax.call("set.seed", syntax.number(given["seed"]))))
    written = shown(asked, value, "PBmodcomp", before=before)
    printed = f"print({syntax.render(syntax.call('summary', asked.variable))})"
    return replace(written, lines=(*written.lines[:-1], printed))
