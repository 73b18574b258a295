"""What R and other packages call values and arguments, and what is meant here."""

from __future__ import annotations

import re
from collections.abc import Collection
from difflib import get_close_matches
from typing import Any, Final, get_args

_SYNONYMS: Final = (
    "i 1, ii 2, iii 3, satterthwaite satt sat, kenwardroger kr, none lme4, omit naomit,"
    " normal norm z asymptotic asymp, exclude naexclude, fail nafail, pass napass,"
    " likelihoodratio lrt lr, boot bootstrap, percentile perc, binomial bernoulli"
)
_SAME: Final = {name: names.split()[0] for names in _SYNONYMS.split(",") for name in names.split()}
"""What R and others call a value, folded, by one of the names that it has here."""


def folded(text: str) -> str:
    """Return a name without case and punctuation, as people remember it."""
    return re.sub(r"[\W_]", "", text).lower()


def meant(value: object, accepted: Any) -> Any:
    """Return the member of a Literal type that is meant: "KR" is "kenward-roger", and 3 is "III".

    None where there is no such member, or several.
    """
    if not isinstance(value, str | int) or isinstance(value, bool):
        return None
    members = get_args(accepted)
    if value in members:
        return members[members.index(value)]
    asked = folded(str(value))
    for same in (str, lambda name: _SAME.get(name, name)):
        found = [member for member in members if same(folded(member)) == same(asked)]
        if len(found) == 1:
            return found[0]
    return None


_GROUPS: Final = "groups are written in the formula, after a bar: (1 | group)"
_CONTROL: Final = "control=pb.lmer_control(...), pb.glmer_control(...) or pb.nlmer_control(...)"
_OF_CONTROLS: Final = ("check", "calcderiv", "boundarytol", "restartedge", "tolpwrss")
_INSTEAD: Final = {
    "ddf lmerdf mode df": (
        "ddf=",
        "fixed_effects(), summary() and anova() of a linear mixed model take ddf=",
    ),
    "level ci confidence": ("conf_level=",),
    "alpha": ("alpha_fixed= or alpha_random=", "conf_level=, which is 1 - alpha"),
    "b r nsim nboot nreps nrep reps replicates nsims ndraws draws niter": (
        "n_sim=",
        "bootstrap() and simulate() take n_sim=",
    ),
    "seed randomstate rng randomseed": ("seed=", "bootstrap() and simulate() take seed="),
    "parallel ncpus cl cores ncores mccores nworkers workers njobs": (
        "n_jobs=",
        "one fit uses one core; bootstrap() and fit_many() take n_jobs=",
    ),
    "exog newx newd data": ("new_data=",),
    "newresp response y": ("new_response=",),
    "reformula": ("re_form=", _GROUPS),
    "groups group groupvar cluster clusters": ("by=", _GROUPS),
    "random exogre exogvc vcformula": ("random effects are written in the formula: (x | group)",),
    "method": ("conf_method=", "kind=", "reml=False for maximum likelihood, reml=True for REML"),
    "reml": ("lmer() and fit_many() take reml=; other fits are by maximum likelihood",),
    "family link": ("family=", "pb.glmer() and pb.glm() take family= and link="),
    "nagq nquad": ("n_agq=", "pb.glmer() and pb.nlmer() take n_agq="),
    "missing dropna narm naaction": (
        "na_action=",
        "rows with missing values are left out; data.dropna() drops them before",
    ),
    "optimizer optmethod optctrl": ("optimizers=", _CONTROL),
    "maxfun maxiter maxit maxeval": ("max_evaluations=", _CONTROL),
    "verbose trace quiet silent summarize progress": (
        "progress=",
        "nothing is printed; what R says is in fit.messages and fit.warnings",
    ),
    "devfunonly devfun": ("fit.deviance_function() gives R's deviance as a function",),
    "fun func stat": ("statistic=", "bootstrap() takes statistic="),
    "type": ("kind=", "anova() of all but nonlinear models and predict() take type="),
    "boottype citype bootci": ("kind=",),
    "kind": ("type=",),
    "parm params which": ("parameters=",),
    "term variables effects predictors focalpredictors": ("terms=", "specs="),
    "xlevels covlevels": ("at=",),
    "sefit se stderr": ("std_error=",),
    "l hypotheses hypothesis rmatrix": ("contrasts=",),
    "factors": ("make the column a Categorical with these levels, or write factor(x)",),
    "file filename fname con": ("path=",),
    "w freqweights varweights": ("weights=",),
    "exposure": ('offset="log(exposure)"',),
    "newparams newparam": ("new_params=", "it draws from the estimates of this model"),
    "offset": ("offset=", "R takes none there; offset(x) in the formula of the model is kept"),
    "start theta startparams mustart etastart": ("start=", "it takes no starting values"),
    "corr correlation": (
        "lme4 has no correlated residuals; fit.vcov is the covariance of the fixed effects",
    ),
    "ziformula dispformula varstruct": ("lme4 has no such models; R's glmmTMB has",),
    "test teststatistic": ("test=", "the kind of model says which test it is; see ddf= too"),
    "refit": ("pb.anova(fit1, fit2, refit=False) compares models",),
    "subset": ("subset=", "select the rows of the data before"),
}
"""What to write for arguments of R, statsmodels and others: the first that is taken here.

Keys are :func:`folded`; what ends in "=", or goes on after it, names an argument.
"""
_ADVICE: Final = [(name, texts) for names, texts in _INSTEAD.items() for name in names.split()]


def instead_of(keyword: str, takes: Collection[str]) -> str:
    """Say what to write for an argument that a function does not take.

    Parameters
    ----------
    keyword
        The argument, as it was written.
    takes
        The arguments of the function.
    """
    asked = folded(keyword)
    ours = {folded(name): name for name in takes}
    if asked in ours:
        return f"write {ours[asked]}="
    for text in (text for name, texts in _ADVICE if name == asked for text in texts):
        argument = re.match(r"(\w+)=", text)
        if argument is None:
            return text
        if argument[1] in takes:
            return f"write {text}"
    if "control" in takes and asked.startswith(_OF_CONTROLS):
        return f"write {_CONTROL}"
    taken = f"it takes: {', '.join(takes)}" if takes else "it takes no arguments"
    near = get_close_matches(asked, ours, n=1, cutoff=0.75)
    return f"did you mean {ours[near[0]]}=? {taken}" if near else taken


def refusal(function: str, keyword: str, takes: Collection[str]) -> str:
    """Return the message of an error for an argument that a function does not take.

    Parameters
    ----------
    function
        Its name.
    keyword, takes
        As for :func:`instead_of`.
    """
    return f"{function}() takes no {keyword!r}: {instead_of(keyword, takes)}"
