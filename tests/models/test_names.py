"""Names have one rule: whatever characters they have, with or without backticks, everywhere.

One set of data has hostile names, another plain ones. Whatever takes or shows a name gives the same
figures for both, to the last bit.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import fields, is_dataclass
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

import pymer_bridge as pb
from pymer_bridge.errors import DataConversionError, FormulaError, OptionError, UnknownNameError
from pymer_bridge.results.variances import VarianceComponents
from pymer_bridge.session import asking
from pymer_bridge.session.versions import r_versions
from pymer_bridge.spec.names import bare, find_name, is_syntactic, parts_of, quoted

pytestmark = pytest.mark.r

ROLES = ("y", "x", "f", "g", "h", "w", "o")
SETS: dict[str, dict[str, str]] = {
    "plain": dict(zip(ROLES, ROLES, strict=True)),
    "spaces": {
        "y": "my y",
        "x": "a:b",
        "f": "site-id",
        "g": "the subject",
        "h": "1st",
        "w": "50% w",
        "o": "größe",
    },
    "words": {
        "y": "log(y)",
        "x": 'it\'s "x"',
        "f": "if",
        "g": "x:y",
        "h": "TRUE",
        "w": ".weights",
        "o": ".offset",
    },
    "signs": {
        "y": "y ~ 1",
        "x": "x+1",
        "f": "f, é",
        "g": "a | b",
        "h": "h/n",
        "w": "w^2",
        "o": "del",
    },
}
"""Names of the response, a number, a factor, two nested groups, weights and an offset."""


def base() -> pd.DataFrame:
    rng = np.random.default_rng(4)
    groups = rng.normal(size=(2, 6)).repeat(8, axis=1)
    x = np.round(rng.normal(size=48), 2)
    f = rng.choice(list("abc"), 48)
    y = 3 + x * (1 + groups[1]) + (f == "b") + 2 * groups[0] + rng.normal(size=48)
    return pd.DataFrame(
        {
            "y": np.round(y, 3),
            "x": x,
            "f": f,
            "g": np.repeat(list("ABCDEF"), 8),
            "h": np.tile(np.repeat(["p", "q"], 4), 6),
            "w": rng.integers(1, 4, 48).astype(float),
            "o": np.round(rng.normal(size=48), 1),
        }
    )


class Names:
    """Names of one set: as columns, in formulas (``t``), and as given to methods."""

    def __init__(self, names: dict[str, str], *, ticked: bool) -> None:
        self.names = names
        self.t = {role: quoted(name) for role, name in names.items()}
        self.given = {role: f"`{n}`" if ticked else n for role, n in names.items()}
        self.data = base().set_axis([names[role] for role in ROLES], axis=1)
        self.ticked = ticked

    def __getattr__(self, role: str) -> str:
        return self.given[role]

    def new(self) -> pd.DataFrame:
        rows = {"x": [0.5, 1.0], "f": ["a", "b"], "g": ["A", "B"], "h": ["p", "q"]}
        return pd.DataFrame({self.names[role]: values for role, values in rows.items()})

    def fits(self) -> dict[str, Any]:
        t, data = self.t, self.data
        y, x, f, g, h = (t[role] for role in "yxfgh")
        return {
            "main": pb.lmer(f"{y} ~ {x} * {f} + ({x} | {g})", data),
            "weighted": pb.lmer(f"{y} ~ {x} + {f} + (1 | {g})", data, weights=self.w),
            "nested": pb.lmer(f"{y} ~ {x} + {nested(g, h)}", data, offset=self.o),
            "lines": pb.lmer(f"{y} ~ {x} + ({x} | {g})", data),
        }


def nested(g: str, h: str) -> str:
    """Return the term of h in g, in full where R's reformulas cannot read a colon in g's name."""
    if ":" in g and r_versions("reformulas")["reformulas"]:
        return f"(1 | {h}:{g}) + (1 | {g})"
    return f"(1 | {g}/{h})"


def of_lme4_2() -> bool:
    return int(str(r_versions("lme4")["lme4"]).split(".")[0]) >= 2


def separate(names: Names) -> pb.LinearModelList:
    """Return separate fits; from version 2 lme4 takes a group of a plain name alone."""
    group = "group" if of_lme4_2() else names.t["g"]
    data = names.data.assign(group=names.data[names.names["g"]])
    return pb.lm_list(f"{names.t['y']} ~ {names.t['x']} | {group}", data)


def figures(found: Any) -> Any:
    """Return the numbers in a result, without its names."""
    if isinstance(found, pd.DataFrame):
        return [figures(found.iloc[:, i].tolist()) for i in range(found.shape[1])]
    if isinstance(found, pd.Series | np.ndarray):
        return figures(found.tolist())
    if isinstance(found, list | tuple):
        return [figures(each) for each in found]
    if isinstance(found, dict):
        return figures(list(found.values()))
    if is_dataclass(found):
        return [
            figures(getattr(found, f.name))
            for f in fields(found)
            if f.name not in ("seconds", "versions", "_grid")
        ]
    return repr(found) if isinstance(found, int | float | np.number) else None


def drawn(made: Any) -> list[Any]:
    """Return the numbers in a picture."""
    panels = made.axes if isinstance(made.axes, list) else made.figure.axes
    lines = [np.asarray(line.get_xydata(), float) for ax in panels for line in ax.lines]
    return [each.tolist() for each in lines]


Ask = Callable[[dict[str, Any], Names], Any]

LOOKUPS: dict[str, Ask] = {
    "effect": lambda m, n: m["main"].fixed_effects("none")[n.x],
    "level": lambda m, n: m["main"].fixed_effects("none")[f"{n.f}b"],
    "interaction": lambda m, n: m["main"].fixed_effects("none")[f"{n.x}:{n.f}c"],
    "vcov": lambda m, n: m["main"].vcov[n.x, f"{n.f}b"],
    "random effects": lambda m, n: m["main"].random_effects[n.g, "A", n.x],
    "group": lambda m, n: m["main"].random_effects.group(n.g),
    "coefficients": lambda m, n: m["main"].group_coefficients[n.g, "A", n.x],
    "nested group": lambda m, n: m["nested"].random_effects.group(f"{n.h}:{n.g}"),
    "variance": lambda m, n: m["main"].variance_components[n.g, n.x],
    "nested variance": lambda m, n: m["nested"].variance_components[f"{n.h}:{n.g}"],
    "correlation": lambda m, n: m["main"].variance_components.correlation(n.g, n.x, "(Intercept)"),
    "covariances": lambda m, n: m["main"].covariances[n.g],
    "components": lambda m, n: m["main"].re_pca()[n.g, 1],
    "sizes": lambda m, n: [m["main"].n_groups[n.g], m["nested"].n_groups[f"{n.h}:{n.g}"]],
    "anova": lambda m, n: m["main"].anova()[f"{n.x}:{n.f}"],
    "report": lambda m, n: len(m["lines"].report(n.x, "none")),
}
METHODS: dict[str, Ask] = {
    "drop1": lambda m, n: m["nested"].drop1([n.x])[n.x],
    "ranova": lambda m, n: m["nested"].ranova(),
    "step": lambda m, n: m["lines"].step(keep=[n.x]),
    "wald": lambda m, n: m["main"].confint("wald", n.x)[n.x],
    "profile": lambda m, n: m["nested"].profile(n.x),
    "boot": lambda m, n: m["nested"].confint("boot", [n.x], n_sim=2, seed=1)[n.x],
    "contest": lambda m, n: m["main"].contest({"a": {n.x: 1, f"{n.f}b": 2}}),
    "series": lambda m, n: m["main"].contest({"a": pd.Series({n.x: 1.0})}, joint=False),
    "emmeans": lambda m, n: m["main"].emmeans(n.f, at={n.x: [1.0]})["b"],
    "by": lambda m, n: m["main"].emmeans(n.f, by=n.x, at={n.x: [1.0, 2.0]}).pairs(),
    "emtrends": lambda m, n: m["main"].emtrends(n.f, n.x).pairs(),
    "trend of a function": lambda m, n: m["main"].emtrends(n.f, f"exp({n.t['x']})").rows,
    "one effect": lambda m, n: m["weighted"].effect(n.x, at={n.x: [1.0, 2.0]}),
    "two effects": lambda m, n: m["main"].effect([n.x, n.f]),
    "effects in one text": lambda m, n: m["main"].effect(f"{n.x}:{n.f}"),
    "influence": lambda m, n: m["lines"].influence(by=n.g),
    "influence of nested groups": lambda m, n: m["nested"].influence(by=f"{n.h}:{n.g}"),
    "cases": lambda m, n: (
        m["nested"]
        .bootstrap("case", 2, 1, resample={n.g: True, f"{n.h}:{n.g}": True, ".obs": True})
        .replicates
    ),
    "weighted cases": lambda m, n: (
        m["weighted"].bootstrap("case", 2, 1, resample={n.g: True}).replicates
    ),
    "bootstrap": lambda m, n: m["nested"].bootstrap("parametric", 2, 1)[n.x],
    "p-values": lambda m, n: (
        m["nested"].bootstrap("parametric", 2, 1).p_values({n.x: 1.0}, parameters=[n.x])
    ),
    "kr_modcomp": lambda m, n: pb.kr_modcomp(m["main"], f"{n.x}:{n.f}"),
    "sat_modcomp": lambda m, n: pb.sat_modcomp(m["nested"], n.x),
    "pb_modcomp": lambda m, n: pb.pb_modcomp(m["nested"], n.x, 2, 1).lrt,
    "compare_inference": lambda m, n: pb.compare_inference(
        m["lines"], n.x, ["likelihood-ratio", "case-bootstrap"], n_sim=2, seed=1
    ).to_frame()[["estimate", "p_value"]],
    "predict": lambda m, n: m["nested"].predict(n.new().assign(**{n.names["o"]: [0.5, 1.0]})),
    "re_form": lambda m, n: m["main"].predict(n.new(), re_form=f"~ (1 | {n.t['g']})"),
    "simulate": lambda m, n: m["main"].simulate(2, 1, new_data=n.new()).values,
    "ranova of refits": lambda m, n: [
        refit(m["lines"]).ranova()
        for refit in (
            lambda fit: fit.refit(n.data[n.names["o"]] + 5),
            lambda fit: fit.refit_ml(),
            lambda fit: fit.refit(n.data[n.names["o"]] + 5).refit_ml(),
            lambda fit: fit.refit_ml().refit(n.data[n.names["o"]] + 5),
        )
    ],
    "step of a refit": lambda m, n: m["lines"].refit_ml().step(),
    "update": lambda m, n: m["main"].update(f". ~ . - {n.t['x']}:{n.t['f']}").vcov,
    "summary": lambda m, n: m["main"].summary().fixed_effects,
    "tables": lambda m, n: [m["main"].tidy(ddf="none"), m["nested"].augment()],
    "pooling": lambda m, n: m["lines"].pooling(n.g, n.x),
    "many": lambda m, n: (
        pb.fit_many(f"~ {n.t['x']} + (1 | {n.t['g']})", n.data, [n.y, n.o], weights=n.w).values
    ),
    "lm": lambda m, n: pb.lm(
        f"{n.t['y']} ~ {n.t['x']} * {n.t['f']}", n.data, weights=n.w, offset=n.o
    ).fixed_effects()[f"{n.x}:{n.f}b"],
    "lm_list": lambda m, n: separate(n).coefficients(),
    "contrasts": lambda m, n: (
        pb.lmer(
            f"{n.t['y']} ~ {n.t['f']} + (1 | {n.t['g']})", n.data, contrasts={n.f: "contr.sum"}
        ).vcov
    ),
    "labels": lambda m, n: str(pb.model_table(m["main"], labels={n.x: "LABEL"})).count("LABEL"),
}
PICTURES: dict[str, Ask] = {
    "coefficients": lambda m, n: m["main"].plot.coefficients(ddf="none", terms=[n.x]),
    "effect": lambda m, n: m["main"].plot.effect(n.x),
    "random effects": lambda m, n: m["main"].plot.random_effects(n.g, terms=n.x, order=n.x),
    "scatter": lambda m, n: m["main"].plot.random_scatter(n.g, terms=["(Intercept)", n.x]),
    "quantiles": lambda m, n: m["main"].plot.random_quantiles(n.g, terms=n.x),
    "lines": lambda m, n: m["main"].plot.lines(n.g, n.x, at={n.f: "b"}),
    "lines of weighted fits": lambda m, n: m["weighted"].plot.lines(n.g, n.x),
    "groups": lambda m, n: m["lines"].plot.groups(n.g, n.x),
    "pooling": lambda m, n: m["lines"].plot.pooling(n.g, n.x),
    "shrinkage": lambda m, n: m["lines"].plot.shrinkage(n.g, n.x),
    "residuals": lambda m, n: m["lines"].plot.residuals_by_group(n.g),
}
ASKED = {
    **{f"lookup of {name}": ask for name, ask in LOOKUPS.items()},
    **METHODS,
    **{
        f"picture of {name}": lambda m, n, ask=ask: drawn(ask(m, n))
        for name, ask in PICTURES.items()
    },
}


@pytest.fixture(scope="module")
def models(quiet: None) -> dict[tuple[str, bool], tuple[Names, dict[str, Any]]]:
    made = {}
    for which, ticked in (("plain", False), ("spaces", False), ("words", True), ("signs", False)):
        names = Names(SETS[which], ticked=ticked)
        made[which, ticked] = names, names.fits()
    for which, ticked in (("spaces", True), ("words", False), ("signs", True)):
        made[which, ticked] = Names(SETS[which], ticked=ticked), made[which, not ticked][1]
    return made


@pytest.fixture(scope="module", autouse=True)
def quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # few replicates, and singular fits
        yield


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
    plt.close("all")


@pytest.mark.parametrize("what", ASKED)
def test_whatever_a_column_is_called_figures_are_the_same(what: str, models: Any) -> None:
    ask = ASKED[what]
    names, fits = models["plain", False]
    right = figures(ask(fits, names))
    # Names that are only compared are cheap to look up: with and without backticks.
    both = what.startswith("lookup") or what in ("wald", "contest", "emmeans", "re_form")
    for (which, ticked), (names, fits) in models.items():
        if which != "plain" and (both or ticked == (which == "words")):
            assert figures(ask(fits, names)) == right, (which, ticked)


def test_a_name_that_is_there_is_meant_and_else_the_one_that_reads_the_same() -> None:
    assert find_name("a b", ["`a b`", "c"]) == "`a b`"
    assert find_name("`c`", ["`a b`", "c"]) == "c"
    assert find_name("a:b", ["`a:b`", "a:b"]) == "a:b"
    assert find_name("`a:b`", ["`a:b`", "a:b"]) == "`a:b`"
    assert find_name("a:b", ["`a`:b", "a:`b`"]) is None  # which one?
    assert find_name(("g", "a b"), [("`g`", "`a b`")]) == ("`g`", "`a b`")
    assert find_name("a`b", ["`a\\`b`"]) == find_name("`a\\`b`", ["`a\\`b`"]) == "`a\\`b`"
    assert find_name(1, ["1"]) is find_name("x", []) is find_name(None, ["x"]) is None
    assert bare("`a\\\\b`:`c\\nd`") == "a\\b:c\nd"
    assert parts_of("`1st`:`a:b`", ["1st", "a:b"]) == ("1st", "a:b")
    assert parts_of("a:b", ["a:b", "a"]) == ("a:b",)


def test_names_are_quoted_as_r_quotes_them() -> None:
    plain = ["a", "a.b", ".a", "_", "a b", "1a", ".1a", "if", "TRUE", "a`b", "a\\b", "a-b"]
    (there,) = asking.ask("spelled", text=f"c({', '.join(map(quoted, plain))})")
    assert there == f"c({', '.join(map(quoted, plain))})"
    assert [name for name in plain if is_syntactic(name)] == ["a", "a.b", ".a"]


def test_terms_of_one_factor_are_found_by_its_name() -> None:
    data = pb.load_dataset("sleepstudy")
    found = pb.lmer("Reaction ~ Days + (Days || Subject)", data).variance_components
    assert found["Subject", "Days"] is found["Subject.1", "Days"]
    assert found["Subject", "(Intercept)"].group == "Subject"
    assert VarianceComponents.from_dict(found.to_dict()) == found
    # A factor that is called so is another one.
    data["Subject.1"] = (data["Days"] % 3).astype(str)
    fit = pb.lmer("Reaction ~ Days + (1 | Subject) + (0 + Days | `Subject.1`)", data)
    assert fit.variance_components.factors == ()
    with pytest.raises(UnknownNameError, match=r"'Subject\.1', 'Days'"):
        fit.variance_components["Subject", "Days"]


@pytest.mark.parametrize("role", ["weights", "offset", "subset"])
def test_columns_do_not_hide_the_vectors_that_are_given(role: str) -> None:
    data = pb.load_dataset("sleepstudy").reset_index(drop=True)
    values: Any = data["Days"].to_numpy() + 1.0 if role != "subset" else data["Days"] > 2
    right = pb.lmer("Reaction ~ Days + (1 | Subject)", data, **{role: values})
    hidden = data.assign(**{f".{role}": 1.0, f".{role}_": 2.0})
    formula = f"Reaction ~ Days + I(0 * .{role}) + I(0 * .{role}_) + (1 | Subject)"
    fit = pb.lmer(formula, hidden, **{role: values})
    assert fit.fit_statistics == right.fit_statistics
    if role != "subset":
        asked = {"n_sim": 2, "seed": 1, "resample": {"Subject": True}}
        boot = [each.bootstrap("case", **asked).replicates for each in (fit, right)]
        assert figures(boot[0]) == figures(boot[1])
    hidden = pb.lmer("Reaction ~ Days + (1 | Subject)", hidden, **{role: values})
    assert figures(hidden.effect("Days")) == figures(right.effect("Days"))


@pytest.mark.parametrize("name", [".response", "del", ".groups", "control", "par", ".fit"])
def test_columns_do_not_hide_what_is_ours(name: str) -> None:
    n = Names(SETS["plain"], ticked=False)
    formula = "y ~ {} + f + (1 | g)"
    right = pb.lmer(formula.format("x"), n.data)
    data = n.data.rename(columns={"x": name})
    fit = pb.lmer(formula.format(quoted(name)), data)
    assert figures(fit.influence("g")) == figures(right.influence("g"))
    assert figures(fit.emmeans("f")["a"]) == figures(right.emmeans("f")["a"])
    many = pb.fit_many(f"~ {quoted(name)} + (1 | g)", data, ["y", "o"])
    assert figures(many) == figures(pb.fit_many("~ x + (1 | g)", n.data, ["y", "o"]))


def test_a_predictor_that_is_called_as_a_figure_is_keeps_its_column() -> None:
    n = Names(SETS["plain"] | {"f": "estimate", "x": "df"}, ticked=False)
    fit = pb.lmer("y ~ df * estimate + (1 | g)", n.data)
    frame = fit.emmeans("estimate").to_frame()
    assert frame["estimate_"].tolist() == ["a", "b", "c"]
    assert frame["estimate"].dtype == np.float64
    frame = fit.effect(["estimate", "df"]).to_frame()
    assert set(frame["estimate_"]) == {"a", "b", "c"}
    assert frame["estimate"].dtype == np.float64


def test_slopes_are_along_an_expression_of_one_predictor() -> None:
    cake = pb.load_dataset("cake")
    fit = pb.lmer("angle ~ recipe * temp + (1 | recipe:replicate)", cake)
    slopes = fit.emtrends("recipe", "log(temp)")
    assert [round(row.estimate, 1) for row in slopes.rows] == [30.7, 32.9, 31.2]
    assert slopes.what == "log(temp).trend"
    assert fit.emtrends("recipe", "temp^2").rows[0].estimate < 0.001
    refused = {
        "log(temperature)": (DataConversionError, "names 'temperature'"),
        "system('x')": (FormulaError, "calls 'system'"),
        "temp; 1": (FormulaError, "cannot read the var"),
        "angle": (OptionError, "no predictor 'angle'"),
    }
    for var, (error, said) in refused.items():
        with pytest.raises(error, match=said):
            fit.emtrends("recipe", var)


def test_a_level_is_never_taken_for_an_option_or_for_a_separator() -> None:
    data = pb.load_dataset("sleepstudy")
    data["a | b"] = "x\t" + data["Subject"].astype(str)
    data[".obs"] = data["a | b"]
    right = pb.lmer("Reaction ~ Days + (Days | Subject)", data)
    fit = pb.lmer("Reaction ~ Days + (Days | `a | b`)", data)
    keys = [
        [(row.group, row.term) for row in each.bootstrap("parametric", 2, 1).rows]
        for each in (fit, right)
    ]
    assert keys[0] == [("a | b" if g == "Subject" else g, term) for g, term in keys[1]]
    row = fit.bootstrap("parametric", 2, 1, "random_effects").rows[0]
    assert (row.group, row.level, row.term) == ("a | b", "x\t308", "(Intercept)")
    # ".obs" means the rows, unless a group is called so.
    fit = pb.lmer("Reaction ~ Days + (Days | .obs)", data)
    drawn = fit.bootstrap("case", 2, 1, resample={".obs": True})
    wanted = right.bootstrap("case", 2, 1, resample={"Subject": True})
    assert figures(drawn.replicates) == figures(wanted.replicates)


def test_weights_by_an_odd_name_are_kept_in_files_and_scripts(tmp_path: Any) -> None:
    data = pb.load_dataset("sleepstudy").assign(**{"my w": 1.0})
    data.loc[data.index[:9], "my w"] = 2.0
    fit = pb.lmer("Reaction ~ Days + (1 | Subject)", data, weights="my w")
    assert "weights = `my w`" in fit.to_r_script(tmp_path / "fit.R").read_text()
    for loaded in (
        pb.load(fit.save(tmp_path / "fit.zip")),
        pb.load_rds(fit.save_rds(tmp_path / "f.rds"), trust=True),
    ):
        assert loaded.update(". ~ . - Days").sigma == fit.update(". ~ . - Days").sigma
    right = pb.lmer("Reaction ~ Days + (1 | Subject)", data, weights=data["my w"])
    assert fit.sigma == right.sigma != pb.lmer("Reaction ~ Days + (1 | Subject)", data).sigma


def test_names_that_r_keeps_for_itself_are_refused() -> None:
    data = pb.load_dataset("sleepstudy").rename(columns={"Days": "..2"})
    with pytest.raises(FormulaError, match=r"names '\.\.2', which R keeps"):
        pb.lmer("Reaction ~ ..2 + (1 | Subject)", data)


@pytest.mark.parametrize("group", ["a b", "x;y", "if", "1st"])
def test_lm_list_of_an_odd_group_fits_or_says_what_helps(group: str) -> None:
    data = pb.load_dataset("sleepstudy").rename(columns={"Subject": group})
    with pytest.raises(pb.RError, match="rename the group") if of_lme4_2() else nullcontext():
        assert len(pb.lm_list(f"Reaction ~ Days | {quoted(group)}", data).levels) == 18


def test_a_refit_of_an_expression_has_its_random_effects_tested() -> None:
    """Its response is no column, which matters only to what reads the data anew."""
    data = pb.load_dataset("sleepstudy")
    found = []
    for days in ("Days", "the days"):
        named = data.rename(columns={"Days": days})
        fit = pb.lmer(f"log(Reaction) ~ {quoted(days)} + (1 | Subject)", named)
        refitted = fit.refit(np.log(data["Reaction"]) + 1)
        if str(r_versions("lmerTest")["lmerTest"]) >= "3.2":  # plain R fails in the same place
            with pytest.raises(pb.RError, match="no 'nobs' method"):
                refitted.ranova()
        else:
            rows = refitted.ranova().rows
            found.append([(row.log_likelihood, row.p_value) for row in rows])
    assert [len(rows) for rows in found] in ([2, 2], [])
    assert found[1:] == found[:-1]


def test_scripts_keep_vectors_beside_columns_of_their_name() -> None:
    data = pb.load_dataset("sleepstudy").assign(**{".weights": np.linspace(1, 5, 180)})
    weights = np.linspace(2, 1, 180)
    fit = pb.lmer("Reaction ~ Days + .weights + (1 | Subject)", data, weights=weights)
    assert pb.verify(fit, runs=1).ok


def test_scripts_leave_out_what_reads_odd_names_as_code() -> None:
    data = pb.load_dataset("sleepstudy").rename(columns={"Days": "the days"})
    fit = pb.lmer("Reaction ~ `the days` + (1 | Subject)", data)
    kept = fit.ranova(), fit.step()
    found = pb.verify(fit, runs=1)
    assert found.ok
    named = [text.partition(":")[0] for text in found.not_compared]
    assert named == ["ranova", "backward_step"], kept


def within_calls(n: Names) -> Any:
    y, x, f, g = (n.t[role] for role in "yxfg")
    return pb.lmer(f"{y} ~ {x} + I({x}^2) + {f} + (1 | {g}) + (0 + {x} | {g})", n.data)


@pytest.mark.carried("performance")
@pytest.mark.parametrize("which", ["spaces", "words", "signs"])
def test_shares_of_variance_are_the_same(which: str) -> None:
    plain, fit = (within_calls(Names(SETS[name], ticked=False)) for name in ("plain", which))
    assert figures([fit.icc(), fit.r2()]) == figures([plain.icc(), plain.r2()])


@pytest.mark.parametrize("which", ["spaces", "words", "signs"])
def test_names_within_calls_are_found_at_new_data(which: str) -> None:
    made = []
    for names in (SETS["plain"], SETS[which]):
        n = Names(names, ticked=False)
        fit = within_calls(n)
        random = f"~ (1 | {n.t['g']})"
        made.append(
            figures(
                [
                    fit.predict(n.new()),
                    fit.predict(n.new(), re_form="population", std_error=True),
                    fit.predict(n.new(), re_form=random),
                    fit.simulate(2, 1, new_data=n.new()).values,
                    fit.augment(n.new())[".fitted"],
                    fit.refit_ml().predict(n.new()),
                ]
            )
        )
    assert made[0] == made[1]
    with pytest.raises(pb.RError, match="rename the column"):
        fit.bootstrap("parametric", 2, 1, "predictions", new_data=n.new())
