"""What to write in R's formulas for what people bring from Python, and for names that are not so.

A formula of patsy, formulaic, statsmodels or bambi calls functions that R does not have, or that
mean something else there. Here is what R has for them, for errors.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from difflib import get_close_matches
from typing import Final

_PYTHONS: Final = re.compile(r"^(?:np|numpy|math|pd|pandas|scipy|sp|stats|patsy|smf|sm)\.(?=\w)")
_CODINGS: Final = {
    "Treatment": "contr.treatment",
    "Sum": "contr.sum",
    "Helmert": "contr.helmert",
    "Poly": "contr.poly",
}
_SPLINE: Final = "lme4 has no smooth terms: write ns({x}, df = 3), a natural spline"
_ELSEWHERE: Final = "compute the column in Python before the fit, group by group"
_WRITTEN: Final = {
    "factor({x})": "C categorical Categorical factorize astype category cat",
    "`{x}`": "Q",
    "scale({x}, scale = FALSE)": "center demean mean_center",
    "scale({x})": "standardize standardise zscore rescale z",
    "I({x}^{y})": "power pow",
    "I({x}^2)": "square sq",
    "I({x}^(1 / 3))": "cbrt",
    "ifelse({all})": "where if_else iif",
    "cut({all})": "digitize qcut",
    "abs({x})": "absolute fabs",
    "log({x})": "ln",
    "asin({x})": "arcsin",
    "acos({x})": "arccos",
    "atan({x})": "arctan",
    "ceiling({x})": "ceil",
    "round({all})": "around rint",
    "pmax({all})": "maximum",
    "pmin({all})": "minimum",
    "sd({x})": "std",
    "is.na({x})": "isnan isna isnull",
    "as.integer({x})": "int",
    "as.numeric({x})": "float",
    "as.character({x})": "str",
    "as.logical({x})": "bool",
    "length({x})": "len",
    "qlogis({x})": "logit",
    "plogis({x})": "expit inv_logit invlogit sigmoid",
    "ordered({x})": "mo",
    "cbind({x}, {y} - {x})": "p prop proportion binomial",
}
_SAID: Final = {
    _SPLINE: "s te ti t2 cr cc gp hsgp",
    _ELSEWHERE: "lag lead shift rolling cumcount groupby transform apply map",
    "write the column's name alone: columns are those of data=": "[ [[ $ @ [] loc iloc",
    "R reads {{}} as code: fill it in before, as in f'...', or write I(...) for it": "{",
    "write ifelse(condition, yes, no)": "if",
}
NOT_IN_R: Final = "R has no such function: compute the column in Python before the fit"
"""What is said of a function that neither R nor Python's formulas have."""

_INSTEAD: Final = {
    **{name: f"write {text} instead" for text, names in _WRITTEN.items() for name in names.split()},
    **{name: text for text, names in _SAID.items() for name in names.split()},
}
"""What to write for a function, by its name in Python, without the module."""

_SIGNS: Final = {
    "[\u223c\uff5e\u02dc\u2010-\u2015\u2212\u2018-\u201f\u00d7\u00a0]": "a sign or space of print "
    'stands in it, such as a long dash: type ~, -, *, " and plain spaces',
    r"\w\s*//\s*\w": "R writes %/% for Python's //",
    r"\w\s+%\s+\w": "R writes %% for Python's %",
    r"\bnot\s+\w": "R writes ! for Python's not",
    r"\w\s+and\s+\w": "R writes & for Python's and",
    r"\w\s+or\s+\w": "R writes | for Python's or, within I()",
    r"\w\s+if\s+.*\selse\s": "R writes ifelse(condition, yes, no)",
    r"\w\s+in\s+\w": "R writes %in% for Python's in, within I()",
    r"^[^~]*[^~=<>!]=[^~=]*\(": "a formula has ~ between the response and the predictors",
}
"""What Python writes that R cannot read."""


def on_its_line(hint: str) -> str:
    """Return a hint as the last line of a message; nothing where there is none."""
    if not hint:
        return ""
    return f"\n{hint}" if hint.startswith("lme4") else f"\n{hint[0].upper()}{hint[1:]}"


def _arguments(text: str, call: str) -> list[str]:
    """Return the arguments of the first call of a function, as they are written."""
    start = re.search(rf"(?<![\w.]){re.escape(call)}\s*\(", text)
    if start is None:
        return []
    depth, quote, parts = 0, "", [""]
    for character in text[start.end() :]:
        if quote:
            quote = "" if character == quote else quote
        elif character in "\"'`":
            quote = character
        elif character == ")" and depth == 0:
            return [part.strip() for part in parts if part.strip()]
        elif character == "," and depth == 0:
            parts.append("")
            continue
        depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(character, 0) if not quote else 0
        parts[-1] += character
    return []


def _coded(column: str, coding: str) -> str:
    """Say how R writes patsy's C(column, coding)."""
    name = re.match(r"[\w.]+", coding)
    known = name[0] if name else ""
    level = re.search(r"""["']([^"']*)["']|\b(\d+)\s*\)""", coding)
    if known == "Treatment" and level is not None:
        return f'write relevel(factor({column}), ref = "{level[1] or level[2]}") instead'
    contrast = _CODINGS.get(known, known if known in _CODINGS.values() else "")
    given = f'{{"{column}": "{contrast}"}}' if contrast else f'{{"{column}": a matrix}}'
    return f"write {column}, a Categorical, and contrasts={given} beside the formula"


def instead_of_call(text: str, call: str, allowed: Collection[str]) -> str:
    """Say what R writes for a call of Python's; nothing where that is not known.

    Parameters
    ----------
    text
        The formula.
    call
        The name of the function in it.
    allowed
        The functions that a formula may call.
    """
    given = _arguments(text, call)
    name = _PYTHONS.sub("", call)
    if name == "C" and len(given) > 1:
        return _coded(given[0], given[1])
    if name in _CODINGS or name == "Diff":
        return _coded(given[0] if given else "x", name)
    method = re.fullmatch(r"(.+)\.(\w+)", name)
    if name == call and method and method[2] in ("astype", "cat"):
        name, given = "factor", [method[1]]
    elif name == call and method and method[2] in ("shift", "diff", "rolling", "map", "apply"):
        return _ELSEWHERE
    x = given[0] if given else "x"
    if name == "Q":
        x = x.strip("\"'")
    if name in _INSTEAD:
        y = given[1] if len(given) > 1 else "n"
        return _INSTEAD[name].format(x=x, y=y, all=", ".join(given) or "x")
    if name != call and name in allowed:
        return f"write {name}({', '.join(given) or 'x'}) instead"
    return ""


def needing_backticks(text: str, columns: Iterable[str]) -> str:
    """Say which columns stand in a text without the backticks that their names need."""
    bare = re.sub(r"`[^`]*`", " ", text)
    unusual = (name for name in columns if not re.fullmatch(r"[A-Za-z.][\w.]*", name))
    found = [
        name
        for name in unusual
        if name.strip() and re.search(rf"(?<![\w.]){re.escape(name)}(?![\w.])", bare)
    ]
    # Of `a b` and `a b c` the longest that stands there is meant.
    meant = [name for name in found if not any(name != other and name in other for other in found)]
    if not meant:
        return ""
    return f"write {', '.join(f'`{name}`' for name in meant[:3])}, in backticks"


def unreadable(text: str, columns: Iterable[str], problem: str) -> str:
    """Say what may be wrong with a text that R cannot read; nothing where that is not known.

    Parameters
    ----------
    text
        The text.
    columns
        The columns of the data.
    problem
        What R says.
    """
    if hint := needing_backticks(text, columns):
        return hint
    bare = re.sub(r"`[^`]*`|\"[^\"]*\"|'[^']*'", "x", text)
    if said := next((said for pattern, said in _SIGNS.items() if re.search(pattern, bare)), ""):
        return said
    if "unexpected symbol" in problem:
        return "terms are joined by signs such as +; a name with a space stands in backticks"
    return ""


def missing_columns(
    missing: Sequence[str], known: Sequence[str], index: Iterable[object] = (), text: str = ""
) -> str:
    """Say what may be meant by names that are no columns; nothing where that is not known.

    Parameters
    ----------
    missing
        The names.
    known
        The columns of the data.
    index
        The names of the levels of the data's index.
    text
        The formula in which they stand.
    """
    hints = []
    levels = [name for name in missing if name in map(str, index)]
    if levels:
        listed = " and ".join(map(repr, levels))
        hints.append(f"{listed} is in the index: give data.reset_index()")
    elif ticked := needing_backticks(text, known):
        hints.append(ticked)
    else:
        lower = {name.lower(): name for name in reversed(known)}
        for name in missing[:3]:
            alone = re.split(r"[.$]", name, maxsplit=1)[-1]
            near = get_close_matches(name.lower(), lower, n=1, cutoff=0.7)
            if alone != name and alone in known:
                hints.append(f"write {alone!r} alone: columns are those of data=")
            elif near:
                hints.append(f"did you mean {lower[near[0]]!r}?")
    return "; ".join(dict.fromkeys(hints))
