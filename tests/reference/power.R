# Responses of designs, and loops over them, as users of R write them. Plain R: nothing here knows
# of pymer_bridge.

suppressMessages(library(lme4))

crossed <- function(subjects = 8, items = 6) {
  d <- expand.grid(
    cond = factor(c("a", "b")), item = factor(sprintf("item%d", seq_len(items))),
    subject = factor(sprintf(if (subjects > 9) "subject%02d" else "subject%d", seq_len(subjects)))
  )
  d$group <- factor(c("x", "y")[(as.integer(d$subject) - 1) %% 2 + 1])
  d
}

coded <- function() {
  d <- crossed()
  contrasts(d$cond) <- contr.sum(2)
  contrasts(d$group) <- contr.helmert(2)
  d
}

timed <- function() {
  d <- expand.grid(time = 0:4, subject = factor(sprintf("subject%02d", 1:12)))
  d$time <- as.double(d$time)
  d
}

slopes <- as.vector(Sv_to_Cv(c(80, 0.2, 30, 120), n = 2L, s = 120))

designs <- list(
  slopes = list(
    right = ~ cond + (cond | subject) + (1 | item), data = crossed(),
    parameters = list(
      beta = c(`(Intercept)` = 600, condb = 60),
      theta = c(slopes, 25 / 120), sigma = 120
    )
  ),
  groups = list(
    right = ~ cond * group + (1 | subject), data = coded(),
    parameters = list(
      beta = c(`(Intercept)` = 10, cond1 = 1, group1 = 0.5, `cond1:group1` = -0.5),
      theta = 1 / 2, sigma = 2
    )
  ),
  apart = list(
    right = ~ time + (time || subject), data = timed(),
    parameters = list(
      beta = c(`(Intercept)` = 0, time = 0.3), theta = c(1, 0.25), sigma = 1
    )
  ),
  odds = list(
    right = ~ cond + (1 | subject), data = crossed(), family = binomial,
    parameters = list(beta = c(`(Intercept)` = -0.5, condb = 1), theta = 0.8)
  ),
  counts = list(
    right = ~ time + (time | subject), data = timed(), family = poisson,
    parameters = list(
      beta = c(`(Intercept)` = 1, time = 0.1), theta = as.vector(Sv_to_Cv(c(0.4, -0.3, 0.1), n = 2L))
    )
  )
)

drawn <- function(name, n, seed) {
  design <- designs[[name]]
  arguments <- list(design$right,
    nsim = n, seed = seed, newdata = design$data, newparams = design$parameters
  )
  if (!is.null(design$family)) arguments$family <- design$family
  lapply(as.list(suppressMessages(do.call(simulate, arguments))), as.double)
}

quietly <- function(fit) suppressMessages(suppressWarnings(fit))

#' One row for each response: p-value, estimate, standard error, df, statistic, singular, converged
loop <- function(name, n, seed, fit_one, rows = NULL) {
  design <- designs[[name]]
  found <- lapply(drawn(name, n, seed), function(y) {
    d <- design$data
    d$y <- y
    if (!is.null(rows)) d <- d[rows, ]
    fit_one(d)
  })
  do.call(rbind, found)
}

ended <- function(fit) {
  c(isSingular(fit), is.null(fit@optinfo$conv$lme4$code) && fit@optinfo$conv$opt == 0)
}

with_response <- function(name) update(designs[[name]]$right, y ~ .)

by_t <- function(name, n, seed, term, ddf, rows = NULL) {
  loop(name, n, seed, function(d) {
    fit <- quietly(lmerTest::lmer(with_response(name), d))
    row <- coef(summary(fit, ddf = ddf))[term, ]
    c(row[["Pr(>|t|)"]], row[["Estimate"]], row[["Std. Error"]], row[["df"]], row[["t value"]], ended(fit))
  }, rows)
}

by_z <- function(name, n, seed, term) {
  loop(name, n, seed, function(d) {
    family <- designs[[name]]$family
    fit <- quietly(if (is.null(family)) {
      lmer(with_response(name), d)
    } else {
      glmer(with_response(name), d, family = family)
    })
    row <- coef(summary(fit))[term, ]
    z <- row[[3]]
    p <- if (is.null(family)) 2 * pnorm(abs(z), lower.tail = FALSE) else row[["Pr(>|z|)"]]
    c(p, row[["Estimate"]], row[["Std. Error"]], Inf, z, ended(fit))
  })
}

by_contrast <- function(name, n, seed, weights, ddf) {
  loop(name, n, seed, function(d) {
    fit <- quietly(lmerTest::lmer(with_response(name), d))
    row <- lmerTest::contest(fit, weights, joint = FALSE, ddf = ddf)
    c(row[["Pr(>|t|)"]], row[["Estimate"]], row[["Std. Error"]], row[["df"]], row[["t value"]], ended(fit))
  })
}

by_contrast_z <- function(name, n, seed, weights) {
  loop(name, n, seed, function(d) {
    fit <- quietly(lmer(with_response(name), d))
    estimate <- sum(weights * fixef(fit))
    error <- sqrt(sum(weights * as.vector(as.matrix(vcov(fit)) %*% weights)))
    c(2 * pnorm(abs(estimate / error), lower.tail = FALSE), estimate, error, Inf, estimate / error, ended(fit))
  })
}

by_term <- function(name, n, seed, term, ddf) {
  loop(name, n, seed, function(d) {
    fit <- quietly(lmerTest::lmer(with_response(name), d))
    row <- anova(fit, ddf = ddf)[term, ]
    c(row[["Pr(>F)"]], NA, NA, row[["DenDF"]], row[["F value"]], ended(fit))
  })
}

#' A likelihood ratio test; `term` names the coefficient that the models differ in, or is NULL
by_ratio <- function(name, n, seed, smaller, term) {
  loop(name, n, seed, function(d) {
    family <- designs[[name]]$family
    models <- lapply(list(with_response(name), smaller), function(formula) {
      quietly(if (is.null(family)) {
        lmer(formula, d, REML = FALSE)
      } else {
        glmer(formula, d, family = family)
      })
    })
    table <- anova(models[[2]], models[[1]])
    own <- if (is.null(term)) c(NA, NA) else coef(summary(models[[1]]))[term, 1:2]
    all_ended <- ended(models[[1]])[2] && ended(models[[2]])[2]
    c(table[["Pr(>Chisq)"]][2], own, table[["Df"]][2], table[["Chisq"]][2], ended(models[[1]])[1], all_ended)
  })
}

#' What is counted of p-values and estimates
figures <- function(p, estimate, truth, alpha, conf_level) {
  rejected <- p < alpha
  exact <- binom.test(sum(rejected), length(p), conf.level = conf_level)
  wrong <- sum(sign(estimate[rejected]) != sign(truth)) / sum(rejected)
  list(
    power = unname(exact$estimate), conf_low = exact$conf.int[1], conf_high = exact$conf.int[2],
    estimate = mean(estimate), bias = mean(estimate) - truth, type_s = wrong,
    type_m = mean(abs(estimate[rejected])) / abs(truth)
  )
}

coverage <- function(estimate, error, df, truth, alpha) {
  half <- qt(1 - alpha / 2, df) * error
  mean(estimate - half <= truth & truth <= estimate + half)
}
