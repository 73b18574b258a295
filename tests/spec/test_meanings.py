"""An argument by another's name is answered with ours; signatures stay as they are."""

from __future__ import annotations

import inspect
import pickle
import re
from typing import Any

import pytest

import pymer_bridge as pb
from helpers.probing import probe
from pymer_bridge.results.base import Result
from pymer_bridge.spec import meanings
from pymer_bridge.spec.arguments import checked

MODELS = (
    pb.LinearMixedModel,
    pb.GeneralizedLinearMixedModel,
    pb.NonlinearMixedModel,
    pb.LinearModel,
    pb.GeneralizedLinearModel,
    pb.LinearModelList,
)
FITTERS = "lmer glmer glmer_nb nlmer lm glm lm_list fit_many".split()
COMPARING = "anova kr_modcomp sat_modcomp pb_modcomp compare_inference model_table".split()

NO_RANDOM = "random effects are written in the formula: (x | group)"
NO_GROUPS = "groups are written in the formula, after a bar: (1 | group)"
CONTROL = "write control=pb.lmer_control("
ONE_CORE = "one fit uses one core; bootstrap() and fit_many() take n_jobs="
SAID = "nothing is printed; what R says is in fit.messages"

# The function or method, then what is written and what must stand in the error.
FITTING: dict[str, dict[str, str]] = {
    "lmer": {
        "REML": "write reml=",
        "Reml": "write reml=",
        "family": "pb.glmer() and pb.glm() take",
        "link": "pb.glmer() and pb.glm() take",
        "groups": NO_GROUPS,
        "group": NO_GROUPS,
        "vc_formula": NO_RANDOM,
        "re_formula": NO_GROUPS,
        "exog_re": NO_RANDOM,
        "random": NO_RANDOM,
        "na.action": "write na_action=",
        "naAction": "write na_action=",
        "missing": "write na_action=",
        "nAGQ": "pb.glmer() and pb.nlmer() take n_agq=",
        "devFunOnly": "fit.deviance_function()",
        "method": "write reml=False for maximum",
        "verbose": SAID,
        "optimizer": CONTROL,
        "optCtrl": CONTROL,
        "maxfun": CONTROL,
        "calc_derivs": CONTROL,
        "check_conv_singular": CONTROL,
        "n_jobs": ONE_CORE,
        "cores": ONE_CORE,
        "ddf": "fixed_effects(), summary() and anova()",
        "weight": "did you mean weights=?",
        "Weights": "write weights=",
        "offsets": "offset=?",
        "contrast": "did you mean contrasts=?",
        "factors": "make the column a Categorical",
        "correlation": "lme4 has no correlated residuals",
        "summarize": SAID,
        "ziformula": "glmmTMB",
        "seed": "bootstrap() and simulate() take seed=",
        "nsim": "take n_sim=",
        "allow.functions": "write allow_functions=",
        "nonsense": "it takes: formula, data, reml, weights",
    },
    "glmer": {
        "REML": "other fits are by maximum likelihood",
        "nAGQ": "write n_agq=",
        "groups": NO_GROUPS,
        "mustart": "write start=",
        "Family": "write family=",
        "na_rm": "write na_action=",
        "exposure": 'write offset="log(exposure)"',
        "control_": "write control=",
        "optimizer": CONTROL,
        "type": "anova() of all but",
    },
    "glmer_nb": {"family": "pb.glmer() and pb.glm()", "nAGQ": "write n_agq=", "verbose": SAID},
    "nlmer": {"nAGQ": "write n_agq=", "REML": "maximum likelihood", "startparams": "write start="},
    "lm": {
        "REML": "other fits are by maximum likelihood",
        "groups": NO_GROUPS,
        "start": "it takes no starting values",
        "family": "pb.glmer() and pb.glm()",
        "na.action": "write na_action=",
        "random": NO_RANDOM,
    },
    "glm": {"groups": NO_GROUPS, "start": "no starting values", "missing": "write na_action="},
    "lm_list": {"groups": NO_GROUPS, "contrast": "it takes:", "na.action": "write na_action="},
    "fit_many": {
        "REML": "write reml=",
        "subset": "select the rows of the data before",
        "family": "pb.glmer()",
        "cores": "write n_jobs=",
        "verbose": "write progress=",
        "na_action": "data.dropna() drops them before",
        "start": "it takes no starting values",
    },
    "anova": {"REML": "take reml=", "model.names": "it takes: models"},
    "pb_modcomp": {"nsim": "write n_sim=", "cl": "write n_jobs=", "ncpus": "write n_jobs="},
    "compare_inference": {"nsim": "write n_sim=", "level": "write conf_level="},
    "model_table": {"level": "write conf_level=", "lmer.df": "write ddf="},
}
METHODS: dict[str, dict[str, str]] = {
    "predict": {
        "newdata": "write new_data=",
        "new.data": "write new_data=",
        "exog": "write new_data=",
        "re.form": "write re_form=",
        "reform": "write re_form=",
        "ReForm": "write re_form=",
        "re_formula": "write re_form=",
        "allow.new.levels": "write allow_new_levels=",
        "se.fit": "write std_error=",
        "se_fit": "write std_error=",
        "level": "write conf_level=",
        "kind": "write type=",
        "alpha": "write conf_level=, which is 1 - alpha",
        "na.action": "rows with missing values are left out",
        "newparams": "new_params=",
    },
    "simulate": {
        "nsim": "write n_sim=",
        "use.u": "write use_u=",
        "useu": "write use_u=",
        "newdata": "write new_data=",
        "newparams": "new_params=",
        "re.form": "write re_form=",
        "random_state": "write seed=",
    },
    "bootstrap": {
        "nsim": "write n_sim=",
        "B": "write n_sim=",
        "FUN": "write statistic=",
        "use.u": "write use_u=",
        "type": "write kind=",
        "parallel": "write n_jobs=",
        "ncpus": "write n_jobs=",
        "cl": "write n_jobs=",
        "verbose": "write progress=",
        ".progress": "write progress=",
        "re.form": "write re_form=",
        "rng": "write seed=",
    },
    "anova": {
        "test": "the kind of model",
        "refit": "pb.anova(fit1, fit2, refit=False)",
        "typ": "did you mean type=?",
        "lmer.df": "write ddf=",
        "newdata": "it takes: type, ddf",
    },
    "summary": {"corr": "fit.vcov", "correlation": "fit.vcov", "df": "write ddf="},
    "confint": {
        "level": "write conf_level=",
        "parm": "write parameters=",
        "which": "write parameters=",
        "nsim": "write n_sim=",
        "boot.type": "write kind=",
        "alpha": "1 - alpha",
        "quiet": "write progress=",
        "type": "write kind=",
        "conf.level": "write conf_level=",
    },
    "profile": {"which": "write parameters=", "parm": "write parameters="},
    "residuals": {"type": "write kind=", "scale": "did you mean scaled=?"},
    "fixed_effects": {"df": "write ddf=", "level": "write conf_level="},
    "emmeans": {
        "lmer.df": "write ddf=",
        "mode": "write ddf=",
        "level": "write conf_level=",
        "effects": "write specs=",
        "cov.levels": "write at=",
    },
    "contest": {"L": "write contrasts=", "level": "write conf_level=", "hypothesis": "contrasts="},
    "drop1": {"test": "the kind of model", "Scope": "write scope="},
    "step": {"alpha": "write alpha_fixed= or alpha_random=", "alpha.fixed": "write alpha_fixed="},
    "ranova": {"reduce.terms": "write reduce_terms=", "ddf": "fixed_effects(), summary()"},
    "tidy": {"conf.int": "write conf_int=", "method": "write conf_method=", "nsim": "write n_sim="},
    "augment": {"newdata": "write new_data=", "data": "write new_data="},
    "refit": {"newresp": "write new_response=", "y": "write new_response="},
    "influence": {"group": "write by=", "groups": "write by=", "ncores": "write n_jobs="},
    "all_fit": {"maxfun": "write max_evaluations=", "verbose": SAID, "parallel": "write n_jobs="},
    "effect": {"term": "write terms=", "xlevels": "write at=", "focal.predictors": "terms="},
    "save": {"file": "write path=", "filename": "write path="},
    "report": {"level": "write conf_level=", "Ddf": "write ddf="},
    "to_r_script": {"file": "write path="},
}


def said(function: Any, keyword: str, *arguments: Any) -> str:
    with pytest.raises(TypeError) as raised:
        function(*arguments, **{keyword: None})
    error = raised.value
    assert error.__cause__ is None
    assert error.__context__ is None, "a chained traceback adds nothing"
    return str(error)


@pytest.mark.parametrize(
    ("name", "keyword"), [(name, keyword) for name, table in FITTING.items() for keyword in table]
)
def test_a_function_names_its_argument(name: str, keyword: str) -> None:
    message = said(getattr(pb, name), keyword, "y ~ x", {})
    assert message.startswith(f"{name}() takes no {keyword!r}: ")
    assert FITTING[name][keyword] in message
    assert len(message) < 250


@pytest.mark.parametrize(
    ("name", "keyword"), [(name, keyword) for name, table in METHODS.items() for keyword in table]
)
def test_a_method_names_its_argument(name: str, keyword: str) -> None:
    message = said(getattr(pb.LinearMixedModel, name), keyword, None)
    assert message.startswith(f"{name}() takes no {keyword!r}: ")
    assert METHODS[name][keyword] in message


def test_other_models_and_results_name_theirs() -> None:
    assert "write conf_level=" in said(pb.LinearModelList.coefficients, "level", None)
    assert "write new_data=" in said(pb.LinearModel.predict, "newdata", None)
    assert "of a linear mixed model" in said(pb.GeneralizedLinearMixedModel.summary, "ddf", None)
    assert "take type=" in said(pb.NonlinearMixedModel.anova, "type", None)
    assert "write conf_level=" in said(pb.BootstrapResult.confint, "level", None)
    assert "write kind=" in said(pb.BootstrapResult.confint, "boot.type", None)


def test_controls_and_update_name_theirs() -> None:
    with pytest.raises(pb.OptionError, match=r"takes no 'calc\.derivs': write calc_derivs="):
        pb.lmer_control(**{"calc.derivs": False})
    with pytest.raises(pb.OptionError, match="takes no 'optctrl': write optCtrl="):
        pb.glmer_control(optctrl={})
    with pytest.raises(pb.OptionError, match="did you mean check_conv_grad="):
        pb.lmer_control(check_conv_grads="ignore")


ASKED_OF_R = {
    "lme4::lmer": pb.lmer,
    "lme4::glmer": pb.glmer,
    "lme4::nlmer": pb.nlmer,
    "lme4::glmer.nb": pb.glmer_nb,
    "lme4::lmList": pb.lm_list,
    "lme4::bootMer": pb.LinearMixedModel.bootstrap,
    "lme4:::predict.merMod": pb.LinearMixedModel.predict,
    "lme4:::simulate.merMod": pb.LinearMixedModel.simulate,
    "lme4:::confint.merMod": pb.LinearMixedModel.confint,
    "lme4:::refit.merMod": pb.LinearMixedModel.refit,
}
NONE_HERE = set(
    # the model itself, what is passed on, and what has no counterpart
    "object x ... interval pool zeta PBargs oldNames signames terms random.only"
    " cluster.rand initCtrl nb.control rename.response newweights newoffset maxit tol warn"
    " call.env boot.scale".split()
)


@pytest.mark.r
@pytest.mark.parametrize("name", ASKED_OF_R)
def test_every_argument_of_rs_function_is_known_by_its_name(name: str) -> None:
    package, function = re.split(":+", name)
    taken = inspect.signature(ASKED_OF_R[name]).parameters
    for keyword in probe("formals_of", package=package, of=function).value:
        if keyword in NONE_HERE or keyword in taken:
            continue
        told = meanings.instead_of(keyword, list(taken))
        assert not told.startswith(("it takes", "did you")), (keyword, told)


# -- the table and the gate ------------------------------------------------------------------------


def public() -> dict[str, Any]:
    found = {name: getattr(pb, name) for name in (*FITTERS, *COMPARING)}
    for cls in (*MODELS, *Result.__subclasses__(), pb.BootstrapResult):
        for name, member in inspect.getmembers(cls, inspect.isfunction):
            if not name.startswith("_") and name not in vars(Result):
                found[f"{cls.__name__}.{name}"] = member
    return found


def test_each_is_guarded_and_keeps_its_signature() -> None:
    assert len(public()) > 150
    for name, function in public().items():
        parameters = inspect.signature(function).parameters
        if any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
            continue
        assert function.__name__ == name.rpartition(".")[2]
        assert function.__doc__
        message = said(function, "no such argument")
        takes = [each for each in parameters if each != "self"]
        assert f"{function.__name__}() takes no 'no such argument': it takes" in message
        assert all(each in message for each in takes)


def test_what_the_table_names_is_an_argument_here() -> None:
    arguments = {each for one in public().values() for each in inspect.signature(one).parameters}
    named = {
        match[1]
        for texts in meanings._INSTEAD.values()
        for text in texts
        if (match := re.match(r"(\w+)=", text))
    }
    assert not named - arguments
    assert len(meanings._ADVICE) == len(set(meanings._ADVICE))
    assert all(name == meanings.folded(name) for name, _ in meanings._ADVICE)


def test_other_errors_are_pythons_own() -> None:
    with pytest.raises(TypeError, match="missing 1 required keyword-only argument: 'family'"):
        pb.glmer("y ~ x", {})
    with pytest.raises(TypeError, match="positional arguments but"):
        pb.lmer("y ~ x", {}, {})

    @checked
    def inner(x: int = 0) -> None:
        raise TypeError(f"of {x}")

    with pytest.raises(TypeError, match="of 3"):
        inner(x=3)


def test_functions_can_be_pickled_and_are_their_modules_own() -> None:
    for name in (*FITTERS, *COMPARING):
        function = getattr(pb, name)
        assert pickle.loads(pickle.dumps(function)) is function
    parameters = inspect.signature(pb.lmer).parameters
    assert list(parameters)[:3] == ["formula", "data", "reml"]
    assert parameters["reml"].default is True
