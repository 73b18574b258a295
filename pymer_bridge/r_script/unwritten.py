"""What has no call in scripts, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Unwritten:
    """Why something has no call in any script.

    Attributes
    ----------
    asked
        How it is asked for in Python; "" for what is only a step of something else.
    why
        The reason.
    """

    asked: str
    why: str


OF_THE_FIT: Final = "compared with the figures of the fit itself"
NAMES: Final = "names, sizes or settings, and no figures"
_FRAME: Final = "a frame of figures that have calls of their own, each of which is compared"
_PICTURE: Final = "figures that only a picture needs"

UNWRITTEN: Final[Mapping[str, Unwritten]] = {
    "fit_statistics": Unwritten("fit.fit_statistics", OF_THE_FIT),
    "variance_components": Unwritten("fit.variance_components", OF_THE_FIT),
    "random_effects": Unwritten("fit.random_effects", OF_THE_FIT),
    "convergence": Unwritten("fit.convergence", OF_THE_FIT),
    "group_covariances": Unwritten("fit.covariances", OF_THE_FIT),
    "is_singular": Unwritten("fit.is_singular()", OF_THE_FIT),
    "variance_shares": Unwritten("", "the shares of fit.icc() and fit.r2(), beside other figures"),
    **dict.fromkeys(
        (
            *(
                "part_names",
                "term_labels",
                "n_used",
                "rows_used",
                "parameter_names",
                "column_kinds",
            ),
            *("coefficient_names", "predictor_names", "linear_predictors", "effect_predictors"),
            *("response_axis", "estimates_dispersion"),
        ),
        Unwritten("", NAMES),
    ),
    "factor_codings": Unwritten("fit.contrasts", NAMES),
    "model_frame_parts": Unwritten("fit.model_frame", "the data, in a file beside the script"),
    "scaled_residual_quantiles": Unwritten(
        "fit.scaled_residual_quantiles", "R prints them within summary(), and keeps none of them"
    ),
    "tidy_model": Unwritten("fit.tidy()", _FRAME),
    "glance_model": Unwritten("fit.glance()", _FRAME),
    "augment_model": Unwritten("fit.augment()", _FRAME),
    **dict.fromkeys(("tidy_linear", "glance_linear", "augment_linear"), Unwritten("", _FRAME)),
    "leverage_figures": Unwritten("fit.plot.leverage()", _PICTURE),
    "residual_curves": Unwritten(
        "fit.plot.diagnostics()", f"{_PICTURE}, among simulated ones of several hundred data sets"
    ),
    "comparison_arrows": Unwritten("means.plot(comparisons=True)", _PICTURE),
    "unpooled_lines": Unwritten(
        "fit.pooling()", f"{_PICTURE}, of as many fits as there are groups"
    ),
}
"""What is asked of a model and kept, and has no call in a script, by the operation."""

RESULTS: Final[Mapping[str, Unwritten]] = {
    "BootstrapPValues": Unwritten("boot.p_values()", "of replicates, which are compared"),
    "DeviancePoints": Unwritten("fit.deviance_function()", "R's function changes the fit"),
    "EffectCurve": Unwritten(
        "fit.effect()", "what R's package effects draws: emmeans() has the like"
    ),
    "InferenceRoutes": Unwritten("pb.compare_inference()", "figures of other calls side by side"),
    "ManyFits": Unwritten("pb.fit_many()", "a loop over responses: fit one by pb.lmer() instead"),
    "PowerCurve": Unwritten("design.power_curve()", "runs of design.power() with the same draws"),
    "SampleSize": Unwritten("design.sample_size()", "runs of design.power()"),
    "ResidualTest": Unwritten(
        "residuals.test_uniformity()", "of residuals simulated in this session"
    ),
    "SimulatedResiduals": Unwritten(
        "fit.simulated_residuals()", "they are those of DHARMa, which no script loads"
    ),
    **dict.fromkeys(
        ("NamedVector", "SparseMatrix", "CholeskyFactor"),
        Unwritten(
            "fit.get_me()", "parts of the inside of a fit, of any kind; no script asks for them"
        ),
    ),
    "StandardizedEffects": Unwritten("fit.standardize()", "fixed effects of another fit"),
}
"""Results that are not of one fit, or that R has no call for, by their classes."""
