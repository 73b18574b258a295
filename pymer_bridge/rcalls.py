"""What was asked of models, as the calls that an R user would write.

Pure text. What R has no function for becomes a comment that says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from pymer_bridge import rtext
from pymer_bridge.fragments import fill
from pymer_bridge.rtext import Node

_DDF: Final = {
    "satterthwaite": "Satterthwaite", "kenward-roger": "Kenward-Roger", "none": "lme4",
    "normal": "lme4",
}  # fmt: skip
_BOOT_TYPES: Final = {"percentile": "perc", "basic": "basic", "normal": "norm"}
LMERTEST: Final = frozenset("anova_one drop_one ranova backward_step contest".split())
"""Operations for which lmerTest is needed, unless they are asked for without its tests."""


@dataclass(frozen=True, slots=True)
class Written:
    """What was asked, as R.

    Attributes
    ----------
    lines
        The lines of R.
    kind
        How the value of ``variable`` is read as figures; "" where it is not.
    variable
        The variable that holds the result.
    options
        What reading it needs to know besides.
    """

    lines: tuple[str, ...]
    kind: str = ""
    variable: str = ""
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Asked:
    """Something that was asked, with what the script calls its parts.

    Attributes
    ----------
    operation, arguments
        As the journal has them.
    models
        The variables of the models it concerns.
    variable
        The variable that its result shall have.
    fitter
        The function that fitted the first model.
    lmertest
        Whether the script loads lmerTest.
    grids
        The variables of earlier results, by their number in the journal.
    pbkrtest
        Its version in this session.
    scaled
        Does the (generalized) model estimate a scale?
    own_parameters
        Does this lme4 compute the parameters of intervals by a function of its own (from 2.0 on)?
    plain_fits
        By variable of a model: the call that fits it by lme4, whatever else is attached.
    """

    operation: str
    arguments: Mapping[str, Any]
    models: tuple[str, ...]
    variable: str
    fitter: str
    lmertest: bool
    grids: Mapping[int, str]
    pbkrtest: tuple[int, ...]
    scaled: bool = False
    own_parameters: bool = False
    plain_fits: Mapping[str, Node] = field(default_factory=dict)

    @property
    def fit(self) -> str:
        """The variable of the first model."""
        return self.models[0]

    def ddf(self) -> Node | None:
        """Return the argument ddf as lmerTest's methods take it; None where there is none."""
        name = self.arguments.get("ddf", "none")
        if self.fitter != "lmer" or not self.lmertest or name == "satterthwaite":
            return None
        return rtext.string(_DDF[name])


def needs_lmertest(operation: str, arguments: Mapping[str, Any]) -> bool:
    """Say whether something can be asked of lmerTest only."""
    tested = arguments.get("ddf") in ("satterthwaite", "kenward-roger")
    if operation in ("fixed_effects", "summary_text"):
        return tested
    return operation in LMERTEST and (operation == "ranova" or tested)


def _shown(
    asked: Asked, value: Node, kind: str = "", options: Sequence[str] = (),
    before: Sequence[str] = (),
) -> Written:  # fmt: skip
    lines = (*before, rtext.assign(asked.variable, value), f"print({asked.variable})")
    return Written(lines, kind, asked.variable, tuple(options))


def _row(values: Iterable[float]) -> Node:
    return rtext.Call("c", tuple((None, rtext.number(value)) for value in values))


def _level(arguments: Mapping[str, Any]) -> Node | None:
    level = arguments.get("conf_level", 0.95)
    return None if level == 0.95 else rtext.number(level)


def _strings(given: Sequence[str] | str | None) -> Node | None:
    if given is None:
        return None
    return rtext.vector((given,) if isinstance(given, str) else given)


def _summary(asked: Asked) -> Written:
    options = (asked.arguments.get("ddf", "none"), float(
        asked.arguments.get("conf_level", 0.95)).hex())  # fmt: skip
    return _shown(asked, rtext.call("summary", asked.fit, ddf=asked.ddf()), "summary", options)


def _anova(asked: Asked) -> Written:
    kind = asked.arguments["type"]
    tested = asked.arguments["ddf"] != "none"
    value = rtext.call(
        "anova", asked.fit, type=rtext.string(kind) if tested else None, ddf=asked.ddf()
    )
    return _shown(asked, value, "f_tests")


def _drop(asked: Asked) -> Written:
    by_ratio = asked.operation == "drop_one_by_ratio"
    value = rtext.call(
        "drop1", asked.fit, scope=_strings(asked.arguments["scope"]), ddf=asked.ddf(),
        test=rtext.string("Chisq") if by_ratio else None,
    )  # fmt: skip
    return _shown(asked, value, "drop_by_ratio" if by_ratio else "f_tests")


def _ranova(asked: Asked) -> Written:
    reduce_terms = None if asked.arguments["reduce_terms"] else "FALSE"
    return _shown(asked, rtext.call("ranova", asked.fit, reduce_terms=reduce_terms), "ratio_tests")


def _step(asked: Asked) -> Written:
    given = asked.arguments
    value = rtext.call(
        "step", asked.fit, ddf=asked.ddf(),
        alpha_random=None if given["alpha_random"] == 0.1 else rtext.number(given["alpha_random"]),
        alpha_fixed=None if given["alpha_fixed"] == 0.05 else rtext.number(given["alpha_fixed"]),
        reduce_random=None if given["reduce_random"] else "FALSE",
        reduce_fixed=None if given["reduce_fixed"] else "FALSE",
        keep=_strings(given["keep"]) if given["keep"] else None,
    )  # fmt: skip
    return _shown(asked, value, "step")


def _contest(asked: Asked) -> Written:
    given = asked.arguments
    names = given["names"]
    width = len(given["contrasts"]) // len(names)
    rows = [given["contrasts"][i * width : (i + 1) * width] for i in range(len(names))]
    weights = rtext.Call(
        "rbind",
        tuple(
            (
                rtext.argument_name(name),
                rtext.Call("c", tuple((None, rtext.number(w)) for w in row)),
            )
            for name, row in zip(names, rows, strict=True)
        ),
    )
    hypotheses = f"{asked.variable}_weights"
    shared: dict[str, Node | None] = {"joint": None if given["joint"] else "FALSE"}
    shared["ddf"] = asked.ddf()
    if not given["joint"]:
        shared |= {"confint": "TRUE", "level": _level(given)}

    def tested(which: str, rhs: Sequence[float]) -> Node:
        values = rtext.vector(rhs) if any(rhs) else None
        return rtext.call("contest", asked.fit, which, rhs=values, **shared)

    right = list(given["rhs"])
    if given["joint"]:
        value = tested(hypotheses, right)
    elif len(set(right)) == 1:
        value = tested(hypotheses, right[:1])
    else:
        # One by one: contest() takes one value for all.
        rows_of = [f"{hypotheses}[{i + 1}, ]" for i in range(len(right))]
        value = rtext.call(
            "rbind", *(tested(row, [r]) for row, r in zip(rows_of, right, strict=True))
        )
    note = rtext.comment("Rows of weights, in the order of the fixed effects.")
    before = (note, rtext.assign(hypotheses, weights))
    kind, options = ("f_tests", ()) if given["joint"] else ("t_tests", tuple(names))
    return _shown(asked, value, kind, options, before)


def _intervals(asked: Asked) -> Written:
    given = asked.arguments
    boot = asked.operation == "bootstrap_intervals"
    method = "boot" if boot else {"wald": "Wald"}.get(given["method"], given["method"])
    value = rtext.call(
        "confint", asked.fit, parm=_strings(given["parameters"]), method=rtext.string(method),
        level=_level(given), nsim=rtext.number(given["n_sim"]) if boot else None,
        seed=rtext.number(given["seed"]) if boot and given["seed"] is not None else None,
        boot_type=rtext.string(_BOOT_TYPES[given["kind"]]) if boot else None,
        quiet=None if method == "Wald" else "TRUE",
    )  # fmt: skip
    if boot and given["seed"] is None:
        return _unseeded(_shown(asked, value), asked)
    return _shown(asked, value, "intervals")


def _unseeded(written: Written, asked: Asked) -> Written:
    note = rtext.comment("It was drawn without a seed, and cannot be drawn so again:")
    return Written((note, *written.lines), "", asked.variable)


def _profile(asked: Asked) -> Written:
    value = rtext.call("profile", asked.fit, which=_strings(asked.arguments["parameters"]))
    return _shown(asked, value, "profile")


def _linear_intervals(asked: Asked) -> Written:
    level = asked.arguments["conf_level"]
    value = rtext.call("confint", asked.fit, level=_level(asked.arguments))
    return _shown(asked, value, "linear", (asked.fit, float(level).hex()))


def _restriction(asked: Asked) -> tuple[list[str], Node]:
    """Write the smaller model, or the matrix, of a comparison."""
    if len(asked.models) > 1:
        return [], asked.models[1]
    given = asked.arguments["restriction"]
    if isinstance(given, str):
        small = f"{asked.variable}_smaller"
        return [rtext.assign(small, rtext.call("update", asked.fit, given))], small
    n_rows = int(given["n_rows"])
    weights = rtext.call(
        "matrix", _row(given["values"]),
        nrow=rtext.number(n_rows), byrow="TRUE",
    )  # fmt: skip
    name = f"{asked.variable}_restriction"
    return [rtext.assign(name, weights)], name


def _comparison(asked: Asked) -> Written:
    function = {"kr_modcomp": "KRmodcomp", "sat_modcomp": "SATmodcomp"}[asked.operation]
    matrix = len(asked.models) == 1 and not isinstance(asked.arguments["restriction"], str)
    by_model = function == "SATmodcomp" and matrix and asked.pbkrtest >= (0, 5, 3)
    own: list[str] = []
    if by_model:
        asked, own = _with_plain_fits(asked)
    before, small = _restriction(asked)
    before = [*own, *before]
    if by_model:
        before.append("# From version 0.5.3 on, SATmodcomp() takes the model of a matrix.")
        small = rtext.call("restriction_matrix2model", asked.fit, small)
    value = rtext.call(function, asked.fit, small)
    return _shown(asked, value, function, before=before)


def _with_plain_fits(asked: Asked) -> tuple[Asked, list[str]]:
    """Ask of lme4's own fits: where pbkrtest updates models, lmerTest cannot make its own."""
    if not asked.lmertest:
        return asked, []
    names = tuple(f"{model}_lme4" for model in asked.models)
    own = [
        rtext.assign(name, asked.plain_fits[model])
        for name, model in zip(names, asked.models, strict=True)
    ]
    return replace(asked, models=names), own


def _bootstrap_test(asked: Asked) -> Written:
    given = asked.arguments
    if given["start"] != "warm" or given["h"] is not None:
        how = f"start={given['start']!r}, h={given['h']!r}"
        return _without(f"pb_modcomp({how}): pbkrtest exports no function that does so.")
    asked, own = _with_plain_fits(asked)
    before, small = _restriction(asked)
    before = [*own, *before]
    value = rtext.call("PBmodcomp", asked.fit, small, nsim=rtext.number(given["n_sim"]))
    if given["seed"] is None:
        return _unseeded(_shown(asked, value, before=before), asked)
    before.append(rtext.statement(rtext.call("set.seed", rtext.number(given["seed"]))))
    summarised = rtext.call("summary", asked.variable)
    written = _shown(asked, value, "PBmodcomp", before=before)
    return Written((*written.lines[:-1], f"print({rtext.statement(summarised)})"), written.kind,
                   asked.variable)  # fmt: skip


def _without(text: str) -> Written:
    return Written((rtext.comment(text),))


def _bootstrap(asked: Asked) -> Written:
    given = asked.arguments
    kind, statistic = given["kind"], given["statistic"]
    if kind not in ("parametric", "semiparametric"):
        return _without(
            f"A {kind} bootstrap (n_sim={given['n_sim']}, seed={given['seed']}) was made too; "
            "lme4 has no function for it."
        )
    if given["at_new_data"]:
        return _without("A bootstrap of predictions at new data was made too; it is not here.")
    spread = statistic in ("parameters", "variance_components")
    if spread and asked.scaled:
        return _without(
            f'A bootstrap of {statistic!r} was made too; confint(method = "boot") of lme4 has '
            "them for this family in units that VarCorr() does not give."
        )
    function, before = _statistic(asked, statistic)
    semi = kind == "semiparametric"
    value = rtext.call(
        "bootMer", asked.fit, function, nsim=rtext.number(given["n_sim"]),
        seed=None if given["seed"] is None else rtext.number(given["seed"]),
        use_u="TRUE" if semi or given["use_u"] else None,
        type=rtext.string(kind) if semi else None,
    )  # fmt: skip
    if given["seed"] is None:
        return _unseeded(_shown(asked, value, before=before), asked)
    return _shown(asked, value, "bootMer", before=before)


def _statistic(asked: Asked, statistic: str) -> tuple[str, list[str]]:
    if statistic == "fixed_effects":
        return "fixef", []
    name = f"{asked.variable}_statistic"
    if statistic in ("parameters", "variance_components"):
        fixed = "fixef(fit)" if statistic == "parameters" else "NULL"
        if asked.own_parameters:
            scale = "sigma(fit)" if asked.fitter == "lmer" else "NULL"
            return name, fill(
                "parameters_2", VARIABLE=name, FIXED=fixed, FIT=asked.fit, SCALE=scale
            )
        scale = ", s = sigma(fit)" if asked.fitter == "lmer" else ""
        return name, fill("parameters", VARIABLE=name, FIXED=fixed, SCALE=scale)
    if statistic == "random_effects":
        return name, fill("random_effects", VARIABLE=name)
    if statistic == "predictions":
        form = "NA" if asked.arguments["re_form"] == "population" else "NULL"
        return name, fill("predictions", VARIABLE=name, FORM=form)
    return name, [f"{name} <- {statistic.strip()}"]


def _anova_models(asked: Asked) -> Written:
    given = asked.arguments
    names = tuple(given["names"])
    own = names != tuple(f"model{i + 1}" for i in range(len(names)))
    value = rtext.Call(
        "anova",
        tuple((None, model) for model in asked.models)
        + (() if given["refit"] else (("refit", "FALSE"),))
        + ((("model.names", rtext.vector(names)),) if own else ()),
    )
    # Where R takes the names of the variables, rows are told apart by these.
    pairs = () if own else tuple(part for pair in zip(asked.models, names, strict=True)
                                 for part in pair)  # fmt: skip
    return _shown(asked, value, "ratio_tests", pairs)


def _grid_value(asked: Asked, grid: Node) -> Written:
    given = asked.arguments
    name = f"{asked.variable}_grid"
    value = rtext.call(
        "summary", name, infer="TRUE", level=_level(given),
        adjust=None if given["adjust"] is None else rtext.string(given["adjust"]),
        type=None if given["type"] == "link" else rtext.string(given["type"]),
    )  # fmt: skip
    return _shown(asked, value, "means", before=(rtext.assign(name, grid),))


def _means(asked: Asked) -> Written:
    given = asked.arguments
    at = {name: rtext.vector(values) for name, values in given["at"].items()}
    trends = asked.operation == "marginal_trends"
    grid = rtext.call(
        "emtrends" if trends else "emmeans", asked.fit, _strings(given["specs"]) or "NULL",
        by=_strings(given["by"]), var=rtext.string(given["trend_of"]) if trends else None,
        at=rtext.listed(at) if at else None,
        lmer_df=rtext.string(given["ddf"]) if asked.fitter == "lmer" else None,
    )  # fmt: skip
    return _grid_value(asked, grid)


def _contrasts(asked: Asked) -> Written:
    given = asked.arguments
    earlier = asked.grids.get(given["of"])
    if earlier is None:
        return _without("Contrasts of marginal means were made that are not here any more.")
    method = given["method"]
    chosen = (
        rtext.string(method)
        if isinstance(method, str)
        else rtext.listed({name: rtext.vector(weights) for name, weights in method.items()})
    )
    return _grid_value(asked, rtext.call("contrast", f"{earlier}_grid", method=chosen))


WRITERS: Final[Mapping[str, Callable[[Asked], Written]]] = {
    "fixed_effects": _summary, "summary_text": _summary, "linear_summary_text": _summary,
    "anova_one": _anova, "drop_one": _drop, "drop_one_by_ratio": _drop, "ranova": _ranova,
    "backward_step": _step, "contest": _contest, "confidence_intervals": _intervals,
    "bootstrap_intervals": _intervals, "profile_points": _profile,
    "linear_effects": _linear_intervals, "separate_effects": _linear_intervals,
    "kr_modcomp": _comparison, "sat_modcomp": _comparison, "pb_modcomp": _bootstrap_test,
    "bootstrap": _bootstrap, "anova_models": _anova_models, "marginal_means": _means,
    "marginal_trends": _means, "contrast_means": _contrasts,
}  # fmt: skip
"""By operation; what is not here is part of the summary, or no test, interval or bootstrap."""

STEMS: Final[Mapping[str, str]] = {
    "fixed_effects": "model_summary", "summary_text": "model_summary",
    "linear_summary_text": "model_summary", "anova_one": "tests", "drop_one": "tests",
    "drop_one_by_ratio": "tests", "ranova": "random_tests", "backward_step": "steps",
    "contest": "hypothesis_test", "confidence_intervals": "intervals",
    "bootstrap_intervals": "intervals", "profile_points": "profiled",
    "linear_effects": "intervals", "separate_effects": "intervals", "kr_modcomp": "comparison",
    "sat_modcomp": "comparison", "pb_modcomp": "bootstrap_test", "bootstrap": "bootstrap",
    "anova_models": "comparison", "marginal_means": "means", "marginal_trends": "slopes",
    "contrast_means": "differences",
}  # fmt: skip
"""What results are called in a script."""

PACKAGES: Final[Mapping[str, str]] = {
    "kr_modcomp": "pbkrtest", "sat_modcomp": "pbkrtest", "pb_modcomp": "pbkrtest",
    "marginal_means": "emmeans", "marginal_trends": "emmeans", "contrast_means": "emmeans",
}  # fmt: skip
"""Packages that operations need besides."""
