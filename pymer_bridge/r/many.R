# One design, many responses.

#' Operation: fit the design to one response, as the template of all fits
#'
#' R's messages about the design itself come from here, once.
#'
#' @param spec,frame As for `fit_model()`; the response is a column of ours.
fit_template <- function(spec, frame) {
  data <- frame_from_parts(frame)
  built <- model_call(spec, names(data))
  env <- model_environment(data, spec$data_name, built$extras)
  parse <- built$call
  parse[[1L]] <- quote(lme4::lFormula)
  eval(parse, env)
  fit <- suppressMessages(suppressWarnings(eval(built$call, env)))
  model <- new_model(fit, env, built$call)
  names <- parameter_names_of(fit)$names
  keys <- statistic_keys(model, list(statistic = "parameters"), names)
  list(
    model = model,
    # See many_task().
    n_values = length(names) + 4L * sum(keys$effect == "fixed") + 2L,
    names = c(list(names = names), keys)
  )
}

#' Fits by lmer() to other responses
#'
#' The values are all parameters in the order of R's intervals; of the fixed effects the
#' standard errors, statistics, degrees of freedom and p-values; the criterion, and the
#' log-likelihood.
#'
#' @param plan `ddf`, as for `fixed_effects()`, and `check_convergence`.
many_task <- function(model, plan) {
  fit <- model$fit
  settings <- lmer_settings(model)
  reml <- lme4::isREML(fit)
  n_fixed <- ncol(lme4::getME(fit, "X"))
  machine <- refitter(model, settings, criterion = if (reml) n_fixed else 0L)
  start_of <- cold_start(model)
  lower <- lme4::getME(fit, "lower")
  data <- model_data(model)
  choose <- parameter_chooser(fit, "parameters")
  untested <- rep(NA_real_, n_fixed)
  # As vcov(), summary(), REMLcrit() or deviance(), and logLik() give them, without building a fit.
  values_of <- function(optimum, estimates) {
    errors <- sqrt(diag(estimates$sigma^2 * machine$rho$pp$unsc()))
    statistic <- estimates$beta / errors
    p_value <- if (plan$ddf == "normal") normal_p_value(statistic) else untested
    c(
      choose(estimates), errors, statistic, untested, p_value, optimum$fval, -optimum$fval / 2
    )
  }
  values_of_fit <- function(made) {
    refitted <- made$fit
    tested <- fixed_effects(made, plan$ddf, 0.95)
    or_none <- function(values) if (is.null(values)) rep(NA_real_, length(tested$terms)) else values
    columns <- colnames(lme4::getME(refitted, "X"))
    c(
      choose(estimates_of(refitted), columns, lme4::getME(refitted, "cnms")),
      tested$std_error, tested$statistic, or_none(tested$df), or_none(tested$p_value),
      if (reml) lme4::REMLcrit(refitted) else stats::deviance(refitted),
      as.double(stats::logLik(refitted))
    )
  }
  # lmerTest needs the fit itself, with its data.
  by_t <- plan$ddf %in% c("satterthwaite", "kenward-roger")
  function(response) {
    if (by_t || anyNA(response[data$used])) {
      # With missing values: other rows, so another design.
      holder <- new.env(parent = model$frame_env)
      holder$.changed <- data$frame
      holder$.changed[[as.character(model$call$formula[[2L]])]] <- response
      call <- model$call
      call$data <- quote(.changed)
      made <- new_model(eval(call, holder), holder, call)
      return(measured_fit(made$fit, values_of_fit(made)))
    }
    response <- response[data$used]
    if (!all(is.finite(response))) stop("NA/NaN/Inf in 'y'", call. = FALSE) # as lmer() does
    optimum <- machine$optimise(response, start_of(response), plan$check_convergence)
    checked <- check_convergence(optimum, settings$checks, lower)
    measured_optimum(optimum, checked, lower, values_of(optimum, machine$estimates(optimum)))
  }
}
