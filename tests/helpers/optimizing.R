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
    } else if (name == "mkRespMod") {
      call("{", body(original)) # it asks which arguments are missing
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

# Replicates of resampled rows with light objects, and with lme4's own, as they are measured.
resampled_both_ways <- function(model) {
  control <- given_control(model)
  if (is.null(control)) control <- lme4::lmerControl()
  control$calc.derivs <- FALSE
  call_of <- case_caller(model, character(), FALSE, control)
  set.seed(2)
  draws <- draw_cases(model, 4L, character(), TRUE)
  draws[[5L]] <- lapply(draws[[1L]], function(part) part) # again, with what is remembered
  draws[[6L]] <- list(rows = draws[[1L]]$rows[1:2], copies = list()) # fails in most models
  measured <- lapply(c(TRUE, FALSE), function(fits) {
    stepwise <- stepwise_lmer(control, fits = fits)
    if (is.null(stepwise)) {
      return(NULL)
    }
    lapply(draws, function(draw) {
      made <- call_of(draw)
      found <- heard(stepwise(made$call, made$env))
      if (is.list(found$value)) {
        found$value$as_fit <- NULL
      }
      found
    })
  })
  ordinary <- lapply(draws, function(draw) {
    made <- call_of(draw)
    call <- made$call
    call[[1L]] <- quote(lme4::lmer)
    fit <- heard(eval(call, made$env))
    list(
      said = fit$said,
      estimates = if (is.character(fit$value)) fit$value else estimates_of(fit$value)[c("beta", "theta", "sigma")]
    )
  })
  light <- lapply(measured[[2L]], function(found) {
    list(
      said = found$said,
      estimates = if (is.character(found$value)) {
        found$value
      } else {
        found$value$estimates[c("beta", "theta", "sigma")]
      }
    )
  })
  c(
    taken = as_known("optima of resampled rows"),
    same = identical(measured[[1L]], measured[[2L]]),
    as_lmer = is.null(measured[[2L]]) || identical(light, ordinary)
  )
}

# What a formula's parts are, remembered and not, for several environments.
formulas_both_ways <- function() {
  texts <- c(
    "y ~ x + (1 | g)", "y ~ x + (x || g)", "log(y) ~ 1 + (1 | a/b)", "y ~ (x + z | g) + (1 | h)",
    "y ~ 0 + (1 | g)", "y ~ x"
  )
  quick <- lapply(stats::setNames(nm = parts_of_formulas), function(name) {
    remembering_formulas(get(name, asNamespace("lme4")))
  })
  same <- logical()
  for (i in 1:2) {
    for (text in texts) {
      formula <- stats::as.formula(text, env = new.env())
      for (term in list(formula, formula[[3L]])) {
        for (name in parts_of_formulas) {
          plain <- get(name, asNamespace("lme4"))
          ordinary <- heard(plain(term))
          # Some answers have an environment of their own.
          if (!identical(ordinary, heard(plain(term)))) next
          same <- c(same, identical(heard(quick[[name]](term)), ordinary))
        }
      }
    }
  }
  c(all(same), length(same))
}

# What a fast way says before it fails is heard once, from the ordinary way.
said_before_an_error <- function() {
  data <- data.frame(y = 1:6 + 0, x = -(1:6), g = gl(2, 3))
  call <- quote(lme4::lFormula(y ~ log(x) + (1 | g), data = data))
  found <- heard(eval_lformula(call, list2env(list(data = data), parent = asNamespace("stats"))))
  found$said <- c(found$said, found$value)
  found$said
}
