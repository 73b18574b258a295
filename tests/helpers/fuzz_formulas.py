"""Random formulas: of a grammar of what lme4 reads, and broken ones; columns of odd names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from hypothesis import strategies as st

N_ROWS: Final = 48
GROUPS: Final = ["g", "h", "`a b`", "c"]
NUMBERS: Final = ["x", "z", "n"]
FACTORS: Final = ["f", "o", "b", "`é`"]


def data() -> pd.DataFrame:
    """Return data with one column of each kind that formulas use."""
    rng = np.random.default_rng(8)
    g = np.repeat(list("ABCDEF"), 8)
    x = np.tile(np.arange(8.0), 6)
    effect = dict(zip("ABCDEF", rng.normal(size=6), strict=True))
    frame = pd.DataFrame(
        {
            "y": 2 + x / 3 + np.array([effect[level] for level in g]) + rng.normal(size=N_ROWS),
            "x": x,
            "z": rng.normal(size=N_ROWS),
            "n": rng.integers(1, 5, N_ROWS),
            "g": g,
            "h": np.tile(list("klmn"), 12),
            "a b": np.tile(np.repeat(["u", "v", "w"], 4), 4),
            "c": pd.Categorical(np.tile(list("pqrsst"), 8), categories=list("tsrqp")),
            "f": np.tile(["one", "two", "three"], 16),
            "o": pd.Categorical(
                np.tile(["lo", "mid", "hi", "lo"], 12), ["lo", "mid", "hi"], ordered=True
            ),
            "b": np.tile([True, False, False], 16),
            "é": np.tile(["ä", "Z", "a", "É"], 12),
        }
    )
    frame.loc[[3, 17], "z"] = np.nan
    return frame


@dataclass(frozen=True)
class Text:
    """A formula, and what is known of it.

    Attributes
    ----------
    text
        The formula.
    sound
        Is it of the grammar, and names and calls nothing that is not there?
    """

    text: str
    sound: bool


def _join(*parts: Any) -> Any:
    return st.tuples(*(st.just([part]) if isinstance(part, str) else part for part in parts)).map(
        lambda lists: [token for tokens in lists for token in tokens]
    )


def _one(*texts: str) -> Any:
    return st.sampled_from([[text] for text in texts])


TRANSFORMED: Final = st.one_of(
    _join("I", "(", _one(*NUMBERS), "^", _one("2", "3"), ")"),
    _join("log", "(", "n", ")"),
    _join("log1p", "(", _one("x", "n"), ")"),
    _join("poly", "(", _one("x", "n"), ",", _one("2", "1"), ")"),
    _join("poly", "(", "x", ",", "degree", "=", "2", ",", "raw", "=", "TRUE", ")"),
    _join("ns", "(", "x", ",", "df", "=", _one("2", "3"), ")"),
    _join("scale", "(", _one(*NUMBERS), ")"),
    _join("sqrt", "(", "n", ")"),
    _join("factor", "(", _one("n", "h"), ")"),
    _join("I", "(", "-", _one(*NUMBERS), ")"),
    _join("as.numeric", "(", "o", ")"),
    _join("offset", "(", _one("x", "n"), ")"),
    _join("ifelse", "(", "x", ">", "3", ",", "x", "-", "3", ",", "0", ")"),
    _join("cut", "(", "x", ",", "c", "(", "-1", ",", "2", ",", "9", ")", ")"),
    _join("pmax", "(", "x", ",", "z", ")"),
    _join("I", "(", "x", "/", "n", ")"),
    _join("is.na", "(", "z", ")"),
    _join("I", "(", "(", "x", ")", ")"),
    _join("interaction", "(", "f", ",", "b", ")"),
    _join("relevel", "(", "c", ",", "ref", "=", "'q'", ")"),
)
FIXED: Final = st.recursive(
    st.one_of(_one(*NUMBERS, *FACTORS), _one(*NUMBERS, *FACTORS), TRANSFORMED, _one("1", "0")),
    lambda inner: st.one_of(
        _join(inner, _one("+", "+", ":", "*", "-", "/", "%in%"), inner),
        _join("(", inner, ")"),
        _join("(", inner, "+", inner, ")", "^", _one("2", "2", "2", "3", "3", "1")),
        _join("-", inner),
    ),
    max_leaves=4,
)
GROUP: Final = st.one_of(
    _one(*GROUPS),
    _one(*GROUPS),
    _join(_one(*GROUPS), _one("/", ":"), _one(*GROUPS)),
    _join("(", _one(*GROUPS), ":", _one(*GROUPS), ")"),
    _join("factor", "(", _one("n", "x"), ")"),
    st.one_of(
        _join("(", _one(*GROUPS), "+", _one(*GROUPS), ")"), _one("f", "b", "n", "z"), _one(*GROUPS)
    ),
)
SLOPES: Final = st.one_of(
    _one("1"),
    _one("1"),
    _one("x", "z", "b"),
    _join("0", "+", _one("x", "b", "z")),
    _join("1", "+", _one("x", "z")),
    _join("x", "-", "1"),
    _join("x", "+", "z"),
    TRANSFORMED,
    _join("(", "x", ")"),
)
RANDOM: Final = _join("(", SLOPES, _one("|", "|", "|", "||"), GROUP, ")")
RESPONSES: Final = st.one_of(
    _one("y"),
    _one("y"),
    _one("y"),
    _join("log", "(", "y", "+", "9", ")"),
    _join("scale", "(", "y", ")"),
    _join("I", "(", "y", "^", "2", ")"),
    _one("n", "x", "f", "b"),
    _join("-", "y"),
    _join("cbind", "(", "y", ",", "x", ")"),
)


@st.composite
def sound_tokens(draw: Any) -> list[str]:
    """Draw the tokens of a formula of the grammar."""
    fewest = draw(st.sampled_from([0, *[1] * 11]))
    parts = draw(st.lists(FIXED, max_size=3)) + draw(st.lists(RANDOM, min_size=fewest, max_size=2))
    if draw(st.integers(0, 9)) == 0:
        # Alone: a dot that is multiplied out asks for more columns than memory holds.
        parts.append(["."])
    if draw(st.booleans()):
        parts = [*draw(st.permutations(parts))]
    parts = parts or [["1"]]
    tokens = [*draw(RESPONSES), "~"]
    if draw(st.booleans()):
        tokens += [*draw(_one("0", "1", "-1")), "+"]
    for number, part in enumerate(parts):
        tokens += (["+"] if number else []) + part
    return tokens


SPACES: Final = st.sampled_from([" "] * 6 + ["  ", "\t", "\f", "\n", " # a ( ` ' \"\n"])
GOES_ON: Final = frozenset("+ ~ | || : * - / ^ %in% ( ,".split())
"""After these R reads on in the next line, as it does inside parentheses."""
JUNK: Final = [
    "(", ")", "+", "~", "|", "||", "`", "'", '"', "nosuch", "system", "get", "::", "@", "$", "[",
    "]", "{", "}", ";", ",", "=", "<-", "\\(x)", "function(x)", "if", "TRUE", "NULL", "NA", "...",
    "..1", "1e400", "0x", "1L", "%%", "%foo%", "|>", "?", "\\", "\0", "\ud800", "\u200b", "\u2013",
    "\u223c",
    "#", "^", "!", ":=", "if (", "for", "I(", "poly(", "C(", "Sys.getenv('HOME')", "''", "Inf",
    "repeat", "break", "r'(x)'", "1i", "-1:3", "*", "lmer(", "us(", "diag(", "ar1(", "\ufeff", "é",
    "T", "pi", "letters", "Error(g)", "s(x)", "1 | 1", "(1 | g | h)", "(1 |)", "(| g)", "()", "x y",
]  # fmt: skip


@st.composite
def formulas(draw: Any) -> Text:
    """Draw formulas: of the grammar, or with tokens lost, doubled, swapped or put in."""
    tokens = draw(sound_tokens())
    sound = draw(st.sampled_from([True, True, False]))
    if not sound:
        for _ in range(draw(st.integers(1, 3))):
            place = draw(st.integers(0, len(tokens) - 1))
            change = draw(st.sampled_from(["lose", "double", "put", "put", "swap", "replace"]))
            if change == "lose" and len(tokens) > 1:
                del tokens[place]
            elif change == "double":
                tokens.insert(place, tokens[place])
            elif change == "put":
                tokens.insert(place, draw(st.sampled_from(JUNK)))
            elif change == "swap":
                other = draw(st.integers(0, len(tokens) - 1))
                tokens[place], tokens[other] = tokens[other], tokens[place]
            else:
                tokens[place] = draw(st.one_of(st.sampled_from(JUNK), st.text(max_size=4)))
    spaces = draw(st.lists(SPACES, min_size=len(tokens), max_size=len(tokens)))
    tight = draw(st.integers(0, 3)) == 0
    text, depth = "", 0
    for token, space in zip(tokens, spaces, strict=True):
        depth += {"(": 1, ")": -1}.get(token, 0)
        ends = "\n" in space and not (depth or token in GOES_ON)
        text += token + ("" if tight and "#" not in space else " " if sound and ends else space)
    return Text(text, sound)


def quoted(name: str) -> str:
    """Write a name of any letters in R's backticks."""
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"
