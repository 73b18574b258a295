.VARIABLE. <- local({
  likelihood <- sapply(.MODELS., function(fit) as.vector(logLik(fit)))
  k <- sapply(.MODELS., function(fit) attr(logLik(fit), "df"))
  n <- sapply(.MODELS., nobs)
  found <- data.frame(
    df = k, logLik = likelihood, AIC = sapply(.MODELS., AIC),
    AICc = -2 * likelihood + 2 * k * (n / (n - k - 1)), BIC = sapply(.MODELS., BIC)
  )
  for (name in c("AIC", "AICc", "BIC")) {
    difference <- found[[name]] - min(found[[name]])
    found[paste0(name, c(".diff", ".weight"))] <- list(
      difference, exp(-0.5 * difference) / sum(exp(-0.5 * difference))
    )
  }
  found$RMSE <- sapply(.MODELS., function(fit) {
    sqrt(mean(residuals(fit, type = "response")^2, na.rm = TRUE))
  })
  found
})
