# Figures of models without random effects, written out by hand. Plain R: nothing here knows of
# pymer_bridge.
#
#   Rscript --vanilla linear.R ANSWERS STATE DATA
#
# writes a list to the file ANSWERS (saveRDS): for each model, by name, what R gives of it. DATA is a
# folder of data frames as raw memory (data.R).

arguments <- commandArgs(trailingOnly = TRUE)
script <- sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE))
source(file.path(dirname(script), "data.R"))
for (path in list.dirs(arguments[3L], recursive = FALSE)) assign(basename(path), read_frame(path))

models <- list(
  crossed = lm(y ~ a * b + x, unbalanced),
  sums = lm(y ~ a * b, unbalanced, contrasts = list(a = "contr.sum", b = "contr.sum")),
  weighted = lm(y ~ a + x, gaps, weights = w, subset = x > 1, na.action = na.exclude),
  shifted = lm(y ~ a * x, unbalanced, offset = log(w)),
  aliased = lm(y ~ a + x + twice, unbalanced),
  odd = lm(y ~ `a b` * `x/y`, odd),
  curved = lm(y ~ poly(x, 2) + a, unbalanced),
  through = lm(y ~ 0 + a + x, unbalanced),
  trials = glm(cbind(hits, misses) ~ a * b, binomial, unbalanced),
  shares = glm(share ~ a + x, binomial, unbalanced, weights = n),
  counts = glm(count ~ a * b + x, poisson, unbalanced, offset = log(w)),
  overdispersed = glm(count ~ a * b, quasipoisson, unbalanced),
  shared = glm(cbind(hits, misses) ~ a + x, quasibinomial, unbalanced),
  gamma = glm(size ~ a * b, Gamma("log"), gaps, na.action = na.exclude),
  normal = glm(y ~ a + b, gaussian, unbalanced),
  aliased_counts = glm(count ~ a + x + twice, poisson, unbalanced),
  negative = glm(count ~ a * b, MASS::negative.binomial(2), unbalanced),
  levels = glm(hit ~ a + x, binomial, unbalanced)
)

#' A table as plain vectors, and as R prints it; what stops or warns is told instead
table_of <- function(expression) {
  said <- character()
  table <- tryCatch(
    withCallingHandlers(expression, warning = function(w) {
      said <<- c(said, conditionMessage(w))
      invokeRestart("muffleWarning")
    }, message = function(m) invokeRestart("muffleMessage")),
    error = function(e) NULL
  )
  if (is.null(table)) {
    return(list(stopped = TRUE))
  }
  list(
    rows = rownames(table), columns = colnames(table),
    values = unlist(lapply(table, as.double), use.names = FALSE),
    text = paste(capture.output(print(table)), collapse = "\n"), warned = length(said)
  )
}

with_broom <- requireNamespace("broom", quietly = TRUE)
with_car <- requireNamespace("car", quietly = TRUE)
quietly <- function(expression) suppressWarnings(suppressMessages(expression))

tables <- function(fit) {
  linear <- !inherits(fit, "glm")
  found <- list()
  for (test in if (linear) "F" else c("LRT", "F", "Rao")) {
    found[[paste("I", test)]] <- table_of(if (linear) anova(fit) else anova(fit, test = test))
    found[[paste("drop1", test)]] <- table_of(drop1(fit, test = test))
  }
  if (with_car) {
    for (type in c("II", "III")) {
      for (test in if (linear) "F" else c("LR", "F", "Wald")) {
        found[[paste(type, test)]] <- table_of(
          if (linear) car::Anova(fit, type = type) else car::Anova(fit, type = type, test.statistic = test)
        )
      }
    }
  }
  found
}

#' Hypotheses on the second and the last coefficient: together, and one by one
hypotheses <- function(fit) {
  beta <- coef(fit)[!is.na(coef(fit))]
  weights <- rbind(first = replace(0 * beta, 2, 2), second = replace(0 * beta, length(beta), -1))
  by_t <- colnames(coef(summary(fit)))[3] == "t value"
  df <- if (by_t) df.residual(fit) else Inf
  se <- sqrt(diag(weights %*% vcov(fit, complete = FALSE) %*% t(weights)))
  estimate <- drop(weights %*% beta)
  statistic <- (estimate - 0.5) / se
  half <- qt(0.95, df) * se
  list(
    joint = if (with_car) {
      table_of(car::linearHypothesis(fit, weights,
        rhs = c(0.5, 0.5), test = if (by_t) "F" else "Chisq", singular.ok = TRUE
      ))
    },
    single = c(estimate, se, rep(df, 2), statistic,
      2 * pt(abs(statistic), df, lower.tail = FALSE), estimate - half, estimate + half)
  )
}

ends <- function(found) c(matrix(found, ncol = 2))

cases <- function(fit) {
  measures <- influence.measures(fit)
  used <- rownames(measures$infmat) %in% rownames(model.frame(fit))
  list(
    # Where the subset is NA, R invents a row.
    rows = unlist(lapply(
      list(hatvalues(fit), rstudent(fit), rstandard(fit), cooks.distance(fit)),
      function(values) values[names(values) %in% rownames(gaps)]
    )),
    measures = measures$infmat[used, ], influential = apply(measures$is.inf, 1, any)[used]
  )
}

#' The fit to another response of the rows that it uses
refitted <- function(fit, response, rows) {
  data <- eval(getCall(fit)$data)
  data$other <- if (is.matrix(response)) matrix(NA_real_, nrow(data), 2) else NA_real_
  place <- match(rows, rownames(data))
  if (is.matrix(response)) {
    data$other[place, ] <- response
  } else {
    data$other[place] <- if (is.factor(response)) response != levels(response)[1] else response
  }
  quietly(update(fit, other ~ ., data = data))
}

#' Coefficients, and of a linear model sigma before them, of refits
estimates <- function(fit, refits) {
  known <- names(coef(fit))[!is.na(coef(fit))]
  t(vapply(refits, function(again) {
    c(if (!inherits(fit, "glm")) sigma(again), coef(again)[known])
  }, numeric(length(known) + !inherits(fit, "glm"))))
}

bootstraps <- function(fit) {
  # simulate() draws wrongly for na.exclude; and MASS must be attached for its family.
  used <- quietly(update(fit, na.action = na.omit))
  rows <- rownames(model.frame(used))
  found <- list()
  drawn <- table_of(simulate(used, 1))
  if (!is.null(drawn$stopped)) {
    return(list())
  }
  drawn <- simulate(used, 3, seed = 4)
  found$simulated <- unlist(lapply(drawn, as.double), use.names = FALSE)
  set.seed(5)
  drawn <- simulate(used, 3)
  found$parametric <- estimates(fit, lapply(drawn, function(y) refitted(fit, y, rows)))
  set.seed(5)
  sampled <- lapply(1:3, function(i) sample.int(length(rows), replace = TRUE))
  data <- eval(getCall(fit)$data)
  found$case <- estimates(fit, lapply(sampled, function(i) {
    quietly(update(fit, data = data[match(rows[i], rownames(data)), ]))
  }))
  if (inherits(fit, "glm")) {
    return(found)
  }
  weights <- if (is.null(weights(used))) 1 else weights(used)
  centre <- fitted(used)
  rest <- residuals(used)
  reflated <- rest * sqrt(weights) - mean(rest * sqrt(weights))
  reflated <- reflated * (sigma(used) / sqrt(mean(reflated^2)))
  draws <- list(
    semiparametric = function() centre + sample(rest, replace = TRUE),
    residual = function() centre + sample(reflated, replace = TRUE) / sqrt(weights),
    wild = function() {
      centre + rest / (1 - hatvalues(used)) * sample(c(-1, 1), length(rest), replace = TRUE)
    }
  )
  for (kind in names(draws)) {
    set.seed(5)
    drawn <- replicate(3, draws[[kind]](), simplify = FALSE)
    found[[kind]] <- estimates(fit, lapply(drawn, function(y) refitted(fit, y, rows)))
  }
  found
}

#' The tables of broom: numbers by column, in its order
broomed <- function(fit) {
  fit <- quietly(update(fit, na.action = na.omit))
  numbers <- function(table) {
    list(names = names(table), values = unlist(lapply(table, as.double), use.names = FALSE))
  }
  rows <- broom::augment(fit)
  list(
    tidy = numbers(broom::tidy(fit, conf.int = TRUE, conf.level = 0.9)[-1]),
    glance = numbers(broom::glance(fit)),
    augment = numbers(rows[startsWith(names(rows), ".") & names(rows) != ".rownames"])
  )
}

library(MASS)
answers <- lapply(models, function(fit) {
  list(
    tables = tables(fit), hypotheses = hypotheses(fit), cases = quietly(cases(fit)),
    confint = ends(quietly(confint(fit, level = 0.9))),
    one = ends(quietly(confint(fit, names(coef(fit))[2]))),
    wald = ends(confint.default(fit)), vcov = c(vcov(fit)),
    r2 = c(summary(fit)$r.squared, summary(fit)$adj.r.squared), bootstraps = bootstraps(fit),
    exponentials = unname(exp(coef(fit))), broom = if (with_broom) quietly(broomed(fit))
  )
})

# -- comparisons -----------------------------------------------------------------------------------

complete <- gaps[!is.na(gaps$x), ]
small <- lm(y ~ a, complete)
middle <- update(small, . ~ . + x)
large <- update(middle, . ~ . + b * a)
counted <- glm(count ~ a, poisson, unbalanced)
more <- update(counted, . ~ . + b)
over <- update(counted, family = quasipoisson)
answers$comparisons <- list(
  two = table_of(anova(small, large)), three = table_of(anova(small, middle, large)),
  turned = table_of(anova(large, small)), counts = table_of(anova(counted, more, test = "LRT")),
  score = table_of(anova(counted, more, test = "Rao")),
  over = table_of(anova(over, update(more, family = quasipoisson), test = "F"))
)
saveRDS(answers, arguments[1L])
