# Figures of models whose numbers are given with labels in Python. Plain R: nothing here knows of
# pymer_bridge; what is by label there is by position here, in R's order.

suppressMessages(library(lme4))

split_plot <- lmer(angle ~ recipe * temp + (1 | recipe:replicate), cake)
joint <- rbind(c(0, 0, 0, 0, 1, 0), c(0, 0, 0, 0, 0, 1))
single <- c(0, -1, 1, 0, 0, 0)

tested <- function() {
  fit <- lmerTest::as_lmerModLmerTest(split_plot)
  both <- lmerTest::contest(fit, joint)
  one <- lmerTest::contest(fit, matrix(single, 1), joint = FALSE, rhs = 2)
  c(both[["NumDF"]], both[["F value"]], one[["Estimate"]], one[["t value"]])
}

compared <- function() {
  compared <- pbkrtest::KRmodcomp(split_plot, joint)$test["Ftest", ]
  c(compared[["ndf"]], compared[["stat"]])
}

contrasted <- function() {
  means <- suppressMessages(emmeans::emmeans(split_plot, "recipe"))
  pairs <- suppressMessages(emmeans::emmeans(split_plot, c("recipe", "temp"), at = list(temp = c(175, 225))))
  within <- suppressMessages(
    emmeans::emmeans(split_plot, "recipe", by = "temp", at = list(temp = c(175, 225)))
  )
  estimates <- function(grid, weights) {
    summary(emmeans::contrast(grid, method = list(d = weights)))$estimate
  }
  c(
    estimates(means, c(1, -1, 0)), estimates(pairs, c(1, 0, 0, 0, -1, 0)),
    estimates(within, c(-1, 1, 0))
  )
}

coded <- function() {
  codes <- matrix(c(-1, -1, 2, -1, 1, 0), 3, dimnames = list(NULL, c("C.others", "B.A")))
  fit <- lmer(angle ~ recipe + (1 | recipe:replicate), cake, contrasts = list(recipe = codes))
  fixef(fit)
}

#' @param weights,offset,keep One for each row of sleepstudy, in its order.
#' @param rows The order in which the rows are fitted.
weighted <- function(weights, offset, keep, rows) {
  shuffled <- sleepstudy[rows, ]
  shuffled$w <- weights[rows]
  shuffled$o <- offset[rows]
  shuffled$k <- as.logical(keep)[rows]
  fit <- lmer(Reaction ~ Days + (1 | Subject), shuffled, weights = w, offset = o, subset = k)
  c(sigma(fit), fixef(fit))
}

refitted <- function(response) {
  fit <- lmer(Reaction ~ Days + (1 | Subject), sleepstudy)
  sigma(refit(fit, response))
}

# -- new data ------------------------------------------------------------------------------------

#' Data with a predictor of each kind
kinds <- function() {
  set.seed(20)
  n <- 240
  data <- data.frame(
    x = round(rnorm(n), 3), n = sample(0:9, n, TRUE), flag = runif(n) > 0.5,
    dose = factor(sample(c(1, 2, 10), n, TRUE), c(10, 1, 2)),
    grade = factor(sample(c("low", "mid", "top"), n, TRUE), ordered = TRUE),
    word = factor(sample(c("lo", "hi"), n, TRUE)), truth = factor(sample(c(TRUE, FALSE), n, TRUE)),
    id = factor(rep(c("100000", "100001", "101", "7"), each = 60)),
    day = as.POSIXct("2026-01-01", tz = "UTC") + 86400 * sample(0:20, n, TRUE)
  )
  data$y <- data$x + data$n / 10 + data$flag + as.integer(data$dose) + rnorm(n) + rnorm(4)[data$id]
  data
}
kinds_data <- kinds()
kinds_fit <- lmer(
  y ~ x + n + flag + dose + grade + word + truth + as.numeric(day) + (1 | id), kinds_data
)
kinds_lm <- lm(y ~ x + n + flag + dose + word, kinds_data)
kinds_new <- data.frame(
  x = c(0.5, -1), n = c(1L, 0L), flag = c(TRUE, FALSE), dose = factor(c("1", "10"), c(10, 1, 2)),
  grade = factor(c("top", "low"), c("low", "mid", "top"), ordered = TRUE), word = c("lo", "hi"),
  truth = factor(c("TRUE", "FALSE")), id = c("100000", "101"),
  day = as.POSIXct(c("2026-01-03", "2026-01-09"), tz = "UTC")
)

columns_of_kinds <- function() {
  as_list <- lapply(kinds_data, function(x) if (is.factor(x)) as.character(x) else as.vector(x))
  as_list$day <- as.double(kinds_data$day)
  as_list
}

predicted_kinds <- function() {
  list(
    all = unname(predict(kinds_fit, kinds_new)),
    population = unname(predict(kinds_fit, kinds_new, re.form = NA)),
    lm = unname(predict(kinds_lm, kinds_new)),
    simulated = suppressWarnings(unname(simulate(kinds_fit, 1, seed = 3, newdata = kinds_new)[[1L]]))
  )
}

#' Marginal means of `word`, with each of the others held
means_of_kinds <- function() {
  estimates <- function(...) {
    held <- list(...)
    suppressMessages(summary(emmeans::emmeans(kinds_fit, "word", at = held, lmer.df = "asymptotic")))$emmean
  }
  list(
    dose = estimates(dose = "10"), flag = estimates(flag = TRUE), x = estimates(x = 0.5),
    n = estimates(n = 1), truth = estimates(truth = "TRUE"), grade = estimates(grade = "top")
  )
}
