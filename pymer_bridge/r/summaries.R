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
      summary(model$fit)
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

#' The covariance matrix of the fixed effects, made once
fixed_covariance_of <- function(model) {
  kept_if_quiet(model, "matrices", "fixed", {
    # The correlations, which no figure here shows, take most of the time.
    plain <- if (methods::is(model$fit, "merMod")) {
      tryCatch(stats::vcov(model$fit, correlation = FALSE), warning = function(condition) NULL)
    }
    as.matrix(if (is.null(plain)) stats::vcov(model$fit) else plain)
  })
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
