"""Tables and sentences for papers: R's figures, rounded by the rules."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest

import pymer_bridge as pb
from helpers.latex import compile_latex, needs_latex
from pymer_bridge.display import apa
from pymer_bridge.errors import OptionError, REnvironmentError
from pymer_bridge.models import base
from pymer_bridge.models.lmer import LinearMixedModel
from pymer_bridge.results.fixed_effects import FixedEffect, FixedEffects
from pymer_bridge.results.model_table import ModelTable
from pymer_bridge.session.r_session import session

M = "\N{MINUS SIGN}"
with_r = pytest.mark.r


# -- rounding ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.001, "p = .001"),
        (0.0009999, "p < .001"),
        (0.0005, "p < .001"),
        (0.0, "p < .001"),
        (0.00149, "p = .001"),
        (0.0123, "p = .012"),
        (0.04949, "p = .049"),
        (0.0496, "p = .050"),
        (0.05, "p = .050"),
        (0.5, "p = .500"),
        (0.9994, "p = .999"),
        (0.9996, "p > .999"),
        (1.0, "p > .999"),
        (None, "p = NA"),
        (float("nan"), "p = NA"),
    ],
)
def test_p_values(value: float | None, shown: str) -> None:
    assert apa.p_value(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (1.146, "1.15"),
        (-1.146, f"{M}1.15"),
        (-0.004, "0.00"),
        (-0.0, "0.00"),
        (0.5, "0.50"),
        (-0.5, f"{M}0.50"),
        (12345.678, "12345.68"),
        (float("inf"), "∞"),
        (float("-inf"), f"{M}∞"),
        (None, "NA"),
        (float("nan"), "NA"),
    ],
)
def test_numbers(value: float | None, shown: str) -> None:
    assert apa.number(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.45, ".45"),
        (-0.45, f"{M}.45"),
        (0.996, "1.00"),
        (-1.0, f"{M}1.00"),
        (0.0, ".00"),
        (-0.001, ".00"),
        (None, "NA"),
    ],
)
def test_shares_have_no_leading_zero(value: float | None, shown: str) -> None:
    assert apa.share(value) == shown


@pytest.mark.parametrize(
    ("std_errors", "decimals"),
    [
        ([0.3], 2),
        ([12.0], 2),
        ([0.0996], 2),
        ([0.042], 3),
        ([0.3, 0.0042], 4),
        ([None, 0.0], 2),
        ([float("nan")], 2),
        ([1e-300], 8),
        ([], 2),
    ],
)
def test_decimals_show_two_digits_of_the_standard_error(
    std_errors: list[float | None], decimals: int
) -> None:
    assert apa.decimals_for(std_errors) == decimals


def test_tests_and_intervals() -> None:
    assert apa.statistic("t", 3.8812, 17.512) == "t(17.51) = 3.88"
    assert apa.statistic("t", -3.8812, 178.0) == f"t(178) = {M}3.88"
    assert apa.statistic("z", 3.8812, float("inf")) == "z = 3.88"
    assert apa.statistic("t", None, 16.99997) == "t(17.00) = NA"
    assert apa.interval(-0.5, 1.25, 0.95) == f"95% CI [{M}0.50, 1.25]"
    assert apa.interval(0.001, 0.002, 0.975, 3) == "97.5% CI [0.001, 0.002]"


def _effects(ddf: str = "satterthwaite", **changes: Any) -> FixedEffects:
    figures: dict[str, Any] = {
        "term": "hrs_week", "estimate": 1.1519, "std_error": 0.2968, "df": 17.512,
        "statistic": 3.8812, "p_value": 0.001, "conf_low": 0.53, "conf_high": 1.78,
    }  # fmt: skip
    return FixedEffects((FixedEffect(**figures | changes),), ddf, 0.95)


def test_sentence() -> None:
    say = base.sentence
    shown = "b = 1.15, SE = 0.30, t(17.51) = 3.88, p = .001"
    assert say(_effects(), "hrs_week") == shown
    assert say(_effects("normal", df=None), "hrs_week") == shown.replace("t(17.51)", "z")
    none = _effects("none", df=None, p_value=None, conf_low=None, conf_high=None)
    assert say(none, "hrs_week", interval=True) == "b = 1.15, SE = 0.30, t = 3.88"
    low = _effects(estimate=-0.01152, std_error=0.00297, statistic=-3.88, p_value=5e-4)
    assert say(low, "hrs_week") == f"b = {M}0.0115, SE = 0.0030, t(17.51) = {M}3.88, p < .001"
    assert say(_effects(), "hrs_week", interval=True) == (
        "b = 1.15, SE = 0.30, 95% CI [0.53, 1.78], t(17.51) = 3.88, p = .001"
    )
    lost = _effects(p_value=float("nan"), df=float("nan"))
    assert say(lost, "hrs_week") == "b = 1.15, SE = 0.30, t = 3.88, p = NA"
    with pytest.raises(KeyError, match="no row 'hours'; there are: 'hrs_week'"):
        say(_effects(), "hours")


# -- models --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def models() -> Any:
    data = pb.load_dataset("sleepstudy")
    return (
        pb.lm("Reaction ~ Days", data),
        pb.lmer("Reaction ~ Days + (1 | Subject)", data, reml=False),
        pb.lmer("Reaction ~ Days + (Days | Subject)", data),
    )


@with_r
def test_report_is_of_the_models_own_figures(models: Any) -> None:
    alone, _, slopes = models
    row = slopes.fixed_effects("kenward-roger", 0.9)["Days"]
    ends = f"90% CI [{row.conf_low:.2f}, {row.conf_high:.2f}]"
    assert slopes.report("Days", "kenward-roger", interval=True, conf_level=0.9) == (
        f"b = 10.47, SE = 1.55, {ends}, t(17.00) = 6.77, p < .001"
    )
    assert slopes.report("Days", "normal") == "b = 10.47, SE = 1.55, z = 6.77, p < .001"
    assert slopes.report("Days", "none") == "b = 10.47, SE = 1.55, t = 6.77"
    assert alone.report("Days") == "b = 10.47, SE = 1.24, t(178) = 8.45, p < .001"
    with pytest.raises(OptionError, match="ddf='exact'"):
        slopes.report("Days", "exact")
    with pytest.raises(OptionError, match="interval=1"):
        slopes.report("Days", interval=1)


LEFT_OUT = "R² and ICC of mixed models left out: R lacks insight or performance."


def _has_shares() -> bool:
    """Say whether R can give the ICC: not every release carries the package."""
    try:
        session().require("insight")
        session().require("performance")
    except REnvironmentError:
        return False
    return True


@with_r
def test_models_stand_side_by_side(models: Any) -> None:
    frame = pb.model_table(*models, names=["none", "ml", "slopes"]).to_frame()
    assert list(frame.columns) == ["none", "ml", "slopes"]
    for model, name in zip(models, frame.columns, strict=True):
        row = model.fixed_effects()["Days"]
        at = list(frame.index).index("Days")
        assert frame[name].iloc[at] == f"{row.estimate:.2f}"
        assert frame[name].iloc[at + 1] == f"({row.std_error:.2f})"
        aic = model.fit_statistics.aic
        assert frame.loc["AIC", name] == f"{aic:.2f}"
    slopes = models[2].variance_components
    assert frame.loc["Subject: SD Days", "slopes"] == f"{slopes['Subject', 'Days'].std_dev:.2f}"
    assert frame.loc["Subject: SD Days", "ml"] == ""
    assert frame.loc["Subject: r (Intercept), Days", "slopes"] == ".07"
    r2 = models[0].r2().r_squared
    assert list(frame.loc["R²"]) == [f"{r2:.2f}".lstrip("0"), "", ""]
    assert list(frame.loc["Estimation"]) == ["OLS", "ML", "REML"]
    assert list(frame.loc["Observations"]) == ["180"] * 3
    assert list(frame.loc["Subject: groups"]) == ["", "18", "18"]
    if _has_shares():
        r2, share = models[2].r2(), models[2].icc().adjusted
        assert frame.loc["ICC (adjusted)", "slopes"] == f"{share:.2f}".lstrip("0")
        assert frame.loc["ICC (adjusted)", "none"] == ""
        assert frame.loc["R² (marginal)", "slopes"] == f"{r2.marginal:.2f}".lstrip("0")
        assert frame.loc["R² (conditional)", "slopes"] == f"{r2.conditional:.2f}".lstrip("0")
    else:
        assert "ICC (adjusted)" not in frame.index


@with_r
def test_a_table_can_be_stored_and_shown(models: Any) -> None:
    table = pb.model_table(*models, caption="Sleep & reaction")
    assert ModelTable.from_dict(table.to_dict()) == table
    assert str(table) == pb.model_table(*models, caption="Sleep & reaction", format="text")
    assert "Sleep &amp; reaction" in pb.model_table(
        *models, caption="Sleep & reaction", format="html"
    )
    assert table._repr_html_() == table.to_html()
    assert table.to_markdown() == pb.model_table(
        *models, caption="Sleep & reaction", format="markdown"
    )
    latex = pb.model_table(*models, format="latex")
    assert r"Log-likelihood & $-$950.15 & $-$897.04 & $-$871.81 \\" in latex
    lines = str(table).splitlines()
    estimate, error = lines[3], lines[4]
    assert estimate.rstrip()[-1] == error.rstrip()[-2:-1] or error.rstrip().endswith(")")
    assert len(estimate) == len(error)
    assert estimate.index("251.41") + 5 == error.index("(6.61)") + 4  # the last digits


@with_r
def test_stars_intervals_and_words(models: Any) -> None:
    table = pb.model_table(
        models[2],
        beneath="interval",
        stars=True,
        labels={"Days": "Day", "Subject": "Person"},
        components="variance",
        ddf="normal",
        conf_level=0.9,
    )
    frame = table.to_frame()
    row = models[2].fixed_effects("normal", 0.9)["Days"]
    at = list(frame.index).index("Day")
    assert frame.iloc[at, 0] == "10.47***"
    assert frame.iloc[at + 1, 0] == f"[{row.conf_low:.2f}, {row.conf_high:.2f}]"
    assert "Person: Variance Day" in frame.index
    assert "Person: r (Intercept), Day" in frame.index
    assert table.notes == (
        "90% confidence intervals in brackets.",
        "Tests and intervals with the normal distribution.",
        "* p < .05, ** p < .01, *** p < .001.",
        *([] if _has_shares() else [LEFT_OUT]),
    )
    frame = pb.model_table(models[2], beneath="p_value").to_frame()
    assert frame.iloc[list(frame.index).index("Days") + 1, 0] == "(p < .001)"


@with_r
def test_small_effects_keep_their_digits() -> None:
    data = pb.load_dataset("sleepstudy")
    data["Minutes"] = data["Days"] * 50
    model = pb.lmer("Reaction ~ Minutes + (1 | Subject)", data)
    row = model.fixed_effects()["Minutes"]
    frame = pb.model_table(model).to_frame()
    assert frame.loc["Minutes", "(1)"] == f"{row.estimate:.3f}"
    assert f"{row.std_error:.3f}" == "0.016"


@with_r
def test_without_insight_the_shares_are_left_out(
    models: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(_: Any) -> Any:
        raise REnvironmentError("the R package 'insight' is not installed")

    monkeypatch.setattr(LinearMixedModel, "_shares", missing)
    table = pb.model_table(models[2])
    assert "ICC (adjusted)" not in table.labels
    assert table.notes[-1] == LEFT_OUT
    assert "insight" not in str(pb.model_table(models[2], icc=False, r2=False))


@with_r
@pytest.mark.carried("insight", "performance")
def test_a_table_warns_of_nothing_of_its_own() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        singular = pb.lmer("Yield ~ 1 + (1 | Batch)", pb.load_dataset("Dyestuff2"))
        cbpp = pb.load_dataset("cbpp")
        counts = pb.glmer("incidence ~ period + (1 | herd)", cbpp, family="poisson")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        frame = pb.model_table(singular, counts).to_frame()
    for label in ("ICC (adjusted)", "R² (marginal)", "R² (conditional)"):
        assert frame.loc[label, "(1)"] == ""
    with pytest.warns(pb.PymerWarning):  # which says why
        assert singular.icc().adjusted is None


@with_r
def test_options_are_checked(models: Any) -> None:
    for wrong, message in (
        ({"format": "pdf"}, "format='pdf'"),
        ({"beneath": "x"}, "beneath='x'"),
        ({"components": "x"}, "components='x'"),
        ({"names": ["a", "b"]}, "names has 2 names, and there are 1 models"),
        ({"ddf": "none", "stars": True}, "ddf='none' has no intervals"),
        ({"ddf": "x"}, "ddf='x'"),
        ({"digits": 1.5}, "digits=1.5"),
        ({"stars": "yes"}, "stars='yes'"),
    ):
        with pytest.raises(OptionError, match=message):
            pb.model_table(models[2], **wrong)
    with pytest.raises(OptionError, match="one model or more"):
        pb.model_table()
    with pytest.raises(OptionError, match="models='fit'"):
        pb.model_table("fit")


@pytest.mark.slow
@with_r
@needs_latex
def test_latex_compiles(models: Any, tmp_path: Path) -> None:
    body = pb.model_table(
        *models, format="latex", stars=True, beneath="interval", caption="50% of $x_1$ & more"
    )
    compile_latex(body, tmp_path)
