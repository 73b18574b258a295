# The influence of each observation on a model.

#' Operation: a figure of each observation
#'
#' @param kind "hatvalues", "rstudent", "cooks.distance", or for models without random effects
#'   "rstandard".
case_figure <- function(model, kind) {
  figure <- switch(kind,
    hatvalues = hat_values_of(model),
    rstudent = ,
    rstandard = ,
    cooks.distance = from_hat_values(model, kind),
    stop("unknown figure: ", kind)
  )
  over_rows(figure, model$fit)
}

#' Operation: leverage and Cook's distance of each observation
#'
#' @return `hat` and `cooks`, see `over_rows()`; `cut_offs`: twice the mean leverage, and the
#'   distance beyond which an observation stands out: 4/n, or of mixed models, whose distances are
#'   often all beyond that, three interquartile ranges above the third quartile, as HLMdiag has it.
leverage_figures <- function(model) {
  fit <- model$fit
  hat <- hat_values_of(model)
  # Without fixed effects there is no Cook's distance.
  none <- methods::is(fit, "merMod") && ncol(lme4::getME(fit, "X")) == 0L
  cooks <- if (none) hat * NaN else from_hat_values(model, "cooks.distance")
  quartiles <- stats::quantile(cooks, c(0.25, 0.75), na.rm = TRUE, names = FALSE)
  far <- if (methods::is(fit, "merMod")) {
    quartiles[2L] + 3 * diff(quartiles)
  } else {
    4 / sum(!is.na(cooks))
  }
  list(
    hat = over_rows(hat, fit), cooks = over_rows(cooks, fit),
    cut_offs = c(2 * mean(hat, na.rm = TRUE), far)
  )
}
