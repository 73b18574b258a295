.VARIABLE. <- local({
  beta <- na.omit(coef(.FIT.))
  estimate <- drop(.WEIGHTS. %*% beta)
  std_error <- sqrt(diag(.WEIGHTS. %*% vcov(.FIT., complete = FALSE) %*% t(.WEIGHTS.)))
  statistic <- (estimate - .RHS.) / std_error
  df <- .DF.
  half <- qt((1 + .LEVEL.) / 2, df) * std_error
  data.frame(
    Estimate = estimate, "Std. Error" = std_error, df = df, "t value" = statistic,
    lower = estimate - half, upper = estimate + half,
    "Pr(>|t|)" = 2 * pt(abs(statistic), df, lower.tail = FALSE), check.names = FALSE
  )
})
