# Plain R's figures of the classic fit, every bit of them; knows nothing of this package.
fit <- lme4::lmer(Reaction ~ Days + (Days | Subject), lme4::sleepstudy)
figures <- list(
  estimate = unname(lme4::fixef(fit)), std_error = unname(sqrt(diag(as.matrix(vcov(fit))))),
  sigma = sigma(fit), theta = unname(lme4::getME(fit, "theta")),
  log_likelihood = as.numeric(logLik(fit)), fitted = unname(fitted(fit))
)
for (name in names(figures)) cat(name, sprintf("%a", figures[[name]]), "\n")
