# A fast path: what lmerTest adds to a fit for Satterthwaite's method, for less work.
#
# lmerTest builds the whole model again to get its deviance function, and then asks it
# for each point of a numerical Hessian and a Jacobian, although where only sigma moves
# nothing else changes. Here the deviance function is the fit's own, on copies of what
# it changes, and is asked once for each theta. Points, arithmetic, warnings and the
# object are lmerTest's and numDeriv's own. See code_marks.R for what this relies on.

#' lmerTest's version of a fit, as as_lmerModLmerTest() makes it
#'
#' @param model A model environment.
#' @param lazy See `deviance_by_theta()`.
fast_lmertest <- function(model, lazy = deviance_by_theta(model$fit)) {
  covariance <- fixed_covariance_of(model)
  namespace <- asNamespace("lmerTest")
  complete <- with_functions(namespace$as_lmerModLT, list(
    devfun_vp = lazy$deviance, get_covbeta = lazy$covariance, vcov = function(object) covariance
  ))
  convert <- with_functions(namespace$as_lmerModLmerTest, list(
    as_lmerModLT = complete,
    # The only call that it evaluates is that of lmer() for a deviance function, and the only
    # function that it takes by its package is lmerControl(), for that call.
    eval = function(...) lazy$devfun, `::` = function(package, name) list
  ))
  convert(model$fit)
}

#' May lmerTest's version of a fit be made the fast way?
fast_lmertest_applies <- function(fit) {
  identical(class(fit), structure("lmerMod", package = "lme4")) && as_known("Satterthwaite's degrees of freedom")
}

#' lmerTest's functions of theta and sigma, which ask the deviance once for each theta
#'
#' @param fit A linear mixed model; it stays as it is.
#' @return A list: `devfun`, lme4's deviance function on copies of the fit's state, and
#'   `deviance` and `covariance`, which stand for lmerTest's devfun_vp() and get_covbeta().
deviance_by_theta <- function(fit) {
  devfun <- lme4::getME(fit, "devfun")
  rho <- environment(devfun)
  n <- nrow(rho$pp$V)
  # These are not changed, and can be large.
  rho$pp <- copied_state(rho$pp, c("X", "Zt"), c("ldL2", "sqrL", "RX", "RXi"))
  rho$resp <- copied_state(rho$resp, character(), "wrss")
  list(
    devfun = devfun,
    deviance = profiled_deviance(devfun, rho$pp, rho$resp, n),
    covariance = fixed_covariance_at(devfun, rho$pp)
  )
}

#' The same functions on a machine of refit.R, whose state is that of the fit
#'
#' @param machine See `refitter()`; it is left at another theta.
deviance_on_machine <- function(machine) {
  ready <- machine$ready
  pp <- list(
    ldL2 = machine$rho$pp$ldL2, sqrL = ready$pp$sqrL, # nolint: lme4's names
    RX = machine$rho$pp$RX, RXi = machine$rho$pp$RXi # nolint: lme4's names
  )
  if (ready$is_lean) {
    pp$ldL2 <- function() .Call(ready$merPredDldL2, ready$predictor)
  }
  list(
    devfun = machine$devfun,
    deviance = profiled_deviance(machine$devfun, pp, ready$resp, nrow(machine$rho$pp$V)),
    covariance = fixed_covariance_at(machine$devfun, pp)
  )
}

#' The deviance, or REML criterion, as a function of theta and sigma
#'
#' @param n The number of observations.
profiled_deviance <- function(devfun, pp, resp, n) {
  known <- new.env(parent = emptyenv())
  parts_at <- function(theta, reml) {
    key <- paste(sprintf("%a", theta), collapse = " ")
    found <- known[[key]]
    if (is.null(found)) {
      devfun(theta)
      found <- list(log_det = pp$ldL2(), squares = resp$wrss() + pp$sqrL(1))
      if (reml) {
        factor <- pp$RX()
        found$fixed <- 2 * c(determinant(factor)$modulus)
        found$n_fixed <- ncol(factor)
      }
      assign(key, found, envir = known)
    }
    found
  }
  function(varpar, devfun, reml) {
    last <- length(varpar)
    variance <- varpar[last]^2
    at <- parts_at(varpar[-last], reml)
    deviance <- at$log_det + at$squares / variance + n * log(2 * pi * variance)
    if (!reml) {
      return(deviance)
    }
    deviance + at$fixed - at$n_fixed * log(2 * pi * variance)
  }
}

#' The covariance of the fixed effects as a function of theta and sigma
#'
#' All points at which only sigma moves have the first theta.
fixed_covariance_at <- function(devfun, pp) {
  first <- first_product <- NULL
  function(varpar, devfun) {
    last <- length(varpar)
    theta <- varpar[-last]
    product <- first_product
    if (is.null(first) || !identical(theta, first)) {
      devfun(theta)
      product <- tcrossprod(pp$RXi())
      if (is.null(first)) {
        first <<- theta
        first_product <<- product
      }
    }
    varpar[last]^2 * product
  }
}

#' The table of fixed effects that lmerTest's summary has, without the rest of it
#'
#' Each row is a contrast that picks one coefficient, one variance and its gradient.
#'
#' @param fit lmerTest's version of a fit.
#' @return The table; NULL where that may not be what lmerTest gives.
fast_satterthwaite_table <- function(fit) {
  estimate <- lme4::fixef(fit)
  covariance <- methods::slot(fit, "vcov_beta")
  spread <- methods::slot(fit, "vcov_varpar")
  jacobians <- methods::slot(fit, "Jac_list")
  numbers <- c(estimate, covariance, spread, unlist(jacobians))
  if (length(estimate) == 0L || !all(is.finite(numbers)) || !as_known("Satterthwaite's table")) {
    return(NULL)
  }
  variance <- diag(covariance)
  gradients <- do.call(cbind, lapply(jacobians, diag))
  squares <- apply(gradients, 1L, function(x) sum(x * (spread %*% x)))
  std_error <- sqrt(variance)
  df <- 2 * variance^2 / squares
  statistic <- estimate / std_error
  p_value <- 2 * stats::pt(abs(statistic), df = df, lower.tail = FALSE)
  table <- cbind(estimate, std_error, df, statistic, p_value)
  if (!all(is.finite(table))) {
    return(NULL)
  }
  dimnames(table) <- list(names(estimate), c("Estimate", "Std. Error", "df", "t value", "Pr(>|t|)"))
  table
}

#' lmerTest's summary, from lme4's and the table
#'
#' @param model A model environment.
#' @return The summary; NULL where that may not be what lmerTest gives.
fast_satterthwaite_summary <- function(model) {
  fit <- lmertest_fit(model)
  table <- if (!is.null(model$matrices$fixed)) fast_satterthwaite_table(fit)
  made <- if (!is.null(table)) fast_lme4_summary(model, with_given_call(model, model$fit))
  if (is.null(made)) {
    return(NULL)
  }
  made$coefficients <- table
  made$objClass <- class(fit)
  made$methTitle <- paste0(made$methTitle, ". t-tests use Satterthwaite's method")
  class(made) <- c("summary.lmerModLmerTest", class(made))
  made
}
