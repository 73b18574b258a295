# Simulated residuals as DHARMa computes them, and the models they are of. Plain R: nothing here
# knows of pymer_bridge.

suppressMessages(library(lme4))

gaps <- cbpp
gaps$incidence[c(4, 9)] <- NA
cbpp$share <- cbpp$incidence / cbpp$size
cbpp$sick <- as.numeric(cbpp$incidence > 0)
cbpp$state <- factor(ifelse(cbpp$incidence > 0, "sick", "well"), levels = c("well", "sick"))

models <- list(
  trials = quote(glmer(cbind(incidence, size - incidence) ~ period + (1 | herd), cbpp, binomial)),
  shares = quote(glmer(share ~ period + (1 | herd), cbpp, binomial, weights = size)),
  zeros_and_ones = quote(glmer(sick ~ period + (1 | herd), cbpp, binomial)),
  levels = quote(glmer(state ~ period + (1 | herd), cbpp, binomial)),
  gaps = quote(glmer(cbind(incidence, size - incidence) ~ period + (1 | herd), gaps, binomial,
    na.action = na.exclude
  )),
  counts = quote(glmer(incidence ~ period + (1 | herd), cbpp, poisson, offset = log(size))),
  negative_binomial = quote(glmer(incidence ~ period + (1 | herd), cbpp, MASS::negative.binomial(2))),
  times = quote(glmer(Reaction ~ Days + (1 | Subject), sleepstudy, Gamma("log"))),
  linear = quote(lmer(Reaction ~ Days + (1 | Subject), sleepstudy)),
  plain_trials = quote(glm(cbind(incidence, size - incidence) ~ period, binomial, cbpp)),
  plain_shares = quote(glm(share ~ period, binomial, cbpp, weights = size)),
  plain_gaps = quote(glm(cbind(incidence, size - incidence) ~ period, binomial, gaps,
    na.action = na.exclude
  )),
  plain_counts = quote(glm(incidence ~ period, poisson, cbpp, offset = log(size))),
  plain_times = quote(glm(Reaction ~ Days, Gamma("log"), sleepstudy)),
  straight = quote(lm(Reaction ~ Days, sleepstudy))
)

#' DHARMa::createDHARMa(), of simulate(use.u = TRUE), row by row
dharma <- function(name, seed) {
  fit <- suppressMessages(suppressWarnings(eval(models[[name]])))
  before <- .GlobalEnv$.Random.seed
  on.exit(if (!is.null(before)) .GlobalEnv$.Random.seed <- before)
  set.seed(seed)
  frame <- model.frame(fit)
  observed <- model.response(frame)
  trials <- if (is.matrix(observed)) rowSums(observed) else 1
  if (is.matrix(observed)) observed <- observed[, 1L]
  if (is.factor(observed)) observed <- as.numeric(observed) - 1
  if (grepl("shares", name)) {
    trials <- cbpp$size
    observed <- round(observed * trials)
  }
  if (name == "times") {
    # lme4 before 1.1-36 draws with another shape.
    mean <- fitted(fit)
    shape <- 1 / mean((observed - mean)^2 / mean^2)
    simulations <- matrix(rgamma(250 * 180, shape = shape, rate = shape / rep(mean, 250)), 180)
  } else if (name == "gaps") {
    # simulate() of lme4 takes other rows' random effects before 1.1-35.4, and stops from 2.0 on.
    simulations <- matrix(rbinom(250 * 54, trials, na.omit(fitted(fit))), 54)
  } else {
    drawn <- if (isS4(fit)) {
      simulate(fit, nsim = 250, use.u = TRUE)
    } else {
      # Of rows that na.exclude left out simulate() of a glm draws from the wrong weights.
      if (!is.null(fit$na.action)) class(fit$na.action) <- "omit"
      simulate(fit, nsim = 250)
    }
    simulations <- sapply(drawn, function(one) {
      if (is.matrix(one)) one[, 1L] else if (is.factor(one)) as.numeric(one) - 1 else one
    })
    if (grepl("shares", name)) simulations <- round(simulations * trials)
  }
  residuals <- rep(NA_real_, length(observed))
  for (i in seq_along(observed)) {
    low <- mean(simulations[i, ] < observed[i])
    high <- mean(simulations[i, ] <= observed[i])
    residuals[i] <- if (low == high) low else runif(1, low, high)
  }
  fitted <- fitted(fit)
  list(residuals = residuals, fitted = unname(fitted[!is.na(fitted)]))
}

#' What plot() of a glm draws of its residuals: without robust iterations
smooth_of_quasi <- function() {
  fit <- glm(cbind(incidence, size - incidence) ~ period + herd, quasibinomial, cbpp)
  lowess(fitted(fit), residuals(fit, "pearson"), iter = 0)
}
