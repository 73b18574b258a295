# Tests by heteroscedasticity-consistent errors, as coeftest() of lmtest makes them.
.VARIABLE. <- local({
  covariance <- sandwich::vcovHC(.FIT., type = .KIND.)
  beta <- na.omit(coef(.FIT.))
  error <- sqrt(diag(covariance))
  statistic <- as.vector(beta) / error
  df <- .DF.
  tail <- (1 - .LEVEL.) / 2
  ends <- .QUANTILE.
  tests <- data.frame(beta = as.vector(beta), SE = error, tstat = statistic, row.names = names(beta))
  tests$p_val <- .P_VALUE.
  if (is.finite(df)) tests$df <- rep(df, length(beta))
  intervals <- data.frame(CI_L = beta + error * ends[1], CI_U = beta + error * ends[2])
  list(tests = tests, intervals = intervals)
})
