"""R's lme4, lmerTest and pbkrtest from Python: exact, typed mixed models.

Importing this package starts no R and imports nothing heavy; both happen when a name is used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from pymer_bridge.session import forks

__version__ = "0.1.0"

if TYPE_CHECKING:
    from pymer_bridge import plots as plots
    from pymer_bridge.data.crossed import crossed_frame as crossed_frame
    from pymer_bridge.errors import BootstrapInterrupted as BootstrapInterrupted
    from pymer_bridge.errors import BootstrapWarning as BootstrapWarning
    from pymer_bridge.errors import CheckpointError as CheckpointError
    from pymer_bridge.errors import ConvergenceWarning as ConvergenceWarning
    from pymer_bridge.errors import DataConversionError as DataConversionError
    from pymer_bridge.errors import DriftWarning as DriftWarning
    from pymer_bridge.errors import FormulaError as FormulaError
    from pymer_bridge.errors import ModelFileError as ModelFileError
    from pymer_bridge.errors import OptionError as OptionError
    from pymer_bridge.errors import PymerError as PymerError
    from pymer_bridge.errors import PymerWarning as PymerWarning
    from pymer_bridge.errors import RankDeficientWarning as RankDeficientWarning
    from pymer_bridge.errors import RecordError as RecordError
    from pymer_bridge.errors import REnvironmentError as REnvironmentError
    from pymer_bridge.errors import RError as RError
    from pymer_bridge.errors import RMessage as RMessage
    from pymer_bridge.errors import RTimeoutError as RTimeoutError
    from pymer_bridge.errors import RWarning as RWarning
    from pymer_bridge.errors import ScriptError as ScriptError
    from pymer_bridge.errors import SessionError as SessionError
    from pymer_bridge.errors import SingularFitWarning as SingularFitWarning
    from pymer_bridge.errors import VerificationError as VerificationError
    from pymer_bridge.errors import WorkerError as WorkerError
    from pymer_bridge.models.comparisons import anova as anova
    from pymer_bridge.models.comparisons import kr_modcomp as kr_modcomp
    from pymer_bridge.models.comparisons import pb_modcomp as pb_modcomp
    from pymer_bridge.models.comparisons import sat_modcomp as sat_modcomp
    from pymer_bridge.models.criteria import compare_models as compare_models
    from pymer_bridge.models.design import Design as Design
    from pymer_bridge.models.design import design as design
    from pymer_bridge.models.fit_many import fit_many as fit_many
    from pymer_bridge.models.glmer import GeneralizedLinearMixedModel as GeneralizedLinearMixedModel
    from pymer_bridge.models.glmer import glmer as glmer
    from pymer_bridge.models.glmer import glmer_nb as glmer_nb
    from pymer_bridge.models.imputations import fit_imputed as fit_imputed
    from pymer_bridge.models.imputations import pool as pool
    from pymer_bridge.models.inference_routes import compare_inference as compare_inference
    from pymer_bridge.models.lm import GeneralizedLinearModel as GeneralizedLinearModel
    from pymer_bridge.models.lm import LinearModel as LinearModel
    from pymer_bridge.models.lm import glm as glm
    from pymer_bridge.models.lm import lm as lm
    from pymer_bridge.models.lm_list import LinearModelList as LinearModelList
    from pymer_bridge.models.lm_list import lm_list as lm_list
    from pymer_bridge.models.lmer import LinearMixedModel as LinearMixedModel
    from pymer_bridge.models.lmer import lmer as lmer
    from pymer_bridge.models.loading import load as load
    from pymer_bridge.models.loading import load_rds as load_rds
    from pymer_bridge.models.mixed import MixedModel as MixedModel
    from pymer_bridge.models.model_table import model_table as model_table
    from pymer_bridge.models.nlmer import NonlinearMixedModel as NonlinearMixedModel
    from pymer_bridge.models.nlmer import nlmer as nlmer
    from pymer_bridge.r_script.analysis import session_script as session_script
    from pymer_bridge.results.bootstrap import BootstrapResult as BootstrapResult
    from pymer_bridge.results.verification import VerificationReport as VerificationReport
    from pymer_bridge.session.citation import citation as citation
    from pymer_bridge.session.datasets import load_dataset as load_dataset
    from pymer_bridge.session.datasets import simulate_childread as simulate_childread
    from pymer_bridge.session.doctor import show_versions as show_versions
    from pymer_bridge.session.read_data import read_data as read_data
    from pymer_bridge.spec.controls import glmer_control as glmer_control
    from pymer_bridge.spec.controls import lmer_control as lmer_control
    from pymer_bridge.spec.controls import nlmer_control as nlmer_control
    from pymer_bridge.spec.families import negative_binomial as negative_binomial
    from pymer_bridge.verification.against_r import verify as verify
    from pymer_bridge.verification.compare_figures import compare_figures as compare_figures
    from pymer_bridge.verification.figures import figures_of as figures_of
    from pymer_bridge.verification.records import record as record
    from pymer_bridge.verification.records import verify_record as verify_record

_HOMES = {
    "session.citation": ("citation",),
    "models.comparisons": ("anova", "kr_modcomp", "pb_modcomp", "sat_modcomp"),
    "session.datasets": ("load_dataset", "simulate_childread"),
    "session.read_data": ("read_data",),
    "session.doctor": ("show_versions",),
    "errors": (
        "BootstrapInterrupted",
        "BootstrapWarning",
        "CheckpointError",
        "ConvergenceWarning",
        "DataConversionError",
        "DriftWarning",
        "FormulaError",
        "ModelFileError",
        "OptionError",
        "PymerError",
        "PymerWarning",
        "REnvironmentError",
        "RecordError",
        "RError",
        "RMessage",
        "RTimeoutError",
        "RWarning",
        "RankDeficientWarning",
        "ScriptError",
        "SessionError",
        "SingularFitWarning",
        "VerificationError",
        "WorkerError",
    ),
    "models.criteria": ("compare_models",),
    "data.crossed": ("crossed_frame",),
    "models.design": ("Design", "design"),
    "models.fit_many": ("fit_many",),
    "models.imputations": ("fit_imputed", "pool"),
    "spec.families": ("negative_binomial",),
    "models.glmer": ("GeneralizedLinearMixedModel", "glmer", "glmer_nb"),
    "models.lm": ("GeneralizedLinearModel", "LinearModel", "glm", "lm"),
    "models.loading": ("load", "load_rds"),
    "models.lmer": ("LinearMixedModel", "lmer"),
    "models.mixed": ("MixedModel",),
    "models.nlmer": ("NonlinearMixedModel", "nlmer"),
    "models.model_table": ("model_table",),
    "verification.compare_figures": ("compare_figures",),
    "verification.figures": ("figures_of",),
    "verification.records": ("record", "verify_record"),
    "results.bootstrap": ("BootstrapResult",),
    "models.inference_routes": ("compare_inference",),
    "results.verification": ("VerificationReport",),
    "r_script.analysis": ("session_script",),
    "verification.against_r": ("verify",),
    "models.lm_list": ("LinearModelList", "lm_list"),
    "spec.controls": ("glmer_control", "lmer_control", "nlmer_control"),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}
_MODULES = ("plots",)

__all__ = ["__version__", *sorted((*_HOME_OF, *_MODULES))]  # noqa: PLE0604  # names, made from the table above


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        forks.check_imports()
        return import_module(f"{__name__}.{name}")
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if _HOME_OF[name] != "errors":  # they are here already, and catch what this raises
        forks.check_imports()
    value = getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
