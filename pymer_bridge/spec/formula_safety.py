"""Safe formulas.

A formula is R code: ``I(system("..."))`` runs inside any model frame. R parses each formula
(never runs it) and lists the functions that it calls; only those named here may be called,
unless the user allows more by name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, Final

from pymer_bridge.errors import DataConversionError, FormulaError, OptionError
from pymer_bridge.spec import formula_hints

ALLOWED_CALLS: Final = frozenset(
    # the language of formulas
    "~ + - * / ^ : %in% | || ( ! & && == != < > <= >= I c offset"
    # mathematics
    " log log2 log10 log1p exp expm1 sqrt abs sign floor ceiling round signif trunc %% %/%"
    " sin cos tan asin acos atan sinh cosh tanh sinpi cospi plogis qlogis pnorm qnorm"
    " pmin pmax min max sum mean median var sd range quantile rank cumsum rev diff length"
    # making and changing columns
    " factor ordered as.factor as.ordered as.numeric as.integer as.logical as.character"
    " as.double relevel droplevels interaction cut findInterval ifelse is.na scale cbind"
    " levels nlevels seq seq_len rep"
    # R's nonlinear models that find their own starting values
    " SSasymp SSasympOff SSasympOrig SSbiexp SSfol SSfpl SSgompertz SSlogis SSmicmen SSweibull"
    # bases and structures
    " poly ns bs dummy us diag cs ar1 splines::ns splines::bs stats::poly lme4::dummy"
    " stats::offset base::I base::scale base::log base::factor".split()  # a table
)
"""Functions that a formula may call; none of them calls a function it is given."""

STATISTIC_CALLS: Final = (ALLOWED_CALLS - {"~"}).union(
    # the language
    "{ [ [[ $ @ <- = if for while return list unlist names setNames length drop unname t"
    " stats::setNames invisible stopifnot is.null identical any all which which.max which.min"
    # arithmetic of vectors and matrices
    " %*% %o% crossprod tcrossprod diag solve det chol outer prod cumprod rowSums colSums"
    " rowMeans colMeans cor as.matrix as.vector as.data.frame matrix nrow ncol dim NROW NCOL"
    # what is read from a fit
    " fixef ranef VarCorr sigma getME coef fitted residuals resid predict vcov logLik AIC BIC"
    " deviance REMLcrit nobs ngrps isSingular df.residual model.matrix model.frame"
    " isREML rePCA devcomp lme4::fixef lme4::ranef lme4::VarCorr lme4::getME stats::sigma"
    " stats::predict stats::coef stats::fitted stats::residuals stats::vcov"
    " stats::logLik".split()  # a table
)
"""Functions that a statistic of a fit may call; none of them calls a function it is given, with the
arguments that :data:`TAKEN` leaves to it."""


@dataclass(frozen=True, slots=True)
class Taken:
    """The arguments that a function may be given, where others would take functions or code.

    Attributes
    ----------
    shown
        How it may be called, for errors.
    first
        How many arguments may stand without a name.
    named
        The names of further ones.
    of_fit
        Must the first be the fit itself?
    values
        What an argument must be, by its name or its place.
    """

    shown: str
    first: int
    named: tuple[str, ...] = ()
    of_fit: bool = False
    values: Mapping[str | int, frozenset[str]] = field(default_factory=dict)


_OF_GET_ME = frozenset(
    f'"{name}"'
    for name in "X Z Zt Ztlist mmList y mu u b Gp Tp L Lambda Lambdat Lind Tlist A RX RZX sigma"
    " flist fixef beta theta ST REML is_REML n_rtrms n_rfacs N n p q p_i l_i q_i k m_i m cnms"
    " devcomp offset lower glmer.nb.theta".split()
)
_SLOTS = frozenset("beta theta u lower Gp devcomp cnms flist".split())

TAKEN: Final[Mapping[str, Taken]] = {
    "outer": Taken("outer(x, y)", 2),  # a third argument is a function that it calls
    "as.vector": Taken("as.vector(x)", 1),  # its mode makes R's names of texts
    "stopifnot": Taken("stopifnot(x > 0)", 99),  # exprs= and exprObject= are evaluated
    "model.frame": Taken("model.frame(fit)", 1, of_fit=True),  # of a formula it evaluates the terms
    "model.matrix": Taken("model.matrix(fit)", 1, ("type",), of_fit=True),
    "predict": Taken(
        "predict(fit, newdata=, re.form=~0, type=, allow.new.levels=)",
        1,
        ("newdata", "re.form", "type", "allow.new.levels"),
        of_fit=True,
        values={"re.form": frozenset({"NULL", "NA", "~0"})},  # it is evaluated
    ),
    # "devfun" gives a function, which changes the fit.
    "getME": Taken('getME(fit, "theta")', 2, ("name",), values={1: _OF_GET_ME, "name": _OF_GET_ME}),
    # The call and the objects in which a fit keeps its state are not for a statistic.
    "@": Taken("fit@theta", 2, values={1: _SLOTS}),
}
"""Functions of :data:`STATISTIC_CALLS` that may not be given everything that R gives them."""

REPLACED: Final = frozenset("[ [[ $ names dim dimnames diag levels length".split())
"""What a statistic may replace parts of a variable by: ``x[1] <- 0``, ``names(x) <- "a"``."""

HARMLESS_IN_NAMES: Final = ALLOWED_CALLS.union(
    "[ [[ $ @ time date start end frequency power weights order rt df".split()
)
"""Functions that the name of a column may seem to call: ``time (s)``, ``data$x``, ``b[1]``."""

CONSTANTS: Final = frozenset({"pi", "T", "F", "."})
"""Names in a formula that need not be columns."""

_UNQUOTED: Final = re.compile(r"(?:[^\W\d_]|\.(?!\d))[\w.]*")
_VALUES: Final = CONSTANTS - {"."}
_TEXTS: Final = re.compile(r'"[^"\\]*"')

NEVER_ALLOWED: Final = frozenset({"quit", "q", "base::quit", "base::q"})
"""Functions that would end the process that R runs in."""

LONGEST_SHOWN: Final = 400
"""The most characters of a formula that an error shows."""

MOST_NAMED: Final = 30
"""The most columns that an error names."""


def shortened(text: str) -> str:
    """Return a text as an error shows it: of a very long one the beginning and the end."""
    if len(text) <= LONGEST_SHOWN:
        return text
    half = LONGEST_SHOWN // 2
    return f"{text[:half]} [... {len(text) - 2 * half} characters ...] {text[-half:]}"


def _named(names: Sequence[str]) -> str:
    shown = ", ".join(map(repr, names[:MOST_NAMED]))
    more = len(names) - MOST_NAMED
    return f"{shown} and {more} more" if more > 0 else shown


def allowed_functions(given: Sequence[str]) -> tuple[str, ...]:
    """Check a user's ``allow_functions``.

    Raises
    ------
    OptionError
        It is one string, or one of the functions would end Python.
    """
    if isinstance(given, str):
        raise OptionError(f"allow_functions takes names in a tuple: allow_functions=({given!r},)")
    for name in NEVER_ALLOWED.intersection(given):
        raise OptionError(
            f"allow_functions={name!r} is refused: it would end the Python process that R runs in"
        )
    return tuple(given)


def check_expression(
    text: str,
    described: Mapping[str, Any],
    columns: Iterable[str],
    allowed: Sequence[str],
    what: str,
    *,
    index: Iterable[object] = (),
) -> tuple[str, ...]:
    """Check what R found in a formula or another expression, and name the columns it needs.

    Parameters
    ----------
    text
        The text as the user gave it.
    described
        What ``describe_expression()`` in R found in it, and ``calls_in_names()`` in its names.
    columns
        The names of the data's columns.
    allowed
        Functions that the user allows besides :data:`ALLOWED_CALLS`.
    what
        What the text is ("formula", "weights" ...), for errors.
    index
        The names of the levels of the data's index, for errors.

    Returns
    -------
    tuple of str
        The columns that are needed; all of them where the text has a ``.``.

    Raises
    ------
    FormulaError
        The text calls a function that is not allowed.
    DataConversionError
        It names a column that is not there.
    """
    known = list(columns)

    def instead(call: str) -> str:
        hint = formula_hints.needing_backticks(text, known)
        hint = hint or formula_hints.instead_of_call(text, call, ALLOWED_CALLS)
        unknown = call in (described["unknown"] or ())
        return hint or (formula_hints.NOT_IN_R if unknown else "")

    _check_calls(text, described["calls"], ALLOWED_CALLS, allowed, what, instead=instead)
    _check_names(described, HARMLESS_IN_NAMES.union(allowed), what)
    variables = described["variables"]
    missing = [name for name in variables if name not in known and name not in CONSTANTS]
    if missing:
        hint = formula_hints.missing_columns(missing, known, index, text)
        raise DataConversionError(
            f"the {what} {shortened(text)!r} names {_named(missing)}, and the data has no such "
            f"column; it has: {_named(known)}" + formula_hints.on_its_line(hint)
        )
    for name in variables:
        if re.fullmatch(r"\.\.\d+|\.\.\.", name):
            raise FormulaError(
                f"the {what} names {name!r}, which R keeps for arguments of functions; rename it"
            )
    if "." in variables:
        return tuple(known)  # also where a column is called so: R takes the dot for all others
    return tuple(name for name in variables if name in known)


def _check_calls(
    text: str,
    calls: Iterable[str],
    harmless: frozenset[str],
    allowed: Sequence[str],
    what: str,
    *,
    instead: Callable[[str], str] = lambda call: "",
) -> None:
    permitted = harmless.union(allowed_functions(allowed))
    for call in calls:
        if call not in permitted:
            raise FormulaError(_forbidden(text, call, what, instead(call)))


def _forbidden(text: str, call: str, what: str, instead: str) -> str:
    shown = call[1:-1] if call.startswith("<") else call
    message = f"the {what} calls {shown!r}, which is not among the functions that a {what} may call"
    head = re.escape(shown)
    place = re.search(rf"(?<![\w.]){head}(?=\s*\()", text) or re.search(head, text)
    if place is not None and text.isprintable() and len(text) <= LONGEST_SHOWN:
        message += f"\n  {text}\n  {' ' * place.start()}{'^' * len(shown)}"
    if call in NEVER_ALLOWED:
        message += "\nIt would end the Python process that R runs in"
    elif instead:
        message += formula_hints.on_its_line(instead)
    elif not call.startswith("<"):
        message += f"\nIf you trust it, allow it by name: allow_functions=({call!r},)"
        if what != "statistic":
            message += "; or compute the column in Python before the fit"
    return message


def _check_names(described: Mapping[str, Any], permitted: frozenset[str], what: str) -> None:
    """Check that no name becomes code when R writes it as text and reads it again."""
    in_names = described["in_names"]
    for name, call in zip(in_names["names"], in_names["calls"], strict=True):
        if call not in permitted:
            raise FormulaError(
                f"the {what} names the column {name!r}, which reads as a call of {call!r} where R "
                "takes a name for code; rename the column, or, if you trust it, "
                f"allow the call: allow_functions=({call!r},)"
            )
    for group in described["misread"]:
        raise FormulaError(
            f"lme4 reads the group {group!r} of a term with '||' as another expression; rename "
            "the column, or write the term as '(1 | group) + (0 + x | group)'"
        )


def check_unquoted(names: Iterable[str]) -> None:
    """Check that no name has to be quoted: nlmer() of lme4 writes them without, and reads that.

    Raises
    ------
    FormulaError
        One has to be.
    """
    for name in names:
        if not _UNQUOTED.fullmatch(name):
            raise FormulaError(
                f"lme4's nlmer() takes no column named {name!r}, which R would have to quote; "
                "rename it, with letters, digits, '.' and '_' alone"
            )


def check_function(
    text: str, described: Mapping[str, Any], allowed: Sequence[str], what: str
) -> None:
    """Check what R found in the text of a function of a fit.

    Every name in it is either a function's or a value's. Those of functions stand as the heads of
    calls alone, are known, and are never given to anything else; those of values are parameters
    and variables of the text itself. So no variable ever holds a function, and no function is
    called but the known ones, of which none calls, or evaluates, what it is given (:data:`TAKEN`).

    Raises
    ------
    FormulaError
        The text is not a function, or breaks this rule; the message says where.
    """
    if not described["is_function"][0]:
        raise FormulaError(
            f"the {what} {shortened(text)!r} is not the text of an R function of the fit"
        )
    _check_calls(text, described["calls"] or (), STATISTIC_CALLS, allowed, what)
    parameters, assigned = (described[name] or () for name in ("parameters", "assigned"))
    own = {*parameters, *assigned} - {"..."}
    for name in own:
        if name in STATISTIC_CALLS.union(allowed) or name.startswith("<"):
            raise FormulaError(
                f"the {what} gives the name {name!r} to a value, and a function has it that a "
                f"{what} may call; take another name, such as '{name}_1'"
            )
    for name in described["replaced"] or ():
        if name not in REPLACED:
            raise FormulaError(
                f"the {what} replaces a part of a variable by {name!r}; it may use: "
                f"{', '.join(sorted(REPLACED))}"
            )
    if unknown := [n for n in described["variables"] or () if n not in own | _VALUES]:
        raise FormulaError(
            f"the {what} takes {_named(unknown)} for a value, and that is neither a parameter nor "
            f"a variable of its own (a function may only be called)"
        )
    if parameters and parameters[0] in assigned:
        raise FormulaError(f"the {what} changes {parameters[0]!r}, the fit; take another name")
    _check_arguments(described["arguments"], parameters[:1], allowed, what)


def _check_arguments(
    calls: Mapping[str, Any], fit: Sequence[str], allowed: Sequence[str], what: str
) -> None:
    """Check the arguments of functions that may not be given everything."""
    rows = zip(*(calls[name] for name in ("call", "head", "name", "value")), strict=True)
    for (_, head), given in groupby(rows, key=lambda row: (row[0], row[1])):
        taken = TAKEN.get(head.rpartition("::")[2])
        if taken is None or head in allowed:
            continue
        arguments = [(name, value) for _, _, name, value in given]
        places: dict[str | int, str] = {name: value for name, value in arguments if name}
        named = set(places)
        unnamed = [value for name, value in arguments if not name]
        places.update(enumerate(unnamed))
        if (
            len(unnamed) > taken.first
            or not named <= set(taken.named)
            or (taken.of_fit and arguments[0] != ("", *fit))
            or any(
                not set(_TEXTS.findall(places[place]) or [places[place]]) <= accepted
                for place, accepted in taken.values.items()
                if place in places
            )
        ):
            raise FormulaError(
                f"the {what} calls {head!r} with arguments that it may not take there; it may be "
                f"called so: {taken.shown}"
            )
