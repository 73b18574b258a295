# Confidence intervals and profiles.

#' Operation: R's names of all parameters, and readable labels
#'
#' @param model A model environment.
#' @return See `parameter_names_of()`.
parameter_names <- function(model) parameter_names_of(model$fit)

#' R's names of all parameters, and readable labels
#'
#' @param fit A fitted mixed model.
#' @return A list of `names` (".sig01", ".sigma", "(Intercept)" ...) and
#'   `labels` ("sd_(Intercept)|school" ...), in the same order.
parameter_names_of <- function(fit) {
  # Names need no covariance, which takes most of the time.
  n_fixed <- length(lme4::fixef(fit))
  wald <- wald_with(diag(n_fixed))
  # lme4 2.0 calls oldNames signames, and warns of the old name.
  argument <- if ("signames" %in% names(formals(wald))) "signames" else "oldNames"
  names_of <- function(old) {
    arguments <- c(list(fit, method = "Wald"), structure(list(old), names = argument))
    rownames(do.call(wald, arguments, quote = TRUE))
  }
  list(names = names_of(TRUE), labels = names_of(FALSE))
}

#' R's confint() of mixed models, with a covariance matrix of the fixed effects that is known
#'
#' See code_marks.R for what this relies on.
wald_with <- function(covariance) {
  method <- utils::getS3method("confint", "merMod", envir = asNamespace("lme4"))
  if (!as_known("Wald intervals")) {
    return(method)
  }
  with_functions(method, list(vcov = function(...) covariance))
}

#' Intervals as lists of columns
describe_intervals <- function(intervals, fit) {
  known <- parameter_names_of(fit)
  list(
    names = rownames(intervals),
    labels = known$labels[match(rownames(intervals), known$names)],
    conf_low = unname(intervals[, 1L]), conf_high = unname(intervals[, 2L])
  )
}

#' Operation: confidence intervals
#'
#' @param method "wald" or "profile".
#' @param parameters Names of parameters, "beta_" or "theta_", or NULL for all.
confidence_intervals <- function(model, method, parameters, conf_level) {
  fit <- model$fit
  intervals <- if (method == "profile") {
    stats::confint(profile_of(model, parameters), level = conf_level)
  } else {
    wald <- wald_with(fixed_covariance_of(model))
    if (is.null(parameters)) {
      wald(fit, level = conf_level, method = "Wald")
    } else {
      wald(fit, parm = parameters, level = conf_level, method = "Wald")
    }
  }
  describe_intervals(intervals, fit)
}

#' The profile, computed once for each choice of parameters
profile_of <- function(model, chosen) {
  key <- paste(c("profile", encodeString(as.character(chosen), quote = "'")), collapse = "|")
  if (is.null(model[[key]])) {
    model[[key]] <- if (is.null(chosen)) profiled(model) else profiled(model, which = chosen)
  }
  model[[key]]
}

#' Operation: the profile itself
#'
#' @return The points: which parameter was held fixed, zeta there, and the values of
#'   all parameters, column by column.
profile_points <- function(model, parameters) {
  profiled <- profile_of(model, parameters)
  points <- as.data.frame(profiled)
  columns <- setdiff(names(points), c(".zeta", ".par", ".focal"))
  known <- parameter_names_of(model$fit)
  list(
    parameters = columns, labels = known$labels[match(columns, known$names)],
    profiled = as.character(points$.par), zeta = points$.zeta, focal = points$.focal,
    values = unlist(points[columns], use.names = FALSE)
  )
}

#' Warn where R's refit() is known to be wrong
#'
#' Before version 1.1-33 lme4's refit(), and so bootMer() and confint(method =
#' "boot"), counted one fixed effect in the REML criterion, however many there are.
#' R's figures are given all the same.
#'
#' @param fit A fitted mixed model.
#' @param what What is wrong, for the message.
warn_of_refit_defect <- function(fit, what = "bootstraps of REML fits are") {
  version <- utils::packageVersion("lme4")
  if (version < "1.1-33" && lme4::isREML(fit) && length(lme4::fixef(fit)) > 1L) {
    warning("refit() of lme4 ", version, " optimises a wrong REML criterion for models with more ",
      "than one fixed effect, so that ", what, " off; fixed in lme4 1.1-33 ",
      "(update lme4, or fit by maximum likelihood)",
      call. = FALSE
    )
  }
}
