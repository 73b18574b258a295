# Scaled residuals and tests by DHARMa, and as their documentation defines them. Plain R: nothing here
# knows of pymer_bridge.

suppressMessages(library(lme4))

gaps <- sleepstudy
gaps$Reaction[c(3, 50)] <- NA
gaps$late <- factor(gaps$Days > 4, labels = c("no", "yes"))
cake$moist <- cake$angle > 30
cbpp$share <- cbpp$incidence / cbpp$size
cbpp$state <- factor(ifelse(cbpp$incidence > 0, "sick", "well"), levels = c("well", "sick"))

models <- list(
  slopes = quote(lmer(Reaction ~ Days + (Days | Subject), sleepstudy)),
  nested = quote(lmer(strength ~ 1 + (1 | batch / cask), Pastes)),
  gaps = quote(lmer(Reaction ~ Days + late + (1 | Subject), gaps)),
  singular = quote(lmer(Yield ~ 1 + (1 | Batch), Dyestuff2)),
  crossed = quote(lmer(diameter ~ 1 + (1 | plate) + (1 | sample), Penicillin)),
  trials = quote(glmer(cbind(incidence, size - incidence) ~ period + (1 | herd), cbpp, binomial)),
  counts = quote(glmer(incidence ~ period + scale(size) + (1 | herd), cbpp, poisson)),
  levels = quote(glmer(state ~ period + (1 | herd), cbpp, binomial)),
  shares = quote(glmer(share ~ period + (1 | herd), cbpp, binomial, weights = size)),
  line = quote(lm(Reaction ~ Days + late, gaps)),
  weighted = quote(lm(angle ~ recipe + temp, cake, weights = temp)),
  odds = quote(glm(moist ~ recipe + temp, binomial, cake)),
  ticks = quote(glm(TICKS ~ YEAR, poisson, grouseticks)),
  plain_counts = quote(glm(incidence ~ period, poisson, cbpp)),
  times = quote(glm(Reaction ~ Days, Gamma("log"), sleepstudy))
)

#' A model as R's simulate() and DHARMa take it: with na.exclude both take the wrong rows
drawn_from <- function(name) {
  name <- switch(name, excluded = "gaps", line_excluded = "line", name)
  suppressMessages(suppressWarnings(eval(models[[name]])))
}

#' Groups of the rows used
groups_of <- function(name) {
  frame <- model.frame(drawn_from(name))
  if (grepl("line", name)) gaps$Subject[!is.na(gaps$Reaction)] else if (name == "times") sleepstudy$Subject else frame[[ncol(frame)]]
}

#' DHARMa's residuals, as their documentation defines them, and its two simplest tests
defined <- function(name, seed, n_sim) {
  fit <- drawn_from(name)
  before <- .GlobalEnv$.Random.seed
  on.exit(if (!is.null(before)) .GlobalEnv$.Random.seed <- before)
  set.seed(seed)
  drawn <- simulate(fit, nsim = n_sim)
  frame <- model.frame(fit)
  numbers <- function(one) {
    if (is.matrix(one)) one[, 1] else if (is.factor(one)) as.numeric(one) - 1 else as.numeric(one)
  }
  trials <- if (name == "shares") cbpp$size else 1
  observed <- numbers(model.response(frame)) * trials
  simulated <- sapply(drawn, numbers) * trials
  residuals <- rep(NA, length(observed))
  for (i in seq_along(observed)) {
    low <- mean(simulated[i, ] < observed[i])
    high <- mean(simulated[i, ] <= observed[i])
    residuals[i] <- if (low == high) low else runif(1, low, high)
  }
  fitted <- unname(predict(fit, type = "response", re.form = NA))
  zeros <- colSums(simulated == 0)
  spread <- apply(simulated - fitted, 2, var) / var(as.vector(simulated))
  list(
    residuals = residuals, fitted = fitted, observed = unname(observed),
    uniformity = suppressWarnings(ks.test(residuals, punif))$p.value,
    zeros = sum(observed == 0) / mean(zeros),
    zeros_p = min(1, 2 * min(mean(zeros <= sum(observed == 0)), mean(zeros >= sum(observed == 0)))),
    rows = as.integer(rownames(frame))
  )
}

#' What DHARMa gives
dharma <- function(name, seed, n_sim, refit = FALSE, use_u = FALSE, grouped = FALSE) {
  if (!exists(".Random.seed", globalenv())) runif(1) # or else DHARMa draws once more
  fit <- drawn_from(name)
  how <- if (use_u) list(use.u = TRUE)
  made <- suppressMessages(suppressWarnings(do.call(
    DHARMa::simulateResiduals, c(list(fit, n = n_sim, refit = refit, seed = seed), how)
  )))
  if (grouped) made <- DHARMa::recalculateResiduals(made, group = groups_of(name), seed = seed)
  list(
    residuals = made$scaledResiduals, fitted = unname(made$fittedPredictedResponse),
    observed = unname(made$observedResponse), tests = dharma_tests(made)
  )
}

#' Each of DHARMa's tests: statistic, p-value, estimate, interval
dharma_tests <- function(made) {
  figures <- function(found) {
    c(found$statistic, found$p.value, if (length(found$estimate)) c(found$estimate, found$conf.int))
  }
  seeded <- function(...) {
    before <- .GlobalEnv$.Random.seed
    on.exit(.GlobalEnv$.Random.seed <- before)
    set.seed(5)
    figures(suppressMessages(DHARMa::testOutliers(made, ..., plot = FALSE)))
  }
  unlist(list(
    lapply(c("two.sided", "greater", "less"), function(side) {
      list(
        figures(DHARMa::testUniformity(made, alternative = side, plot = FALSE)),
        figures(DHARMa::testDispersion(made, alternative = side, plot = FALSE)),
        if (!made$refit) figures(DHARMa::testZeroInflation(made, alternative = side, plot = FALSE)),
        seeded(alternative = side)
      )
    }),
    seeded(type = "binomial", margin = "upper"), seeded(type = "bootstrap", margin = "lower", nBoot = 20)
  ), use.names = FALSE)
}

#' DHARMa's regressions of quantiles
dharma_quantiles <- function(name, seed) {
  fit <- drawn_from(name)
  made <- DHARMa::simulateResiduals(fit, n = 50, seed = seed)
  before <- .GlobalEnv$.Random.seed
  on.exit(.GlobalEnv$.Random.seed <- before)
  each <- lapply(list(NULL, sleepstudy$Days), function(x) {
    set.seed(seed)
    found <- DHARMa::testQuantiles(made, x, plot = FALSE)
    c(found$pvals, found$p.value)
  })
  unlist(each)
}

#' Responses that simulate() draws, as numbers, and what is seen of them
predictive <- function(name, seed, n_sim) {
  fit <- drawn_from(name)
  numbers <- function(one) {
    if (is.matrix(one)) one[, 1] else if (is.factor(one)) as.numeric(one) - 1 else as.numeric(one)
  }
  trials <- if (name == "shares") cbpp$size else 1
  drawn <- sapply(simulate(fit, nsim = n_sim, seed = seed), function(one) round(numbers(one) * trials, 9))
  observed <- round(numbers(model.response(model.frame(fit))) * trials, 9)
  if (all(drawn %% 1 == 0)) {
    values <- min(observed, drawn):min(max(observed, drawn), min(observed, drawn) + 60)
    last <- values[length(values)]
    rows <- function(one) {
      c(sapply(values[-length(values)], function(value) sum(one == value)), sum(one >= last))
    }
    heights <- cbind(rows(observed), apply(drawn, 2, rows))
  } else {
    drawn <- sapply(simulate(fit, nsim = n_sim, seed = seed), as.numeric)
    observed <- as.numeric(model.response(model.frame(fit)))
    width <- bw.nrd0(observed)
    ends <- range(observed, drawn) + c(-3, 3) * width
    values <- density(observed, bw = width, n = 256, from = ends[1], to = ends[2])$x
    heights <- apply(cbind(observed, drawn), 2, function(one) {
      density(one, bw = width, n = 256, from = ends[1], to = ends[2])$y
    })
  }
  beyond <- (1 - 0.9) / 2
  limits <- apply(heights[, -1], 1, quantile, c(beyond, 1 - beyond))
  list(
    places = as.numeric(values), observed = unname(heights[, 1]),
    simulated = as.vector(heights[, -1]), low = unname(limits[1, ]), high = unname(limits[2, ])
  )
}

#' What DHARMa draws along its predictions: regressions of quantiles, or a spline without them
panels <- function(name, seed, regressions) {
  if (!exists(".Random.seed", globalenv())) runif(1)
  before <- .GlobalEnv$.Random.seed
  on.exit(.GlobalEnv$.Random.seed <- before)
  made <- defined(name, seed, 50)
  x <- rank(made$fitted) / max(rank(made$fitted))
  if (regressions) {
    set.seed(5)
    table <- DHARMa::testQuantiles(made$residuals, x, plot = FALSE)$predictions
    return(list(x = table[[1]], y = unlist(table[c(2, 4, 6)]), residuals = made$residuals))
  }
  spline <- smooth.spline(x, made$residuals, df = 10)
  list(x = spline$x, y = spline$y, residuals = made$residuals)
}
