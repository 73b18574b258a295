# One design, many responses.

#' Operation: fit the design to a response that stands for all
#'
#' What the design itself makes R say is said here, once.
#'
#' @param spec,frame As for `fit_model()`; the response is the column `.response`.
fit_template <- function(spec, frame) {
  built <- model_call(spec)
  env <- model_environment(frame_from_parts(frame), spec$data_name, built$extras)
  parse <- built$call
  parse[[1L]] <- quote(lme4::lFormula)
  eval(parse, env)
  model <- new.env(parent = emptyenv())
  model$frame_env <- env
  model$call <- built$call
  model$fit <- suppressMessages(suppressWarnings(eval(built$call, env)))
  names <- many_names(model$fit)
  list(
    model = model,
    n_values = length(names$terms),
    names = names,
    facts = c(model_facts(model$fit), mixed_facts(model$fit))
  )
}

#' What the values of one response are called
many_names <- function(fit) {
  keys <- statistic_keys(
    list(fit = fit), list(statistic = "parameters"), known <- parameter_names(fit)$names
  )
  fixed <- which(keys$effect == "fixed")
  list(
    terms = c(keys$term, keys$term[fixed], "criterion", "log_likelihood"),
    names = known, effect = keys$effect, group = keys$group, term = keys$term
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
  start <- cold_start(model)
  lower <- lme4::getME(fit, "lower")
  frame <- get(as.character(stats::getCall(fit)$data), model$frame_env)
  used <- match(rownames(stats::model.frame(fit)), rownames(frame))
  choose <- parameter_chooser(fit, "parameters")
  values_of <- function(refitted, estimates) {
    errors <- sqrt(Matrix::diag(stats::vcov(refitted)))
    c(
      choose(refitted, estimates), errors, lme4::REMLcrit(refitted),
      as.double(stats::logLik(refitted))
    )
  }
  function(response) {
    if (anyNA(response[used])) {
      # Other rows, so another design: R does all of it.
      holder <- new.env(parent = model$frame_env)
      holder$.changed <- frame
      holder$.changed$.response <- response
      call <- model$call
      call$data <- quote(.changed)
      refitted <- eval(call, holder)
      convergence <- methods::slot(refitted, "optinfo")$conv
      return(list(
        values = values_of(refitted, estimates_of(refitted)),
        converged = identical(as.integer(convergence$opt), 0L) &&
          is.null(convergence$lme4$code),
        singular = on_boundary(methods::slot(refitted, "optinfo")$val, lower)
      ))
    }
    optimum <- machine$optimise(response[used], start, plan$check_convergence)
    checked <- check_convergence(optimum, settings$checks, lower)
    list(
      values = values_of(machine$as_fit(optimum, checked), machine$estimates(optimum)),
      converged = has_converged(optimum, checked), singular = on_boundary(optimum$par, lower)
    )
  }
}

#' Operation: responses that are given, for the engine
keep_draws <- function(draws) {
  kept <- new.env(parent = emptyenv())
  kept$all <- draws
  list(draws = kept, state = integer(), generator = RNGkind())
}
