# What R gives where it is asked otherwise: the causes of differences from other software.

#' Operation: tests of the fixed effects with as many degrees of freedom as there are residuals
#'
#' @param conf_level Of the intervals.
#' @param terms,df Coefficients, and other degrees of freedom for them.
#' @return Columns of a test over the estimated coefficients, and their names.
tests_by_residuals <- function(model, conf_level, terms = NULL, df = NULL) {
  fit <- model$fit
  estimate <- lme4::fixef(fit)
  std_error <- sqrt(diag(as.matrix(stats::vcov(fit))))
  by <- rep(as.double(stats::nobs(fit) - length(estimate)), length(estimate))
  by[match(terms, names(estimate))] <- df
  statistic <- estimate / std_error
  half <- stats::qt((1 + conf_level) / 2, by) * std_error
  list(
    terms = names(estimate), reference = NULL, estimate = as.double(estimate), std_error = as.double(std_error),
    df = by, statistic = as.double(statistic),
    p_value = as.double(2 * stats::pt(-abs(statistic), by)),
    conf_low = as.double(estimate - half), conf_high = as.double(estimate + half)
  )
}

#' Operation: the log-likelihood without the terms that no parameter moves
#'
#' Those are of the weights in linear models, and of the saturated model in generalized ones.
#'
#' @return `log_likelihood`, `deviance`, `aic` and `bic`.
likelihood_without_constants <- function(model) {
  fit <- model$fit
  whole <- stats::logLik(fit)
  if (lme4::isLMM(fit)) {
    value <- as.double(whole) - sum(log(stats::weights(fit))) / 2
  } else {
    parts <- lme4::getME(fit, "devcomp")$cmp
    rest <- sum(stats::residuals(fit, type = "deviance")^2)
    value <- -(parts[["ldL2"]] + parts[["ussq"]] + rest) / 2
  }
  moved <- 2 * (as.double(whole) - value)
  list(
    log_likelihood = value, deviance = -2 * value,
    aic = as.double(stats::AIC(fit)) + moved, bic = as.double(stats::BIC(fit)) + moved
  )
}

#' Operation: the criterion of a model where its variances are others
#'
#' @param std_devs,correlations Of the random effects, in the order of VarCorr().
#' @param sigma The residual standard deviation; one if there is none.
#' @param fixed The fixed effects of a generalized model, whose criterion depends on them.
#' @return The criterion `there` and at the `optimum`; NULL where the covariances of the model have
#'   a structure of their own.
criterion_there <- function(model, std_devs, correlations, sigma, fixed = NULL) {
  fit <- model$fit
  sizes <- lengths(lme4::getME(fit, "cnms"))
  pairs <- sizes * (sizes - 1L) / 2L
  whole <- sum(sizes + pairs) == length(lme4::getME(fit, "theta"))
  if (!whole || length(std_devs) != sum(sizes) || length(correlations) != sum(pairs)) {
    return(NULL)
  }
  deviations <- in_groups(std_devs / sigma, sizes)
  theta <- Map(relative_factor, deviations, in_groups(as.double(correlations), pairs))
  deviance <- whole_deviance(fit)
  list(
    there = as.double(deviance(c(unlist(theta, use.names = FALSE), fixed))),
    optimum = as.double(lme4::getME(fit, "devcomp")$cmp[[if (lme4::isREML(fit)) "REML" else "dev"]])
  )
}

#' A lower triangular factor of a covariance, by columns
#'
#' `theta_of()` refuses correlations that no covariance has; printed ones, which are rounded, may be
#' such, and are taken to the nearest here.
relative_factor <- function(std_devs, correlations) {
  given <- diag(std_devs, length(std_devs))
  given[lower.tri(given)] <- correlations
  root <- square_root(covariance_of(given))
  factor <- t(qr.R(qr(t(root))))
  factor[lower.tri(factor, diag = TRUE)]
}
