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
