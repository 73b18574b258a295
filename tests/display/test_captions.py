"""Tables say what they are: method, level, formulas, coding of factors, and number of rows."""

from __future__ import annotations

import html
import re
import warnings
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import pymer_bridge as pb
from helpers.latex import compile_latex, needs_latex
from pymer_bridge.errors import OptionError
from pymer_bridge.results.base import Result

pytestmark = pytest.mark.r

LARGE = "Reaction ~ Days + (Days | Subject)"
SMALL = "Reaction ~ (Days | Subject)"


class Fits:
    """The models, each fitted once."""

    def __init__(self) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", pb.PymerWarning)
            sleepstudy = pb.load_dataset("sleepstudy")
            self.sleep = pb.lmer(LARGE, sleepstudy)
            self.small = pb.lmer(SMALL, sleepstudy)
            self.cake = pb.lmer(
                "angle ~ recipe * temperature + (1 | recipe:replicate)", pb.load_dataset("cake")
            )
            self.cbpp = pb.glmer(
                "cbind(incidence, size - incidence) ~ period + (1 | herd)",
                pb.load_dataset("cbpp"),
                family="binomial",
            )
            self.ticks = pb.glm("TICKS ~ YEAR", pb.load_dataset("grouseticks"), family="poisson")
            self.groups = pb.lmer("Reaction ~ Days + (1 | Subject)", sleepstudy)
            self.line = pb.lm("Reaction ~ Days", sleepstudy)


@pytest.fixture(scope="module")
def fits() -> Fits:
    return Fits()


SATTERTHWAITE = "Satterthwaite's method"
KENWARD_ROGER = "Kenward-Roger's method"
CASES: dict[str, tuple[Callable[[Fits], Result], list[str]]] = {
    "fixed": (
        lambda f: f.sleep.fixed_effects(),
        ["Fixed effects", SATTERTHWAITE, "95% intervals (Wald)", "180 observations"],
    ),
    "fixed, kr, 90": (
        lambda f: f.cake.fixed_effects("kenward-roger", conf_level=0.9),
        [KENWARD_ROGER, "90% intervals (Wald)", "270 observations", "recipe = A", "contr.poly"],
    ),
    "fixed, normal": (
        lambda f: f.cbpp.fixed_effects(conf_level=0.995),
        ["z tests", "99.5% intervals (Wald)", "56 observations", "Reference: period = 1"],
    ),
    "fixed, none": (lambda f: f.sleep.fixed_effects("none"), ["Fixed effects, 180 observations"]),
    "glm": (
        lambda f: f.ticks.fixed_effects(),
        ["z tests", "95% intervals (profile)", "403 observations", "YEAR = 95"],
    ),
    "lm": (
        lambda f: f.line.fixed_effects(),
        ["residual degrees of freedom", "95% intervals (Wald)", "180 observations"],
    ),
    "anova": (
        lambda f: f.sleep.anova(),
        ["Type III Analysis of Variance", SATTERTHWAITE, "180 observations"],
    ),
    "anova I": (lambda f: f.sleep.anova("I"), ["Type I Analysis", SATTERTHWAITE]),
    "anova II, kr": (
        lambda f: f.sleep.anova("II", "kenward-roger"),
        ["Type II Analysis", KENWARD_ROGER],
    ),
    "anova, none": (
        lambda f: f.sleep.anova(ddf="none"),
        ["Analysis of Variance", "sequential, without p-values"],
    ),
    "anova of a glmer": (lambda f: f.cbpp.anova(), ["sequential, without p-values", "56 obs"]),
    "drop1": (
        lambda f: f.sleep.drop1(),
        ["Single term deletions", SATTERTHWAITE, LARGE, "180 observations"],
    ),
    "drop1 by ratio": (
        lambda f: f.cbpp.drop1(),
        ["Likelihood ratio tests, single term deletions", "period + (1 | herd)", "56 observations"],
    ),
    "compared": (
        lambda f: _quiet(pb.anova, f.sleep, f.small),
        ["Likelihood ratio tests", f"model1: {LARGE}", f"model2: {SMALL}", "refitting", "180 obs"],
    ),
    "compared, named": (
        lambda f: _quiet(pb.anova, f.sleep, f.small, names=["<b>", "m|2"]),
        [f"<b>: {LARGE}", f"m|2: {SMALL}"],
    ),
    "ranova": (
        lambda f: f.sleep.ranova(),
        ["Likelihood ratio tests", "random-effects", LARGE, "180 observations"],
    ),
    "contest": (
        lambda f: f.sleep.contest(
            {"a week": {"Days": 7}, "begin": {"(Intercept)": -1}}, rhs=[5, 0]
        ),
        ["F tests", SATTERTHWAITE, "a week: 7 Days = 5", "begin: -(Intercept) = 0"],
    ),
    "contest, kr": (
        lambda f: f.sleep.contest([[0, 1]], joint=False, ddf="kenward-roger", conf_level=0.9),
        ["t tests of linear hypotheses", KENWARD_ROGER, "90% intervals (Wald)"],
    ),
    "terms": (
        lambda f: f.line.anova(),
        ["Analysis of Variance Table", "F tests", "Response: Reaction", "180 observations"],
    ),
    "deviance": (
        lambda f: f.ticks.anova(test="rao"),
        ["Analysis of Deviance Table", "score tests", "Terms added sequentially", "403 obs"],
    ),
    "drop1 of terms": (
        lambda f: f.ticks.drop1(),
        ["Single term deletions", "likelihood ratio tests", "TICKS ~ YEAR", "403 observations"],
    ),
    "compared lines": (
        lambda f: pb.anova(f.line.update(". ~ 1"), f.line, names=["<b>", "m|2"]),
        ["Analysis of Variance Table", "F tests", "Reaction ~ Days", "180 observations"],
    ),
    "contest, z": (
        lambda f: f.ticks.contest({"a|b": {"YEAR96": 1}}, joint=False),
        ["z tests of linear hypotheses", "95% intervals (Wald)", "a|b: YEAR96 = 0"],
    ),
    "intervals of a line": (
        lambda f: f.line.confint(),
        ["95% confidence intervals (Wald)", "180 observations"],
    ),
    "measures": (
        lambda f: f.line.influence_measures(),
        ["Measures of influence", "180 observations"],
    ),
    "r2 of a line": (lambda f: f.line.r2(), ["R squared", "180 observations"]),
    "kr_modcomp": (
        lambda f: pb.kr_modcomp(f.sleep, "Days"),
        ["F test of a restriction", KENWARD_ROGER, LARGE, SMALL, "180 observations"],
    ),
    "sat_modcomp": (
        lambda f: pb.sat_modcomp(f.sleep, f.small),
        ["F test of a restriction", SATTERTHWAITE, LARGE, SMALL],
    ),
    "step": (
        lambda f: f.sleep.step(),
        ["Backward elimination", SATTERTHWAITE, f"Model found: {LARGE}", "180 observations"],
    ),
    "wald": (
        lambda f: f.sleep.confint(method="wald", conf_level=0.8),
        ["80% confidence intervals (Wald)", "180 observations"],
    ),
    "profile": (
        lambda f: f.sleep.confint("profile", parameters="beta_"),
        ["95% confidence intervals (profile)", "180 observations"],
    ),
    "boot": (
        lambda f: _quiet(f.groups.confint, "boot", n_sim=20, seed=1, kind="basic"),
        ["95% confidence intervals (bootstrap, basic)", "180 observations"],
    ),
    "replicates": (
        lambda f: _quiet(f.groups.bootstrap, "parametric", n_sim=20, seed=7),
        ["Parametric bootstrap", "20 of 20 replicates usable, seed 7", "180 observations"],
    ),
    "pb_modcomp": (
        lambda f: _quiet(pb.pb_modcomp, f.groups, "Days", n_sim=20, seed=1),
        [
            *("Parametric bootstrap of the likelihood ratio", "of 20 replicates usable"),
            *("large: Reaction ~ Days + (1 | Subject)", "small: Reaction ~ (1 | Subject)"),
            "180 observations",
        ],
    ),
    "predictions": (
        lambda f: f.line.predict(interval="confidence", conf_level=0.9),
        ["Predictions", "on the scale of the", "90% intervals (Wald)"],
    ),
    "variances": (lambda f: f.sleep.variance_components, ["Random effects, 180 observations"]),
    "modes": (lambda f: f.sleep.random_effects, ["conditional modes", "180 observations"]),
    "by group": (lambda f: f.sleep.group_coefficients, ["by group", "180 observations"]),
    "means": (
        lambda f: _quiet(f.cake.emmeans, "recipe"),
        [
            *(
                "Estimated marginal means",
                "averaged over the levels of: temperature",
                "involvement in",
            ),
            *("Degrees-of-freedom method: kenward-roger", "Confidence level used: 0.95"),
            "270 observations",
        ],
    ),
    "means, response": (
        lambda f: f.cbpp.emmeans("period", type="response"),
        ["Estimated marginal means", "back-transformed from the logit scale", "56 observations"],
    ),
    "contrasts": (
        lambda f: f.cbpp.emmeans("period").pairs(),
        ["Contrasts", "tukey method for comparing a family of 4", "log odds ratio", "56 obs"],
    ),
    "trends": (
        lambda f: f.sleep.emtrends("1", "Days"),
        ["Estimated marginal slopes of Days", "180 observations"],
    ),
}


def _quiet(call: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", pb.PymerWarning)
        return call(*arguments, **named)


def formats(result: Any) -> dict[str, str]:
    """Return the result in each format, with what is escaped in it as a reader sees it."""
    page = html.unescape(re.sub(r"<[^>]*>", "", result._repr_html_()))
    markdown = html.unescape(re.sub(r"\\(.)", r"\1", result.to_markdown()))
    latex = result.to_latex()
    for name, letter in (("sim", "~"), ("bar", "|"), ("less", "<"), ("greater", ">")):
        latex = latex.replace(rf"\text{name}{{}}", letter)
    latex = re.sub(r"\\([&%$#_{}])", r"\1", latex.replace(r"\textasciitilde{}", "~"))
    return {"text": str(result), "html": page, "markdown": markdown, "latex": latex}


@pytest.mark.parametrize("name", CASES)
def test_a_table_says_what_it_is_in_every_format(fits: Fits, name: str) -> None:
    make, expected = CASES[name]
    result: Any = make(fits)
    shown = formats(result)
    if hasattr(result, "text"):
        assert shown.pop("text") == result.text  # what R prints stays so
    for form, whole in shown.items():
        missing = [said for said in expected if said not in whole]
        assert not missing, f"{form}: {whole}"
    assert not result._table().title.endswith(":")
    assert "&gt;" not in result.to_markdown()
    # Stored and read back, it says the same.
    again = Result.from_dict(result.to_dict()) if type(result).__module__ != EMMEANS else None
    assert again is None or again._table() == result._table()


EMMEANS = "pymer_bridge.models.marginal_means"


def test_a_model_says_its_rows_once(fits: Fits) -> None:
    for fit in (fits.sleep, fits.cbpp, fits.line):
        assert str(fit).count("180 obs") + str(fit).count("56 obs") == 0
        assert fit._repr_html_().count("Observations") == 1


def test_ends_of_intervals_line_up(fits: Fits) -> None:
    for name in ("fixed", "fixed, kr, 90", "fixed, normal", "glm", "lm", "wald", "profile"):
        table = CASES[name][0](fits)._table()
        head = [column.name for column in table.columns]
        together = [head.index(c.name) for c in table.columns if c.scale == "estimate"]
        cells = [row[i] for row in table._strings(table.rows)[1:] for i in together]
        assert len({len(cell.partition(".")[2]) for cell in cells if cell}) == 1, name


def test_p_values_below_the_least_are_spelled_one_way(fits: Fits) -> None:
    for fit in (fits.ticks, fits.cake, fits.line):
        spelled = {
            match
            for form, whole in formats(fit.fixed_effects()).items()
            for match in re.findall(r"<\s*2[.\d]*(?:e| \\times 10\^\{)-16", whole)
        }
        assert spelled <= {"< 2e-16", r"< 2 \times 10^{-16"}


# -- validity -------------------------------------------------------------------------------------

CHILDREN = {
    "table": {"caption", "thead", "tbody"},
    "thead": {"tr"},
    "tbody": {"tr"},
    "tr": {"th", "td"},
}
PARENTS = {
    **{key: {"table"} for key in ("caption", "thead", "tbody")},
    **{key: {"tr"} for key in ("td", "th")},
    "tr": {"thead", "tbody"},
    "summary": {"details"},
}
PHRASING = {"p", "th", "td", "caption", "summary", "pre", "strong"}
KNOWN = {*PARENTS, *CHILDREN, *PHRASING, "div", "details"}


class Strict(HTMLParser):
    """What HTML's syntax and content model say of the elements that we use."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=False)
        self.open: list[str] = []
        self.columns: list[int] = []
        self.ids: set[str] = set()
        assert not re.search(r"<(?![A-Za-z/])", page)
        self.feed(page)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        inside = self.open[-1] if self.open else ""
        given = dict(attrs)
        assert len(given) == len(attrs)
        assert None not in given.values()
        assert tag in KNOWN
        assert not [name for name in given if name.startswith("on")]
        if "id" in given:
            assert given["id"] not in self.ids
            self.ids.add(str(given["id"]))
        assert inside in PARENTS.get(tag, {inside}), (tag, inside)
        assert tag in CHILDREN.get(inside, {tag}), (tag, inside)
        assert inside not in PHRASING or tag == "strong", (tag, inside)
        assert "aria-label" not in given or "role" in given
        if tag == "tr":
            self.columns.append(0)
        if tag in ("td", "th"):
            self.columns[-1] += int(given.get("colspan") or 1)
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        if tag == "table":
            assert len(set(self.columns)) == 1  # each row has every column
            self.columns = []

    def handle_data(self, data: str) -> None:
        assert not data.strip() or not self.open or self.open[-1] not in CHILDREN
        assert "&" not in data

    def handle_entityref(self, name: str) -> None:
        assert name in ("lt", "gt", "amp", "quot")


HOSTILE = "<script>alert('x')</script> & | \\ $x$ 50% #_{}~^ [a] * `c` <!-- &lt;"


@pytest.fixture(scope="module")
def hostile() -> Any:
    data = pb.load_dataset("sleepstudy")
    data["cond"] = [HOSTILE, f"{HOSTILE}2"] * 90
    return pb.lmer("Reaction ~ cond + (1 | Subject)", data)


@pytest.mark.parametrize("name", CASES)
def test_html_is_valid(fits: Fits, name: str) -> None:
    result: Any = CASES[name][0](fits)
    assert result.to_html() == result._repr_html_()
    Strict(result.to_html())


def test_html_of_models_is_valid(fits: Fits, hostile: Any) -> None:
    for fit in (fits.sleep, fits.cake, fits.cbpp, fits.ticks, fits.line, hostile):
        Strict(fit._repr_html_())
    for fit in (fits.sleep, fits.cbpp, hostile):
        Strict(fit.summary().to_html())
    Strict(pb.model_table(fits.sleep, hostile, names=["<b>", "&"], format="html", icc=False))


def test_a_hostile_level_is_harmless_in_markdown(hostile: Any) -> None:
    effects = hostile.fixed_effects()
    shown = effects.to_markdown()
    assert not re.search(r"<[A-Za-z/!?]|&gt;", shown)
    row = next(line for line in shown.splitlines() if line[0:1] == "|" and "script" in line)
    assert re.sub(r"\\.", "", row).count("|") == 1 + len(effects._table().columns)
    page = pytest.importorskip("markdown").markdown(shown, extensions=["tables"])
    assert "<script" not in page
    assert "<!--" not in page
    assert html.escape(HOSTILE, quote=False).split(" ")[0] in page


def test_a_styler_is_captioned_rounded_and_harmless(fits: Fits, hostile: Any) -> None:
    pytest.importorskip("jinja2")
    for name in CASES:
        result: Any = CASES[name][0](fits)
        page = result.to_styler().to_html()
        Strict(re.sub(r"<style.*?</style>", "", page, flags=re.DOTALL))
        assert html.escape(result._table().title) in page
    effects = hostile.fixed_effects()
    styler = effects.to_styler()
    assert list(styler.data["estimate"]) == [row.estimate for row in effects]
    page = styler.to_html()
    assert "<script" not in page
    cells = set(re.findall(r">([^<>]*)</td>", page))
    table = effects._table()
    for row in table._strings(table.rows)[1:]:
        assert {html.escape(cell) for cell in row[1:]} <= cells
    assert pb.model_table(fits.sleep, hostile, icc=False).to_styler().to_html()


def test_a_styler_without_jinja_says_what_to_install(
    fits: Fits, monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent(_: Any) -> Any:
        raise AttributeError("The '.style' accessor requires jinja2")

    monkeypatch.setattr(pd.DataFrame, "style", property(absent))
    with pytest.raises(OptionError, match="pip install jinja2"):
        fits.sleep.fixed_effects().to_styler()


def latex_problems(text: str) -> list[str]:
    """Return what a compiler would stop at: braces, environments, bare specials, columns."""
    found: list[str] = []
    plain = re.sub(r"\\[&%$#_{}\\]", "", text)
    if plain.count("{") != plain.count("}") or plain.count("$") % 2:
        found.append("not closed")
    stack: list[str] = []
    for kind, name in re.findall(r"\\(begin|end)\{(\w+)\}", text):
        if kind == "begin":
            stack.append(name)
        elif not stack or stack.pop() != name:
            found.append(f"end of {name}")
    if stack:
        found.append("an environment")
    if re.search(r"[#_^%~]", re.sub(r"\$[^$]*\$", "", plain)) or not plain.isascii():
        found.append("a special character")
    tabular = r"\\begin\{tabular\}\{([lr]+)\}(.*?)\\end\{tabular\}"
    for columns, body in re.findall(tabular, text, re.DOTALL):
        rows = [line for line in body.splitlines() if line.endswith(r"\\")]
        if {len(re.findall(r"(?<!\\)&", row)) + 1 for row in rows} != {len(columns)}:
            found.append("columns")
    return found


def latex_of_all(fits: Fits, hostile: Any) -> list[str]:
    texts = [CASES[name][0](fits).to_latex() for name in CASES]
    texts += [hostile.fixed_effects().to_latex(), hostile.summary().to_latex()]
    models = (fits.sleep, hostile)
    return [*texts, str(pb.model_table(*models, names=["a_b", "&"], format="latex", icc=False))]


def test_latex_has_what_a_compiler_needs(fits: Fits, hostile: Any) -> None:
    for text in latex_of_all(fits, hostile):
        assert latex_problems(text) == [], text


@pytest.mark.slow
@needs_latex
def test_latex_of_every_result_compiles(fits: Fits, hostile: Any, tmp_path: Path) -> None:
    compile_latex("\n\\clearpage\n".join(latex_of_all(fits, hostile)), tmp_path)
