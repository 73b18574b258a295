# One design, many responses.

#' Operation: fit the design to one response, as the template of all fits
#'
#' R's messages about the design itself come from here, once.
#'
#' @param spec,frame As for `fit_model()`; the response is the column `.response`.
fit_template <- function(spec, frame) {
  built <- model_call(spec)
  env <- model_environment(frame_from_parts(frame), spec$data_name, built$extras)
  parse <- built$call
  parse[[1L]] <- quote(lme4::lFormula)
  eval(parse, env)
  fit <- suppressMessages(suppressWarnings(eval(built$call, env)))
  model <- new_model(fit, env, built$call)
  names <- parameter_names(fit)$names
  keys <- statistic_keys(model, list(statistic = "parameters"), names)
  list(
    model = model,
    # See many_task().
    n_values = length(names) + sum(keys$effect == "fixed") + 2L,
    names = c(list(names = names), keys)
  )
}

#' Fits by lmer() to other responses
#'
#' The values are all parameters in the order of R's intervals, the standard errors
#' of the fixed effects, the criterion, and the log-likelihood.
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
  # As vcov(), REMLcrit() or deviance(), and logLik() give them, without building a fit.
  values_of <- function(optimum, estimates) {
    errors <- sqrt(diag(estimates$sigma^2 * machine$rho$pp$unsc()))
    c(choose(estimates), errors, optimum$fval, -optimum$fval / 2)
  }
  values_of_fit <- function(refitted) {
    estimates <- estimates_of(refitted)
    columns <- colnames(lme4::getME(refitted, "X"))
    c(
      choose(estimates, columns, lme4::getME(refitted, "cnms")),
      sqrt(Matrix::diag(stats::vcov(refitted))),
      if (reml) lme4::REMLcrit(refitted) else stats::deviance(refitted),
      as.double(stats::logLik(refitted))
    )
  }
  function(response) {
    if (anyNA(response[data$used])) {
      # Other rows, so another design: lmer() fits it.
      holder <- new.env(parent = model$frame_env)
      holder$.changed <- data$frame
      holder$.changed$.response <- response
      call <- model$call
      call$data <- quote(.changed)
      refitted <- eval(call, holder)
      return(measured_fit(refitted, values_of_fit(refitted)))
    }
    response <- response[data$used]
    optimum <- machine$optimise(response, start_of(response), plan$check_convergence)
    checked <- check_convergence(optimum, settings$checks, lower)
    measured_optimum(optimum, checked, lower, values_of(optimum, machine$estimates(optimum)))
  }
}
