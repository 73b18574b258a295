# lmerTest's version of a fit, R's summaries and what they hold, made once for all results.

#' lmerTest's version of the fit, made once
lmertest_fit <- function(model) {
  if (is.null(model$lmertest)) {
    model_data(model) # stops if the data are not those of the fit: lmerTest reads them again
    fit <- if (fast_lmertest_applies(model$fit)) {
      fast_lmertest(model)
    } else {
      within_model(model, quote(lmerTest::as_lmerModLmerTest(.fit)))
    }
    model$lmertest <- with_given_call(model, fit)
  }
  model$lmertest
}

#' A fit with the call as it was given, as lmerTest::lmer() keeps it
#'
#' There is no accessor that sets a call.
with_given_call <- function(model, fit) {
  methods::slot(fit, "call") <- model$call
  fit
}

#' R's summary of the model, made once for all results that need it
#'
#' A summary that came with a warning or a message is not kept, so that each result gets it.
#'
#' @param model A model environment.
#' @param ddf "satterthwaite" or "kenward-roger" for lmerTest's summary; otherwise lme4's.
model_summary <- function(model, ddf) {
  by_t <- ddf %in% c("satterthwaite", "kenward-roger")
  name <- if (by_t) ddf else "none"
  kept_if_quiet(model, "summaries", name, {
    fast <- if (name == "satterthwaite") fast_satterthwaite_summary(model)
    if (!is.null(fast)) {
      fast
    } else if (by_t) {
      with_ddf(model, ddf, function(fit, name) summary(fit, ddf = name))
    } else {
      fast <- fast_lme4_summary(model)
      if (is.null(fast)) summary(model$fit) else fast
    }
  })
}

#' A value that is made once for all results that need it, but again if R says something
#'
#' @param model A model environment.
#' @param shelf,name Where it is kept.
#' @param made The value, unevaluated.
kept_if_quiet <- function(model, shelf, name, made) {
  found <- model[[shelf]][[name]]
  if (is.null(found)) {
    quiet <- TRUE
    found <- withCallingHandlers(made,
      warning = function(condition) quiet <<- FALSE,
      message = function(condition) quiet <<- FALSE
    )
    if (quiet) model[[shelf]][[name]] <- found
  }
  found
}

#' The covariance matrix of the fixed effects as R gives it, but without correlations, made once
#'
#' No figure here shows them, and they take most of the time.
plain_covariance_of <- function(model) {
  kept_if_quiet(model, "matrices", "plain", {
    plain <- if (methods::is(model$fit, "merMod")) {
      tryCatch(stats::vcov(model$fit, correlation = FALSE), warning = function(condition) NULL)
    }
    if (is.null(plain)) stats::vcov(model$fit) else plain
  })
}

#' The covariance matrix of the fixed effects, made once
fixed_covariance_of <- function(model) {
  kept_if_quiet(model, "matrices", "fixed", as.matrix(plain_covariance_of(model)))
}

#' The covariance matrix as vcov.merMod() makes it, from the one that was made before
#'
#' @param correlation,sigm Its arguments.
correlated_covariance <- function(model, correlation, sigm) {
  covariance <- plain_covariance_of(model)
  if (!identical(class(covariance), structure("dpoMatrix", package = "Matrix")) || is.na(sigm) ||
    !is.null(attr(lme4::getME(model$fit, "X"), "scaled:scale"))) {
    return(asNamespace("lme4")$vcov.merMod(model$fit, correlation = correlation, sigm = sigm))
  }
  if (correlation) {
    methods::slot(covariance, "factors")$correlation <- methods::as(covariance, "corMatrix")
  }
  covariance
}

#' lme4's summary of a mixed model, with the covariance matrix that was made before
#'
#' lme4 makes it twice. See code_marks.R for what this relies on.
#'
#' @param model A model environment.
#' @param fit Its fit, with the call that the summary shows.
#' @return The summary; NULL where that may not be what lme4 gives.
fast_lme4_summary <- function(model, fit = model$fit) {
  if (!methods::is(fit, "merMod") || !as_known("summaries")) {
    return(NULL)
  }
  covariance <- tryCatch(fixed_covariance_of(model), warning = function(condition) NULL)
  if (is.null(covariance)) {
    return(NULL) # lme4 warns of each of the two
  }
  summarise <- with_functions(asNamespace("lme4")$summary.merMod, list(
    vcov = function(object, ...) covariance,
    vcov.merMod = function(object, correlation, sigm, ...) {
      if (missing(sigm)) covariance else correlated_covariance(model, correlation, sigm)
    }
  ))
  summarise(fit)
}

#' The table of fixed effects with their tests, as R's summary has it
#'
#' @param model,ddf See `model_summary()`.
coefficient_table <- function(model, ddf) {
  made <- model$summaries[[ddf]]
  table <- if (is.null(made) && ddf == "satterthwaite" && methods::is(model$fit, "lmerMod")) {
    fit <- lmertest_fit(model)
    # R's summary warns where the covariance cannot be computed; it is not kept then.
    if (!is.null(model$matrices$fixed)) fast_satterthwaite_table(fit)
  }
  if (is.null(table)) stats::coef(model_summary(model, ddf)) else table
}
