# 1,000 replicates of 24 subjects by 12 items, as users' loops do it: simulate(), lmer(), summary().

suppressMessages(library(lmerTest))

n <- as.integer(commandArgs(TRUE)[1])
d <- expand.grid(
  item = factor(sprintf("item%02d", 1:12)), subject = factor(sprintf("subject%02d", 1:24))
)
d$x <- rep(c(0, 1), length.out = nrow(d))
theta <- c(as.vector(lme4::Sv_to_Cv(c(30, 0.2, 12, 30), n = 2L, s = 30)), 10 / 30)
parameters <- list(beta = c(`(Intercept)` = 300, x = 20), theta = theta, sigma = 30)
drawn <- suppressMessages(simulate(
  ~ x + (x | subject) + (1 | item),
  nsim = n, seed = 1, newdata = d, newparams = parameters
))
p <- vapply(drawn, function(y) {
  d$y <- y
  fit <- suppressMessages(suppressWarnings(lmer(y ~ x + (x | subject) + (1 | item), d)))
  coef(summary(fit))["x", "Pr(>|t|)"]
}, 1)
cat(mean(p < 0.05), "\n")
