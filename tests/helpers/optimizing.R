# The fast path to an optimum beside R's ordinary way; sourced where the operations can be seen.

heard <- function(value) {
  said <- character()
  note <- function(condition) {
    said <<- c(said, conditionMessage(condition))
    tryInvokeRestart("muffleWarning")
    tryInvokeRestart("muffleMessage")
  }
  value <- tryCatch(
    withCallingHandlers(value, warning = note, message = note),
    error = function(condition) paste("error:", conditionMessage(condition))
  )
  list(value = value, said = said)
}

# What lme4's own functions find, with a predictor and a response of its own.
ordinary_optimum <- function(fit, settings, response, start, derivatives) {
  devfun <- lme4::getME(fit, "devfun")
  rho <- environment(devfun)
  rho$lower <- lme4::getME(fit, "lower")
  rho$upper <- structured_terms(fit)$upper
  rho$pp <- methods::slot(fit, "pp")$copy()
  rho$resp <- lme4::mkRespMod(stats::model.frame(fit), REML = refit_criterion(fit))
  rho$resp$setResp(response)
  rho$pp$setDelb(numeric(length(rho$pp$delb)))
  rho$pp$setDelu(numeric(length(rho$pp$delu)))
  made <- heard(lme4::optimizeLmer(devfun,
    optimizer = settings$optimizer, restart_edge = settings$restart_edge,
    boundary.tol = settings$boundary_tol, start = start, calc.derivs = derivatives,
    control = settings$options
  ))
  list(made = made, estimates = list(
    beta = rho$pp$beta(1), theta = rho$pp$theta + 0, mu = rho$resp$mu + 0, u = rho$pp$u(1)
  ))
}

# Responses that a model may meet, and some that it should not.
responses_of <- function(fit) {
  set.seed(1)
  drawn <- unname(used_rows(as.list(stats::simulate(fit, 2L, na.action = stats::na.exclude)), fit))
  first <- drawn[[1L]]
  c(drawn, list(replace(first, 2L, Inf), first * 1e200, first * 0, first))
}

# Are optimum, conditions, estimates and state identical, from warm and from cold starts?
optima_both_ways <- function(model) {
  fit <- model$fit
  cold <- cold_start(model)
  warm <- refit_start(fit)
  same <- list()
  for (settings in list(refit_settings(model), lmer_settings(model))) {
    machine <- refitter(model, settings)
    ready <- machine$ready
    responses <- responses_of(fit)
    for (i in seq_len(length(responses) + 2L)) {
      derivatives <- i > length(responses)
      response <- responses[[i - if (derivatives) length(responses) else 0L]]
      start <- if (settings$restart_edge) heard(cold(response))$value else warm
      if (is.character(start)) next
      fast <- heard(machine$optimise(response, start, derivatives))
      rho <- machine$rho
      state <- list(
        beta = rho$pp$beta(1), theta = rho$pp$theta + 0, mu = rho$resp$mu + 0, u = rho$pp$u(1)
      )
      ordinary <- ordinary_optimum(fit, settings, response, start, derivatives)
      read <- if (is.list(fast$value)) machine$estimates(fast$value)[c("beta", "theta")]
      same[[length(same) + 1L]] <- c(
        made = identical(fast, ordinary$made),
        state = is.null(read) || identical(state, ordinary$estimates),
        read = is.null(read) || identical(read, ordinary$estimates[c("beta", "theta")]),
        lean = isTRUE(ready$is_lean)
      )
    }
  }
  found <- do.call(rbind, same)
  c(apply(found, 2L, all), n = nrow(found))
}

is_on_fast_path <- function(model) {
  machine <- refitter(model, refit_settings(model))
  for (i in 1:2) optimum <- machine$optimise(lme4::getME(model$fit, "y"), refit_start(model$fit))
  quick <- environment(environment(machine$optimize_lmer)$optwrap)$asks
  isTRUE(machine$ready$is_lean) && !is.null(quick$again(optimum$par, machine$devfun))
}

# Something inside of a package that is not as known, with the same estimates, until it is put back.
alter_inside <- function(package, name) {
  original <- get(name, asNamespace(package))
  altered <- original
  if (!is.function(original)) {
    altered$numParameters <- altered$numParameters + 1L
  } else {
    once <- bquote((function() .(body(original)))())
    body(altered) <- if (name == "nloptwrap") {
      bquote({
        found <- .(once)
        found$feval <- found$feval + 1L
        found
      })
    } else {
      call("{", once, once)
    }
  }
  put <- function(value) {
    utils::assignInNamespace(name, value, package)
    rm(list = ls(fences), envir = fences)
    NULL
  }
  put(altered)
  list2env(list(put_back = function() put(original)))
}

put_back <- function(altered) altered$put_back()
