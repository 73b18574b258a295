# Replicates: from draws to statistics, in this process or in another one.

#' Operation: make ready to compute replicates
#'
#' @param models A list of model environments.
#' @param plan A list: `task`, and the arguments of the task.
#' @return An environment with `measure(draw)`, which returns a list of `values`,
#'   `converged` and `singular`, and `renew()`, which makes `measure()` anew. That of
#'   "optimizers" is for `pack_fits()`.
prepare_task <- function(models, plan) {
  task <- new.env(parent = emptyenv())
  task$renew <- function() {
    task$measure <- switch(plan$task,
      responses = response_task(models[[1L]], plan),
      cases = case_task(models[[1L]], plan),
      ratios = ratio_task(models[[1L]], models[[2L]], plan),
      many = many_task(models[[1L]], plan),
      power = power_task(models, plan),
      influence = influence_task(models[[1L]], plan),
      optimizers = optimizer_task(models[[1L]]),
      stop("unknown task: ", plan$task)
    )
  }
  task$renew()
  if (identical(plan$statistic, "python")) {
    as_model <- if (plan$task == "cases") case_model else response_model
    task$as_model <- as_model(models[[1L]])
  }
  task
}

#' Refits to other responses
response_task <- function(model, plan) {
  fit <- model$fit
  if (inherits(fit, "lm")) {
    return(linear_task(model, plan, linear_refitter(model)))
  }
  if (!lme4::isLMM(fit)) {
    return(generalized_task(model, plan))
  }
  settings <- refit_settings(model)
  machine <- refitter(model, settings)
  start <- refit_start(fit)
  lower <- lme4::getME(fit, "lower")
  values_of <- if (plan$statistic %in% parameter_statistics) {
    # The same figures, without building a fit.
    choose <- parameter_chooser(fit, plan$statistic)
    function(optimum, checked) choose(machine$estimates(optimum))
  } else {
    statistic <- statistic_of(model, plan)
    function(optimum, checked) statistic(machine$as_fit(optimum, checked))
  }
  function(response) {
    optimum <- machine$optimise(response, start, plan$check_convergence)
    checked <- check_convergence(optimum, settings$checks, lower)
    measured_optimum(optimum, checked, lower, values_of(optimum, checked))
  }
}

#' Refits of a generalized model, by refit() itself
#'
#' Their derivatives are always computed, because the standard errors need them.
generalized_task <- function(model, plan) {
  statistic <- statistic_of(model, plan)
  control <- given_control(model)
  n_rows <- nrow(stats::model.frame(model$fit))
  function(values) {
    fit <- refit_used(model, as_response(values, n_rows), control)
    measured_fit(fit, statistic(fit))
  }
}

#' What a task returns for a refit that was not built into a fit
measured_optimum <- function(optimum, checked, lower, values) {
  list(
    values = values, converged = has_converged(optimum, checked),
    singular = on_boundary(optimum$par, lower)
  )
}

#' What a task returns for a fit that lmer() made
measured_fit <- function(fit, values) {
  information <- methods::slot(fit, "optinfo")
  optimum <- list(conv = information$conv$opt, par = information$val)
  measured_optimum(optimum, information$conv$lme4, lme4::getME(fit, "lower"), values)
}

#' R's convergence checks, which warn and say what they find
check_convergence <- function(optimum, checks, lower) {
  if (is_beyond_doubt(optimum, checks, lower)) {
    return(NULL)
  }
  asNamespace("lme4")$checkConv(attr(optimum, "derivs"), optimum$par,
    ctrl = checks, lbound = lower
  )
}

#' Did the optimizer end well, without complaints from the checks?
has_converged <- function(optimum, checked) {
  code <- optimum$conv
  (is.null(code) || identical(as.integer(code), 0L)) && is.null(checked$code)
}

#' Fits to resampled rows
case_task <- function(model, plan) {
  if (inherits(model$fit, "lm")) return(linear_task(model, plan, linear_case_fitter(model)))
  linear <- lme4::isLMM(model$fit)
  control <- given_control(model)
  if (is.null(control)) control <- if (linear) lme4::lmerControl() else lme4::glmerControl()
  lean <- linear && !plan$check_convergence
  if (lean) control$calc.derivs <- FALSE
  call_of <- case_caller(model, plan$levels, plan$relabel, control)
  statistic <- statistic_of(model, plan)
  by_estimates <- plan$statistic %in% parameter_statistics
  stepwise <- if (lean) stepwise_lmer(control, fits = !by_estimates)
  if (is.null(stepwise)) {
    return(function(draw) {
      made <- call_of(draw)
      fit <- eval(made$call, made$env)
      measured_fit(fit, statistic(fit))
    })
  }
  values_of <- if (by_estimates) {
    choose <- parameter_chooser(model$fit, plan$statistic)
    function(refitted) choose(refitted$estimates, refitted$columns, refitted$groups)
  } else {
    function(refitted) statistic(refitted$as_fit())
  }
  function(draw) {
    made <- call_of(draw)
    refitted <- stepwise(made$call, made$env)
    measured_optimum(
      refitted$optimum, refitted$checked, refitted$lower, values_of(refitted)
    )
  }
}

#' Operation: compute replicates
#'
#' @param task See `prepare_task()`.
#' @param draws A list of draws.
#' @param n_values How many values each replicate has.
#' @return The values, replicate by replicate (NA if it failed), and the status of each.
run_replicates <- function(task, draws, n_values) {
  task$n_done <- c(task$n_done, 0L)[1L] + length(draws)
  run <- function() lapply(draws, run_replicate, task = task, n_values = n_values)
  results <- if (task$n_done >= 100L) compiled(run()) else run()
  part <- function(name) lapply(results, `[[`, name)
  list(
    values = unlist(part("values"), use.names = FALSE),
    converged = unlist(part("converged")), singular = unlist(part("singular")),
    warnings = part("warnings"), messages = part("messages"), errors = unlist(part("error"))
  )
}

#' Operation: compute replicates of draws that this process holds
#'
#' @param first,last The numbers of the draws.
run_own_replicates <- function(task, draws, first, last, n_values) {
  run_replicates(task, take_draws(draws, first, last), n_values)
}

#' One replicate with its status
run_replicate <- function(draw, task, n_values) {
  result <- with_status({
    measured <- task$measure(draw)
    measured$values <- as.double(measured$values)
    n <- length(measured$values)
    if (n != n_values) {
      stop("the statistic has ", n, " values, but ", n_values, " for the fit itself", call. = FALSE)
    }
    measured
  })
  if (!is.na(result$error)) {
    result$values <- rep(NA_real_, n_values)
    task$renew() # what failed leaves no state
  }
  result
}

#' Operation: refit the model to one draw, and leave the statistic to Python
#'
#' @param task See `prepare_task()`; its statistic is "python".
#' @param seed Seeds the generator for what the statistic asks of R.
#' @param keep Does Python still hold the model of the last draw? Then it gets a state of its own,
#'   for `refitter()` uses that of its last fit again.
#' @return The status; unless there is an error, also `model`, `facts`, and for cases the numbers
#'   of the `rows` of the data.
refit_replicate <- function(task, draw, seed, keep) {
  set.seed(seed)
  if (keep && !is.null(task$last)) {
    task$last$fit <- isolated_fit(task$last$fit)
    task$last$lmertest <- NULL # made of the other state
  }
  result <- with_status({
    measured <- task$measure(draw)
    made <- task$as_model(measured$values, draw)
    task$last <- made$model
    measured$values <- NULL
    c(measured, list(model = made$model, facts = facts_of(made$model$fit), rows = made$rows))
  })
  if (!is.na(result$error)) task$renew()
  result
}

#' What an expression gives, with the warnings, messages and error that it met
#'
#' @param measured Gives a list with `converged` and `singular`.
with_status <- function(measured) {
  warnings <- messages <- character()
  result <- tryCatch(
    withCallingHandlers(
      c(measured, list(error = NA_character_)),
      warning = function(condition) {
        warnings <<- c(warnings, conditionMessage(condition))
        invokeRestart("muffleWarning")
      },
      message = function(condition) {
        messages <<- c(messages, sub("\n$", "", conditionMessage(condition)))
        invokeRestart("muffleMessage")
      }
    ),
    error = function(condition) {
      list(converged = FALSE, singular = NA, error = conditionMessage(condition))
    }
  )
  c(result, list(warnings = warnings, messages = messages))
}

#' Operation: give the messages that confint(method = "boot") gives about the replicates
say_of_replicates <- function(messages, warnings, errors) {
  counts <- lapply(
    list(`factory-message` = messages, `factory-warning` = warnings, `factory-error` = errors),
    function(texts) table(trimws(as.character(unlist(texts))))
  )
  asNamespace("lme4")$print.bootWarnings(structure(list(), boot.all.msgs = counts), verbose = FALSE)
  TRUE
}

#' Operation: standard errors and bias of the replicates
#'
#' @param values Replicates, statistic by statistic.
summarise_replicates <- function(values, observed) {
  replicates <- matrix(values, ncol = length(observed))
  list(
    std_error = apply(replicates, 2L, stats::sd, na.rm = TRUE),
    bias = colMeans(replicates, na.rm = TRUE) - observed
  )
}

#' Operation: bootstrap intervals
#'
#' @param kind "perc", "norm" or "basic", as boot names them.
#' @param as_in "boot" for boot::boot.ci(), or "lmeresampler" for lmeresampler's formulas
#'   with R's ordinary quantiles.
replicate_intervals <- function(values, observed, kind, conf_level, as_in) {
  replicates <- matrix(values, ncol = length(observed))
  ends <- matrix(NA_real_, length(observed), 2L)
  # Such as a prediction of a row with a missing value.
  known <- !is.na(observed)
  # boot.ci() gives no interval where all replicates are one value.
  if (as_in == "boot") known <- known & apply(replicates, 2L, is_varied)
  if (any(known)) {
    intervals <- if (as_in == "boot") boot_intervals else plain_intervals
    ends[known, ] <- intervals(
      replicates[, known, drop = FALSE], observed[known], kind, conf_level
    )
  }
  list(conf_low = unname(ends[, 1L]), conf_high = unname(ends[, 2L]))
}

#' Have replicates more than one value?
is_varied <- function(values) length(unique(values[!is.na(values)])) > 1L

#' Intervals as confint() of a bootMer object gives them
boot_intervals <- function(replicates, observed, kind, conf_level) {
  names(observed) <- seq_along(observed)
  # boot.ci() looks at how the replicates were made.
  boot <- structure(
    list(
      t0 = observed, t = replicates, R = nrow(replicates), sim = "parametric",
      call = quote(bootMer(x, FUN)), statistic = NULL
    ),
    class = c("bootMer", "boot")
  )
  stats::confint(boot, level = conf_level, type = kind)
}

#' Intervals from R's quantiles
plain_intervals <- function(replicates, observed, kind, conf_level) {
  tails <- c(1 - conf_level, 1 + conf_level) / 2
  one <- function(values, observed) {
    if (kind == "norm") {
      bias <- mean(values, na.rm = TRUE) - observed
      return(observed - bias + stats::qnorm(tails) * stats::sd(values, na.rm = TRUE))
    }
    ends <- stats::quantile(values, tails, na.rm = TRUE, names = FALSE)
    if (kind == "perc") ends else 2 * observed - rev(ends)
  }
  t(vapply(seq_along(observed), function(i) one(replicates[, i], observed[i]), c(0, 0)))
}

#' Operation: two-sided p-values of the hypothesis that a statistic is `null`
#'
#' The share of replicates that differ from the observed value by at least as much as
#' the observed value differs from the null. Numerator and denominator also count the
#' sample itself (Davison and Hinkley 1997, section 4.2).
#'
#' @param null One value for each statistic.
replicate_p_values <- function(values, observed, null) {
  replicates <- matrix(values, ncol = length(observed))
  vapply(seq_along(observed), function(i) {
    if (is.na(observed[i])) return(NA_real_)
    usable <- replicates[!is.na(replicates[, i]), i]
    (1 + sum(abs(usable - observed[i]) >= abs(observed[i] - null[i]))) / (1 + length(usable))
  }, 1)
}
