"""R source text from Python values: quoting, numbers to the last bit, calls laid out to be read.

R's parser reads each text back as the same value or call, whatever letters are in names and levels.
Longer pieces of R are files in ``r/script``, which :func:`fill` fills in.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Final

import numpy as np

WIDTH: Final = 90
"""The most letters of a line, if it can be broken."""

_ESCAPES: Final = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_PLAIN_NAME: Final = re.compile(r"(?:[A-Za-z]|\.(?![0-9]))[A-Za-z0-9._]*")
_RESERVED: Final = frozenset(
    "if else repeat while function for next break in TRUE FALSE NULL Inf NaN NA NA_integer_"
    " NA_real_ NA_character_ NA_complex_".split()
)
_LARGEST_EXACT: Final = 2**53
_LARGEST_POWER: Final = 22
"""The largest power of ten that 53 bits hold."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call in R: a function, and arguments with or without names."""

    function: str
    arguments: tuple[tuple[str | None, Node], ...] = ()


Node = str | Call
"""R source text that is one expression, or a call."""


def call(function: str, *unnamed: Node, **named: Node | None) -> Call:
    """Make a call; underscores in names become dots, and arguments that are None are left out."""
    given = [(name.replace("_", "."), value) for name, value in named.items() if value is not None]
    return Call(function, (*((None, value) for value in unnamed), *given))


def named(function: str, arguments: Iterable[tuple[str, Node]]) -> Call:
    """Make a call with a name for every argument, quoted where R needs that."""
    return Call(function, tuple((argument_name(name), value) for name, value in arguments))


def string(text: str) -> str:
    """Write a string in R's quotes, with escapes for letters that cannot be seen."""
    return '"' + "".join(_letter(letter) for letter in text) + '"'


def _letter(letter: str) -> str:
    if letter in _ESCAPES:
        return _ESCAPES[letter]
    if letter.isprintable():
        return letter
    code = ord(letter)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def is_plain_name(name: str) -> bool:
    """Say whether R takes a text for a name without quotes, in every locale."""
    return bool(_PLAIN_NAME.fullmatch(name)) and name not in _RESERVED


def argument_name(name: str) -> str:
    """Write the name of an argument or an element: quoted, where R needs that."""
    return name if is_plain_name(name) else string(name)


def argument_symbol(name: str) -> str:
    """Write the name of a variable within a formula: in backticks, where R needs that."""
    if is_plain_name(name):
        return name
    escaped = "".join("\\`" if letter == "`" else _letter(letter) for letter in name)
    return f"`{escaped}`"


def element(frame: str, name: str) -> str:
    """Write a column of a data frame."""
    return f"{frame}${name}" if is_plain_name(name) else f"{frame}[[{string(name)}]]"


def number(value: float) -> str:
    """Write a number that R reads back to the last bit.

    In decimal digits where R is sure to read them so, in hexadecimal ones otherwise: R's reading
    of decimals is not always that of the nearest double.
    """
    if math.isnan(value):
        return "NA_real_"
    if math.isinf(value):
        return "Inf" if value > 0 else "-Inf"
    return decimal(value) or float(value).hex()


def decimal(value: float) -> str | None:
    """Write a finite number in decimal digits, if every R reads them to the last bit."""
    sign = "-" if math.copysign(1.0, value) < 0 else ""
    size = abs(float(value))
    if size.is_integer() and size < 1e15:
        return f"{sign}{int(size)}"
    text = repr(size)
    digits, _, exponent = text.partition("e")
    whole, _, fraction = digits.partition(".")
    scaled = int(whole + fraction)
    power = int(exponent or 0) - len(fraction)
    if scaled >= 10**15 or abs(power) > _LARGEST_POWER:
        return None
    # R divides or multiplies once, in 64 bits and then to 53 where the machine has long doubles,
    # in 53 bits at once (and so correctly) elsewhere.
    if power < 0 and _in_two_steps(scaled, 10**-power) != size:
        return None
    if power >= 0 and _in_two_steps(scaled * 10**power, 1) != size:
        return None
    return sign + text


def _in_two_steps(numerator: int, denominator: int) -> float:
    """Return a quotient that is rounded to 64 bits and then to 53, half to even."""
    # Scale so that the quotient has 64 bits, then round it.
    shift = 64 - (numerator.bit_length() - denominator.bit_length())
    scaled, below = (
        (numerator << shift, denominator) if shift >= 0 else (numerator, denominator << -shift)
    )
    quotient, rest = divmod(scaled, below)
    excess = quotient.bit_length() - 64
    if excess > 0:
        rest += (quotient & ((1 << excess) - 1)) * below
        below <<= excess
        quotient >>= excess
        shift -= excess
    if 2 * rest > below or (2 * rest == below and quotient & 1):
        quotient += 1
    return math.ldexp(float(quotient), -shift)  # int to float rounds half to even


def atom(value: Any) -> str:
    """Write NULL, a logical, a number or a string.

    Raises
    ------
    TypeError
        It is none of these.
    """
    if isinstance(value, np.generic):
        value = value.item()
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int | float):
        return number(float(value))
    if isinstance(value, str):
        return string(value)
    raise TypeError(f"no R text is made of a {type(value).__name__}")


def vector(values: Iterable[Any], names: Sequence[str] | None = None) -> Node:
    """Write a vector: one atom alone, or c() of them."""
    atoms = [atom(value) for value in values]
    if names is not None:
        return named("c", zip(names, atoms, strict=True))
    if len(atoms) == 1:
        return atoms[0]
    return _run(atoms) or call("c", *atoms)


def _run(atoms: Sequence[str]) -> str | None:
    """Write whole numbers that follow each other as first:last."""
    if len(atoms) < 3 or not re.fullmatch(r"[0-9]{1,9}", atoms[0]):
        return None
    first = int(atoms[0])
    followed = all(text == str(first + i) for i, text in enumerate(atoms))
    return f"{first}:{first + len(atoms) - 1}" if followed else None


def matrix(
    values: Any, row_names: Sequence[str] | None = None, column_names: Sequence[str] | None = None
) -> Call:
    """Write a matrix, column by column."""
    table = np.asarray(values)
    flat = vector(table.ravel(order="F").tolist())
    names: Node | None = None
    if row_names is not None or column_names is not None:
        axes = (row_names, column_names)
        names = call("list", *("NULL" if axis is None else vector(axis) for axis in axes))
    return call("matrix", flat, nrow=number(table.shape[0]), dimnames=names)


def render(node: Node, indent: int = 0, before: int = 0, after: int = 0) -> str:
    """Lay an expression out.

    Parameters
    ----------
    node
        The expression.
    indent
        Spaces before the line in which it stands.
    before, after
        The letters on that line before the expression, and after it.
    """
    if isinstance(node, str):
        return node
    flat = _flat(node)
    if indent + before + len(flat) + after <= WIDTH and "\n" not in flat:
        return flat
    inner = " " * (indent + 2)
    if node.function == "c" and all(isinstance(value, str) for _, value in node.arguments):
        body = _filled([_flat_argument(each) for each in node.arguments], inner)
    else:
        lines = []
        for name, value in node.arguments:
            start = "" if name is None else f"{name} = "
            lines.append(inner + start + render(value, indent + 2, len(start), 1))
        body = ",\n".join(lines)
    return f"{node.function}(\n{body}\n{' ' * indent})"


def _flat(node: Node) -> str:
    if isinstance(node, str):
        return node
    return f"{node.function}({', '.join(map(_flat_argument, node.arguments))})"


def _flat_argument(argument: tuple[str | None, Node]) -> str:
    name, value = argument
    return _flat(value) if name is None else f"{name} = {_flat(value)}"


def _filled(texts: Sequence[str], inner: str) -> str:
    lines: list[str] = []
    for i, text in enumerate(texts):
        piece = text + ("," if i < len(texts) - 1 else "")
        if lines and len(lines[-1]) + 1 + len(piece) <= WIDTH:
            lines[-1] += f" {piece}"
        else:
            lines.append(inner + piece)
    return "\n".join(lines)


def assign(target: str, value: Node) -> str:
    """Write an assignment."""
    start = f"{target} <- "
    return start + render(value, before=len(start))


def comment(text: str) -> str:
    """Write a comment of one line, without letters that cannot be seen or would end it."""
    return "# " + "".join(letter if letter.isprintable() else " " for letter in text)


def fill(name: str, **tokens: str) -> list[str]:
    """Fill in a file of ``r/script``, and return its lines.

    Parameters
    ----------
    name
        The file's name without its ending.
    **tokens
        The text that replaces each ``.TOKEN.``.
    """
    path = files("pymer_bridge").joinpath("r", "script", f"{name}.R")
    known = "|".join(map(re.escape, tokens)) or "(?!)"
    text = re.sub(
        rf"\.({known})\.", lambda match: tokens[match[1]], path.read_text(encoding="utf-8")
    )
    return text.rstrip("\n").split("\n")
