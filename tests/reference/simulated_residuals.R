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
  residuals <- means <- rep(NA_real_, length(observed))
  for (i in seq_along(observed)) {
    low <- mean(simulations[i, ] < observed[i])
    high <- mean(simulations[i, ] <= observed[i])
    residuals[i] <- if (low == high) low else runif(1, low, high)
    means[i] <- (low + high) / 2
  }
  fitted <- fitted(fit)
  list(residuals = residuals, means = means, fitted = unname(fitted[!is.na(fitted)]))
}

#' Means at the levels of a predictor, or a natural spline along it, at 40 rows in its order
along <- function(name, predictor, by, seed) {
  means <- dharma(name, seed)$means
  frame <- model.frame(eval(models[[name]]))
  x <- frame[[predictor]]
  if (is.factor(x)) {
    return(list(x = seq_len(nlevels(x)), y = unname(c(tapply(means, x, mean)))))
  }
  parts <- if (by == "") list(rep(TRUE, length(x))) else split(seq_along(x), frame[[by]])
  each <- lapply(parts, function(rows) {
    mine <- x[rows]
    line <- qr.fitted(qr(cbind(1, splines::ns(mine, if (by == "") 4 else 3))), means[rows])
    at <- order(mine)[unique(round(seq(1, length(mine), length.out = 40)))]
    list(x = mine[at], y = line[at])
  })
  list(x = unlist(lapply(each, `[[`, "x")), y = unlist(lapply(each, `[[`, "y")))
}

#' The bins of arm::binnedplot(), as it is written there, with the binomial's standard error
bins <- function(name) {
  fit <- eval(models[[name]])
  x <- unname(fitted(fit))
  size <- weights(fit)
  y <- unname(residuals(fit, "response"))
  n <- length(x)
  nclass <- if (n >= 100) floor(sqrt(n)) else 10
  breaks.index <- floor(n * (1:(nclass - 1)) / nclass)
  breaks <- -Inf
  x.sort <- sort(x)
  for (i in 1:(nclass - 1)) {
    x.lo <- x.sort[breaks.index[i]]
    x.hi <- x.sort[breaks.index[i] + 1]
    breaks <- c(breaks, if (x.lo == x.hi) x.lo else (x.lo + x.hi) / 2)
  }
  group <- as.integer(cut(x, unique(c(breaks, Inf))))
  found <- sapply(sort(unique(group)), function(i) {
    rows <- which(group == i)
    c(mean(x[rows]), mean(y[rows]), 2 * sqrt(sum(x[rows] * (1 - x[rows]) / size[rows])) / length(rows))
  })
  list(x = found[1, ], y = found[2, ], limit = found[3, ])
}

#' What plot() of a glm draws of its residuals: without robust iterations
smooth_of_quasi <- function() {
  fit <- glm(cbind(incidence, size - incidence) ~ period + herd, quasibinomial, cbpp)
  lowess(fitted(fit), residuals(fit, "pearson"), iter = 0)
}
