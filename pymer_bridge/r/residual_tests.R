# Tests of scaled residuals, by DHARMa or as it has them, and what is drawn of them.

#' Operation: a test of scaled residuals
#'
#' @param simulated See `scaled_residuals()`.
#' @param test A name of `our_tests`.
#' @param type,margin,n_boot Of outliers, as DHARMa has them.
#' @param seed For a test that draws.
test_of_residuals <- function(simulated, test, alternative, type, margin, n_boot, seed) {
  asked <- list(alternative = alternative)
  if (test == "outliers") asked <- c(asked, list(type = type, margin = margin, nBoot = n_boot))
  found <- with_seed(seed, tested_residuals(simulated, test, asked))
  interval <- as.double(found$conf.int)
  list(
    statistic = as.double(found$statistic), p_value = as.double(found$p.value),
    estimate = if (!is.null(found$estimate)) as.double(found$estimate),
    conf_low = if (length(interval)) interval[1L], conf_high = if (length(interval)) interval[2L],
    method = trimws(found$method)
  )
}

#' What a test gives: an htest, or what has the same parts
tested_residuals <- function(simulated, test, asked = list(alternative = "two.sided")) {
  if (simulated$ours) {
    return(our_tests[[test]](simulated$found, asked))
  }
  name <- c(
    uniformity = "testUniformity", dispersion = "testDispersion", outliers = "testOutliers",
    zero_inflation = "testZeroInflation"
  )[[test]]
  # By a symbol, which it writes out.
  eval(
    as.call(c(list(getExportedValue("DHARMa", name), quote(found)), asked, list(plot = FALSE))),
    list(found = simulated$found)
  )
}

#' DHARMa's tests, of what `our_residuals()` gives
our_tests <- list(
  uniformity = function(found, asked) {
    suppressWarnings(
      stats::ks.test(found$scaledResiduals, stats::punif, alternative = asked$alternative)
    )
  },
  dispersion = function(found, asked) {
    if (found$refit) {
      sums <- apply(found$refittedPearsonResiduals^2, 2L, sum)
      observed <- sum(stats::residuals(found$fittedModel, type = "pearson")^2)
      return(among_simulated(sums, observed, asked, "sum of squared Pearson residuals, of models fitted anew"))
    }
    expected <- stats::sd(found$simulatedResponse)^2
    compared_summary(found, asked, "variance around fitted values, simulated", function(response) {
      stats::var(response - found$fittedPredictedResponse) / expected
    })
  },
  zero_inflation = function(found, asked) {
    compared_summary(found, asked, "number of zeros, simulated", function(response) sum(response == 0))
  },
  outliers = function(found, asked) {
    type <- asked$type
    if (is.null(type) || type == "default") {
      type <- if (found$integerResponse && found$nObs <= 500L) "bootstrap" else "binomial"
    }
    asked <- utils::modifyList(list(margin = "both", nBoot = 100), asked)
    if (type == "binomial") {
      binomial_outliers(found, asked$alternative, asked$margin)
    } else {
      bootstrapped_outliers(found, asked$alternative, asked$margin, min(asked$nBoot, found$nSim))
    }
  }
)

#' A test that a figure of the response is among those of the simulated ones
compared_summary <- function(found, asked, method, figure) {
  among_simulated(apply(found$simulatedResponse, 2L, figure), figure(found$observedResponse), asked, method)
}

among_simulated <- function(simulated, observed, asked, method) {
  list(
    statistic = observed / mean(simulated), method = paste("Simulation test:", method),
    p.value = simulated_p_value(simulated, observed, asked$alternative)
  )
}

simulated_p_value <- function(simulated, observed, alternative) {
  low <- mean(simulated <= observed)
  high <- mean(simulated >= observed)
  switch(alternative,
    greater = high,
    less = low,
    min(min(low, high) * 2, 1)
  )
}

#' Outliers by the binomial distribution: responses beyond all that were simulated
binomial_outliers <- function(found, alternative, margin) {
  beyond <- 1 / (found$nSim + 1)
  low <- sum(found$scaledResiduals < beyond)
  high <- sum(found$scaledResiduals > 1 - beyond)
  stats::binom.test(switch(margin,
    both = low + high,
    upper = high,
    lower = low
  ), found$nObs, p = beyond * if (margin == "both") 2 else 1, alternative = alternative)
}

#' Outliers by setting simulated responses among the others
bootstrapped_outliers <- function(found, alternative, margin, n_boot) {
  share <- function(residuals) {
    ends <- c(lower = mean(residuals == 0), upper = mean(residuals == 1))
    if (margin == "both") ends[["upper"]] + ends[["lower"]] else ends[[margin]]
  }
  draws <- if (found$refit) found$refittedResiduals else found$simulatedResponse
  smoothed <- identical(found$method, "traditional")
  shares <- vapply(seq_len(n_boot), function(i) {
    among <- draws[, sample(seq_len(found$nSim)[-i], found$nSim, replace = TRUE), drop = FALSE]
    share(if (smoothed) {
      among_smoothed(among, draws[, i], found$integerResponse)
    } else {
      among_draws(among, draws[, i])
    })
  }, 0)
  outliers <- share(found$scaledResiduals)
  list(
    statistic = outliers * found$nObs, p.value = simulated_p_value(shares, outliers, alternative),
    estimate = outliers, conf.int = stats::quantile(shares, c(0.025, 0.975), names = FALSE),
    method = "Bootstrapped outlier test"
  )
}

#' Operation: tests of quantiles of scaled residuals along fitted values or a predictor, by qgam
#'
#' @param along The name of a predictor; NULL for the fitted values.
#' @param quantiles Which.
quantile_tests <- function(model, simulated, along, quantiles, seed) {
  x <- values_for_residuals(model, simulated, along)
  found <- with_seed(seed, DHARMa::testQuantiles(simulated$found, x, quantiles, plot = FALSE))
  list(p_values = as.double(found$pvals), p_value = as.double(found$p.value))
}

#' What residuals are drawn along: fitted values, or a predictor
values_for_residuals <- function(model, simulated, along) {
  if (is.null(along)) {
    return(simulated$found$fittedPredictedResponse)
  }
  values <- predictor_values(model)[[along]]
  if (is.character(values) || is.logical(values)) as.factor(values) else values
}

#' Operation: what the two panels of scaled residuals show
#'
#' @param along As of `quantile_tests()`.
#' @return `quantiles`, the sorted residuals; of three tests the `p_values` and what DHARMa `said`s
#'   of each; `x`, ranks of what the residuals are along, or numbers of `levels`; `lines` along it,
#'   of quantiles with standard errors, or a smoothing spline; and what is `found` along it.
residual_panels <- function(model, simulated, along, seed) {
  residuals <- simulated$found$scaledResiduals
  tests <- with_seed(seed, lapply(c("uniformity", "outliers", "dispersion"), function(test) {
    tested_residuals(simulated, test)$p.value
  }))
  p_values <- as.double(unlist(tests))
  values <- values_for_residuals(model, simulated, along)
  x <- if (is.factor(values)) values else rank(values) / max(rank(values))
  few <- length(unique(x))
  if (few == 1L || few < 10L && length(x) / few > 10) {
    levels <- if (is.factor(values)) levels(droplevels(values)) else format(sort(unique(values)), digits = 3L, trim = TRUE)
    x <- droplevels(as.factor(x))
  }
  seen <- if (is.factor(x)) {
    by_level(residuals, x)
  } else if (length(x) > 2000L || simulated$ours) {
    smooth_along(residuals, x)
  } else {
    with_seed(seed, quantiles_along(residuals, x))
  }
  c(list(
    quantiles = sort(residuals), expected = (seq_along(residuals) - 0.5) / length(residuals),
    residuals = residuals, p_values = p_values,
    said = ifelse(p_values < 0.05, "significant", "n.s."),
    x = if (is.factor(x)) as.double(as.integer(x)) else as.double(x), levels = if (is.factor(x)) levels
  ), seen)
}

#' What DHARMa says of residuals within levels: uniformity within, and Levene's test between
by_level <- function(residuals, level) {
  p_values <- stats::p.adjust(vapply(split(residuals, level), function(mine) {
    suppressWarnings(stats::ks.test(mine, stats::punif))$p.value
  }, 0))
  said <- paste("Within-group deviation from uniformity", if (any(p_values < 0.05)) "significant" else "n.s.")
  if (nlevels(level) > 1L) {
    away <- abs(residuals - stats::ave(residuals, level, FUN = stats::median))
    p_value <- stats::anova(stats::lm(away ~ level))[["Pr(>F)"]][1L]
    said <- c(said, paste("Levene test for homogeneity of variance", if (isTRUE(p_value < 0.05)) "significant" else "n.s."))
  }
  list(found = said, lines = list())
}

#' A smoothing spline, where DHARMa draws one
smooth_along <- function(residuals, x) {
  smooth <- tryCatch(stats::smooth.spline(x, residuals, df = 10), error = function(condition) NULL)
  list(found = character(), lines = if (is.null(smooth)) list() else list(list(x = smooth$x, y = smooth$y)))
}

#' Lines of quantiles, by qgam, with their standard errors
quantiles_along <- function(residuals, x) {
  wanted <- c(0.25, 0.5, 0.75)
  tested <- DHARMa::testQuantiles(residuals, x, wanted, plot = FALSE)
  table <- tested$predictions
  significant <- tested$pvals < 0.05
  said <- if (is.na(tested$p.value)) {
    "Some quantile regressions failed"
  } else if (any(significant)) {
    c("Quantile deviations detected", paste(
      "Combined adjusted quantile test", if (tested$p.value <= 0.05) "significant" else "n.s."
    ))
  } else {
    "No significant problems detected"
  }
  list(found = said, lines = lapply(which(!is.na(tested$pvals)), function(i) {
    middle <- table[[2L * i]]
    error <- table[[2L * i + 1L]]
    list(
      x = table$pred, y = middle, low = middle - error, high = middle + error,
      quantile = wanted[i], significant = significant[i]
    )
  }))
}
