# Refitting a model to other responses: what lme4's refit() gives, with less work.
#
# refit() copies the predictor and builds a response object and a deviance
# function each time. Here they are made once and used for all responses: the
# deviance at a theta depends only on theta and the response. The tests show that
# every replicate is identical() to refit()'s.

#' The optimizer, options and checks of refit(), as bootMer() calls it
#'
#' @param model A model environment.
#' @param control The control object that refit() is given, or NULL.
#' @return A list: optimizer, options, and the convergence checks.
refit_settings <- function(model, control = given_control(model)) {
  information <- methods::slot(model$fit, "optinfo")
  given <- control
  if (is.null(given)) {
    control <- lme4::lmerControl()
  } else if (length(control$optCtrl) == 0L) {
    own <- information$control
    control$optCtrl <- own[!names(own) %in% c("xst", "xt")]
  }
  if (identical(information$optimizer, "optimx")) {
    control$optCtrl <- information$control
  }
  optimizer <- given$optimizer
  list(
    optimizer = if (is.null(optimizer)) information$optimizer else optimizer[length(optimizer)],
    options = control$optCtrl, checks = control$checkConv,
    restart_edge = FALSE, boundary_tol = 0
  )
}

#' The control object of the model's call, or NULL
given_control <- function(model) {
  eval(stats::getCall(model$fit)$control, model$frame_env)
}

#' The optimizer, options and checks of lmer()
lmer_settings <- function(model, control = given_control(model)) {
  if (is.null(control)) control <- lme4::lmerControl()
  list(
    optimizer = control$optimizer, options = control$optCtrl, checks = control$checkConv,
    restart_edge = control$restart_edge, boundary_tol = control$boundary.tol
  )
}

#' The REML criterion that this lme4's refit() optimises
#'
#' Before 1.1-33 it used TRUE as the number of fixed effects, and so counted one;
#' see `warn_of_refit_defect()`.
refit_criterion <- function(fit) {
  if (!lme4::isREML(fit)) {
    0L
  } else if (utils::packageVersion("lme4") < "1.1-33") {
    1L
  } else {
    ncol(lme4::getME(fit, "X"))
  }
}

#' The parameters where refit() starts: those of this fit
#'
#' From lme4 2.0 on, structured covariances have fewer parameters than elements of theta.
refit_start <- function(fit) {
  theta <- unname(lme4::getME(fit, "theta"))
  parameters_of <- environment(lme4::getME(fit, "devfun"))$mkPar
  if (is.null(parameters_of)) theta else parameters_of(theta)
}

#' A function of the response that gives the theta where lmer() starts
#'
#' With random intercepts alone lmer() starts from the variances between and within
#' groups, if these can be computed.
cold_start <- function(model) {
  given <- eval(stats::getCall(model$fit)$start, model$frame_env)
  if (!is.null(given)) {
    return(function(response) given)
  }
  lower <- lme4::getME(model$fit, "lower")
  factors <- lme4::getME(model$fit, "flist")
  scalar <- all(unlist(lme4::getME(model$fit, "cnms")) == "(Intercept)") &&
    length(factors) == length(lower)
  function(response) {
    start <- as.double(lower == 0)
    if (scalar) {
      between <- sapply(factors, function(group) stats::var(stats::ave(response, group)))
      within <- stats::var(response) - sum(between)
      ratio <- between / within
      if (!is.na(within) && within > 0 && all(ratio >= lower^2)) start <- unname(sqrt(ratio))
    }
    start
  }
}

#' An object that refits one linear mixed model to any number of responses
#'
#' @param model A model environment; its fit is never changed.
#' @param settings See `refit_settings()`.
#' @param criterion The REML criterion: 0 for maximum likelihood, or the number
#'   of fixed effects that it counts.
#' @return An environment: `optimise(response, start, derivatives)`,
#'   `estimates(optimum)` and `as_fit(optimum)`. Each of the latter two reads the
#'   state that the last `optimise()` left.
refitter <- function(model, settings, criterion = refit_criterion(model$fit)) {
  fit <- model$fit
  frame <- stats::model.frame(fit)
  response_column <- attr(attr(frame, "terms"), "response")
  call <- stats::getCall(fit)
  terms <- c(
    list(
      flist = lme4::getME(fit, "flist"), cnms = lme4::getME(fit, "cnms"),
      Gp = lme4::getME(fit, "Gp"), lower = lme4::getME(fit, "lower")
    ),
    structured_terms(fit)
  )
  devfun <- lme4::getME(fit, "devfun")
  rho <- environment(devfun)
  rho$lower <- terms$lower
  rho$pp <- methods::slot(fit, "pp")$copy()
  rho$resp <- lme4::mkRespMod(frame, REML = criterion)
  devfun <- lean_deviance(devfun)
  ready <- environment(devfun)
  n_fixed <- ncol(lme4::getME(fit, "X"))

  optimize_lmer <- with_known_options(lme4::optimizeLmer)
  last_response <- NULL
  plain <- !settings$restart_edge && settings$boundary_tol == 0
  upper <- if (is.null(terms$upper)) Inf else terms$upper

  optimise <- function(response, start, derivatives = FALSE) {
    # refit() takes responses of the rows used; a missing value is an error there too.
    if (anyNA(response)) stop("NA in response", call. = FALSE)
    last_response <<- response
    ready$begin(response)
    if (plain && is.double(start) && length(start) == length(terms$lower)) {
      # What is left of optimizeLmer() then.
      return(environment(optimize_lmer)$optwrap(settings$optimizer, devfun, start,
        lower = terms$lower, upper = upper, control = settings$options, adj = FALSE, verbose = 0L,
        calc.derivs = derivatives
      ))
    }
    optimize_lmer(devfun,
      optimizer = settings$optimizer, restart_edge = settings$restart_edge,
      boundary.tol = settings$boundary_tol, start = start,
      calc.derivs = derivatives, control = settings$options
    )
  }
  estimates <- function(optimum) estimates_at(optimum, ready, n_fixed)
  as_fit <- function(optimum, checked = NULL) {
    frame[[response_column]] <- last_response
    lme4::mkMerMod(rho, optimum, terms, frame, call, checked)
  }
  environment()
}

#' The estimates at an optimum, as mkMerMod() computes them
#'
#' @param rho The environment of the deviance function.
estimates_at <- function(optimum, rho, n_fixed) {
  n_rows <- length(rho$resp$y)
  deviance <- rho$resp$wrss() + rho$pp$sqrL(1)
  variance <- deviance / n_rows
  if (rho$resp$REML != 0L) variance <- variance * (n_rows / (n_rows - n_fixed))
  list(
    beta = rho$pp$beta(1), theta = rho$pp$theta, parameters = optimum$par,
    sigma = sqrt(variance)
  )
}

#' A function that carries out a call of lmer() in lmer()'s own steps, with less work
#'
#' The steps are those of lme4's help page "modular".
#'
#' @param control A control object; its derivatives are not computed.
#' @param fits Is `as_fit()` wanted? Without it there is less to do.
#' @return NULL if the control asks for something that only lmer() does; otherwise a
#'   function of a call (whose control is called `.control`) and its environment. It
#'   returns the `optimum`, the `estimates`, lower bounds, and `as_fit()`.
stepwise_lmer <- function(control, fits = TRUE) {
  if (length(control$optimizer) != 1L || isTRUE(control$use.last.params)) {
    return(NULL)
  }
  optimize_lmer <- with_known_options(lme4::optimizeLmer)
  make_devfun <- if (fits) lme4::mkLmerDevfun else light_devfun()
  lean <- NA
  function(call, env) {
    parse <- call
    parse[[1L]] <- quote(lme4::lFormula)
    parse$start <- NULL
    parts <- eval_lformula(parse, env)
    call$formula <- parts$formula
    parts$formula <- NULL
    start <- eval(call$start, env)
    devfun <- do.call(make_devfun, c(parts, list(start = start, control = control)))
    rho <- environment(devfun)
    devfun <- lean_deviance(devfun, lean)
    ready <- environment(devfun)
    lean <<- ready$is_lean
    optimum <- optimize_lmer(devfun,
      optimizer = control$optimizer, restart_edge = control$restart_edge,
      boundary.tol = control$boundary.tol, start = start, calc.derivs = FALSE,
      control = control$optCtrl
    )
    checked <- check_convergence(optimum, control$checkConv, rho$lower)
    list(
      optimum = optimum, checked = checked, lower = rho$lower,
      estimates = estimates_at(optimum, ready, ncol(parts$X)), columns = colnames(parts$X),
      groups = parts$reTrms$cnms,
      as_fit = if (fits) function() {
        lme4::mkMerMod(rho, optimum, parts$reTrms, parts$fr, call, checked)
      }
    )
  }
}

#' What mkMerMod() of lme4 2.0 and later also needs
structured_terms <- function(fit) {
  if ("getReCovs" %in% getNamespaceExports("lme4")) {
    namespace <- asNamespace("lme4")
    list(reCovs = namespace$getReCovs(fit), upper = namespace$getUpper(fit))
  }
}

#' Is a parameter on the boundary, as R's convergence check sees it?
on_boundary <- function(parameters, lower) {
  # In a generalized model the fixed effects follow.
  any(parameters[which(lower == 0)] < 1e-4)
}

#' A function of estimates that gives standard deviations, correlations and sigma on the scale of
#' R's intervals
#'
#' @param fit The fit that the estimates are a refit of; for the estimates see `refitter()`.
variance_reader <- function(fit) {
  of_profile <- asNamespace("lme4")$convParToProfPar
  scaled <- has_scale(fit)
  sizes <- lengths(lme4::getME(fit, "cnms"))
  # In a generalized model the standard deviations are not in units of the scale.
  generalized <- lme4::isGLMM(fit)
  function(estimates) {
    sigma <- if (scaled) estimates$sigma
    if (!is.null(of_profile)) {
      return(of_profile(estimates$parameters, fit, profscale = "sdcor", sc = sigma))
    }
    if (generalized) {
      c(as.vector(lme4::Cv_to_Sv(estimates$theta, n = sizes)), sigma)
    } else {
      as.vector(lme4::Cv_to_Sv(estimates$theta, n = sizes, s = sigma))
    }
  }
}

#' Does the model estimate a scale? Binomial and Poisson models do not.
has_scale <- function(fit) lme4::getME(fit, "devcomp")$dims[["useSc"]] == 1L

#' The estimates of a fit, in the form of `refitter()`'s
estimates_of <- function(fit) {
  list(
    beta = unname(lme4::getME(fit, "beta")), theta = unname(lme4::getME(fit, "theta")),
    parameters = methods::slot(fit, "optinfo")$val, sigma = stats::sigma(fit)
  )
}
