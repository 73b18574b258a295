# What R gives where it is asked otherwise: the causes of differences from other software.

#' Operation: tests of the fixed effects with as many degrees of freedom as there are residuals
#'
#' @param conf_level Of the intervals.
#' @return Columns of a test over the estimated coefficients, and their names.
tests_by_residuals <- function(model, conf_level) {
  fit <- model$fit
  estimate <- lme4::fixef(fit)
  std_error <- sqrt(diag(as.matrix(stats::vcov(fit))))
  df <- stats::nobs(fit) - length(estimate)
  statistic <- estimate / std_error
  half <- stats::qt((1 + conf_level) / 2, df) * std_error
  list(
    terms = names(estimate), reference = NULL, estimate = as.double(estimate), std_error = as.double(std_error),
    df = rep(as.double(df), length(estimate)), statistic = as.double(statistic),
    p_value = as.double(2 * stats::pt(-abs(statistic), df)),
    conf_low = as.double(estimate - half), conf_high = as.double(estimate + half)
  )
}

#' Operation: the criterion of a linear model where its variances are others
#'
#' @param std_devs,correlations Of the random effects, in the order of VarCorr().
#' @param sigma The residual standard deviation.
#' @return The criterion `there` and at the `optimum`; NULL where the covariances of the model have
#'   a structure of their own.
criterion_there <- function(model, std_devs, correlations, sigma) {
  fit <- model$fit
  sizes <- lengths(lme4::getME(fit, "cnms"))
  pairs <- sizes * (sizes - 1L) / 2L
  whole <- sum(sizes + pairs) == length(lme4::getME(fit, "theta"))
  if (!whole || length(std_devs) != sum(sizes) || length(correlations) != sum(pairs)) {
    return(NULL)
  }
  of <- function(counts) factor(rep(seq_along(counts), counts), seq_along(counts))
  theta <- Map(
    relative_factor, split(std_devs / sigma, of(sizes)), split(as.double(correlations), of(pairs))
  )
  deviance <- lme4::getME(isolated_fit(fit), "devfun")
  list(
    there = as.double(deviance(unlist(theta, use.names = FALSE))),
    optimum = as.double(lme4::getME(fit, "devcomp")$cmp[[if (lme4::isREML(fit)) "REML" else "dev"]])
  )
}

#' A lower triangular factor of a covariance, by columns
relative_factor <- function(std_devs, correlations) {
  correlation <- diag(length(std_devs))
  correlation[lower.tri(correlation)] <- correlations
  correlation <- correlation + t(correlation) - diag(length(std_devs))
  root <- square_root(correlation * tcrossprod(std_devs))
  factor <- t(qr.R(qr(t(root))))
  factor[lower.tri(factor, diag = TRUE)]
}
