"""The command line, run as a user runs it: in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import pymer_bridge as pb
from pymer_bridge.cli import commands
from pymer_bridge.cli.commands import main, read_data

SLEEPSTUDY = ("lme4::sleepstudy", "Reaction ~ Days + (Days | Subject)")


def run(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pymer_bridge", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize("words", [(), ("--help",), ("fit", "--help"), ("doctor", "--help")])
def test_help_is_for_newcomers_and_starts_no_r(words: tuple[str, ...]) -> None:
    answer = run(*words)
    assert answer.returncode == 0
    assert "pymer-bridge" in answer.stdout
    assert "lme4" in answer.stdout or "installed" in answer.stdout
    assert answer.stderr == ""


@pytest.mark.r
def test_no_arguments_teach_formulas_that_are_models() -> None:
    shown = run().stdout
    lesson = [line.split("   ")[0].strip() for line in shown.splitlines() if " ~ " in line]
    formulas = [line for line in lesson if line.startswith("score ~")]
    assert len(formulas) == 5
    random = np.random.default_rng(1)
    names = {"school": 8, "class": 24, "pupil": 40, "item": 20}
    data = pd.DataFrame({name: random.integers(0, n, 400).astype(str) for name, n in names.items()})
    data["hours"] = random.normal(size=400)
    data["score"] = data["hours"] + data["school"].astype(float) + random.normal(size=400)
    for formula in formulas:
        model = pb.lmer if "|" in formula else pb.lm
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", pb.SingularFitWarning)
            assert np.isfinite(model(formula, data).sigma)
    for command in ("fit", "record", "verify", "script", "demo", "doctor"):
        assert command in shown


@pytest.mark.r
def test_demo_prints_rs_summary_and_typed_tables() -> None:
    answer = run("demo")
    assert answer.returncode == 0, answer.stderr
    assert answer.stderr == ""
    for line in (
        "REML criterion at convergence: 1743.6",
        "Number of obs: 180, groups:  Subject, 18",
        "Days          10.467      1.546  17.000   6.771 3.26e-06 ***",
        "fit.variance_components",
        "README.md",
    ):
        assert line in answer.stdout


@pytest.mark.r
def test_fit_prints_the_summary_that_rscript_prints() -> None:
    script = (
        "suppressMessages(library(lmerTest));"
        "print(summary(lmer(Reaction ~ Days + (Days | Subject), sleepstudy)))"
    )
    plain = subprocess.run(
        ["Rscript", "--vanilla", "-e", script], capture_output=True, text=True, check=True
    )
    assert run("fit", *SLEEPSTUDY).stdout == plain.stdout


@pytest.mark.r
def test_formats_carry_the_same_figures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "fit.json"
    assert main(["fit", *SLEEPSTUDY, "--format", "json", "--out", str(out)]) == 0
    assert capsys.readouterr().out == ""
    record = json.loads(out.read_text())
    rows = record["fixed_effects"]["rows"]
    assert [row["term"] for row in rows] == ["(Intercept)", "Days"]
    table = tmp_path / "fit.csv"
    assert main(["fit", *SLEEPSTUDY, "--format", "csv", "--out", str(table)]) == 0
    frame = pd.read_csv(table, dtype=str)
    for name in ("estimate", "p_value"):
        assert [float(text) for text in frame[name]] == [row[name] for row in rows]
    assert main(["fit", *SLEEPSTUDY, "--format", "markdown"]) == 0
    assert "| Days" in capsys.readouterr().out
    assert main(["fit", *SLEEPSTUDY, "--format", "latex", "--ml", "--ddf", "normal"]) == 0
    assert r"\begin{tabular}" in capsys.readouterr().out


def test_a_csv_is_read_to_the_last_bit(tmp_path: Path) -> None:
    values = np.random.default_rng(1).normal(size=2000) * 10.0 ** np.linspace(-300, 300, 2000)
    values = values[np.isfinite(values) & (values != 0)]
    path = tmp_path / "x.csv"
    path.write_text("x\n" + "\n".join(map(repr, values.tolist())))
    assert read_data(str(path))["x"].tolist() == values.tolist()


@pytest.mark.r
def test_levels_that_pandas_takes_for_missing_stay(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    rows = [
        f"{treatment},g{i // 6},{i // 6 % 4 * 9 + i * 7919 % 101 / 10}"
        for i, treatment in enumerate(["None", "null", "n/a", "nan", "given", "NA"] * 9)
    ]
    Path("small.csv").write_text("\n".join(["treatment,group,y", *rows]))
    formula = "y ~ treatment + (1 | group)"
    assert main(["fit", "small.csv", formula, "--ddf", "none"]) == 0
    shown = capsys.readouterr().out
    assert "Number of obs: 45" in shown
    said = "45 of 54 rows; 9 left out: missing values in treatment (9)"
    assert shown.endswith(f"\n{said}\n")
    for form in ("markdown", "latex"):
        assert main(["fit", "small.csv", formula, "--ddf", "none", "--format", form]) == 0
        assert said in capsys.readouterr().out
    assert main(["fit", "small.csv", formula, "--ddf", "none", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["rows_used"]["n_used"] == 45
    # All but the first level, whichever it is in this locale.
    levels = ("None", "null", "n/a", "nan", "given")
    assert sum(f"\ntreatment{level} " in shown for level in levels) == 4
    assert main(["record", "small.csv", formula, "--out", "small.pbr.json"]) == 0
    assert main(["verify", "small.pbr.json"]) == 0
    assert pb.lmer(formula, pb.read_data("small.csv")).n_obs == 45


@pytest.mark.r
@pytest.mark.parametrize("ending", ["csv", "tsv", "parquet", "feather", "xlsx"])
def test_files_are_read(tmp_path: Path, ending: str, capsys: pytest.CaptureFixture[str]) -> None:
    groups = [f"g{i}" for i in range(6) for _ in range(5)]
    frame = pd.DataFrame({"y": [((i * 7919) % 101) / 10 for i in range(30)], "group": groups})
    path = tmp_path / f"my data.{ending}"
    {
        "csv": lambda: frame.to_csv(path, index=False),
        "tsv": lambda: frame.to_csv(path, sep="\t", index=False),
        "parquet": lambda: frame.to_parquet(path, index=False),
        "feather": lambda: frame.to_feather(path),
        "xlsx": lambda: frame.to_excel(path, index=False),
    }[ending]()
    assert main(["fit", str(path), "y ~ 1 + (1 | group)", "--ddf", "none"]) == 0
    shown = capsys.readouterr().out
    assert "Number of obs: 30, groups:  group, 6" in shown
    assert "Data: my_data" in shown


@pytest.mark.r
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("nowhere.csv", "y ~ 1 + (1 | g)"), "there is no file 'nowhere.csv'"),
        (("data.dta", "y ~ 1 + (1 | g)"), "ending"),
        (("lme4::nothing", "y ~ 1 + (1 | g)"), "has no data set 'nothing'"),
        (("nopackage::x", "y ~ 1 + (1 | g)"), "'nopackage' is not installed"),
        (("lme4::sleepstudy", "Reaction ~ Hours + (1 | Subject)"), "'Hours'"),
        (("lme4::sleepstudy", "Reaction ~ Days + (1 | Subject"), "cannot read the formula"),
        (("lme4::sleepstudy", "Reaction ~ Days"), "No random effects terms"),
        (("lme4::sleepstudy", "Reaction ~ system('id') + (1 | Subject)"), "calls 'system'"),
        ((*SLEEPSTUDY, "--out", "/nowhere/fit.txt"), "cannot be written"),
        ((*SLEEPSTUDY, "--ml", "--ddf", "kenward-roger"), "REML"),
    ],
)
def test_a_users_error_is_one_clear_line(
    words: tuple[str, ...],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "data.dta").touch()
    monkeypatch.chdir(tmp_path)
    assert main(["fit", *words]) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert said in shown.err
    assert shown.err.startswith("pymer-bridge: ")


def test_a_users_error_leaves_no_traceback() -> None:
    answer = run("fit", "nowhere.csv", "y ~ 1 + (1 | g)")
    assert (answer.returncode, answer.stdout) == (1, "")
    assert answer.stderr == "pymer-bridge: there is no file 'nowhere.csv'\n"


@pytest.mark.r
def test_warnings_of_r_are_notes_and_not_errors(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fit", "lme4::Dyestuff2", "Yield ~ 1 + (1 | Batch)", "--ddf", "none"]) == 0
    assert "note from R: boundary (singular) fit" in capsys.readouterr().err


@pytest.mark.r
def test_doctor_says_what_is_there(capsys: pytest.CaptureFixture[str]) -> None:
    answer = run("doctor")
    assert answer.returncode == 0, answer.stdout
    for word in ("rpy2-rinterface", "lme4", "BLAS", "All that is needed is there."):
        assert word in answer.stdout
    assert main(["doctor", "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["packages"]["mapping"]["lme4"]


def test_doctor_says_what_needs_more(capsys: pytest.CaptureFixture[str]) -> None:
    answer = run("doctor", "--all")
    assert "What needs further R packages" in answer.stdout
    main(["doctor", "--all", "--json"])
    record = json.loads(capsys.readouterr().out)
    assert "robust" in {row["feature"] for row in record["features"]["rows"]}


def test_doctor_without_r_names_the_remedy(tmp_path: Path) -> None:
    answer = subprocess.run(
        [sys.executable, "-m", "pymer_bridge", "doctor"],
        capture_output=True,
        text=True,
        env={"PATH": str(tmp_path), "HOME": str(tmp_path)},
        check=False,
    )
    assert answer.returncode == 1
    assert "R was not found" in answer.stdout
    assert "Fix it with:" in answer.stdout
    assert "Traceback" not in answer.stderr


CLASSIC = "Reaction ~ Days + (Days | Subject)"


@pytest.mark.r
def test_normal_tests_on_the_command_line(capsys):
    assert commands.main(["fit", "lme4::sleepstudy", CLASSIC, "--ddf", "normal"]) == 0
    shown = capsys.readouterr().out
    assert "Fixed effects, z tests, 95% intervals (Wald)" in shown
    assert "Random effects, 180 observations" in shown
    assert "Fit statistics\n" in shown
    assert "Pr(>|z|)" in shown or "Pr(>|t|)" in shown


@pytest.mark.r
def test_a_link_of_the_negative_binomial_on_the_command_line(capsys):
    words = ["fit", "lme4::grouseticks", "TICKS ~ YEAR + (1 | BROOD)"]
    assert commands.main([*words, "--family", "negative-binomial", "--link", "log"]) == 1
    said = capsys.readouterr().err
    assert said == ("pymer-bridge: --link cannot be chosen with --family negative-binomial\n")
