# Simulated residuals: where each response stands among responses that the fitted model draws.

#' What the responses of a model are drawn from
#'
#' @return `family`, one of the names below, NULL where there is no distribution; `observed`, the
#'   response of the rows used, counts of successes of a binomial model; `mean` and `weights`.
response_distribution <- function(fit) {
  mixed <- methods::is(fit, "merMod")
  family <- sub("^Negative Binomial.*", "negative.binomial", stats::family(fit)$family)
  known <- c("gaussian", "binomial", "poisson", "Gamma", "inverse.gaussian", "negative.binomial")
  if (!family %in% known || methods::is(fit, "nlmerMod")) {
    stop("there are no simulated residuals of this model: it has no distribution to draw from (",
      if (family %in% known) "a nonlinear model" else family, ")",
      call. = FALSE
    )
  }
  frame <- stats::model.frame(fit)
  observed <- if (mixed) lme4::getME(fit, "y") else stats::model.response(frame)
  if (inherits(fit, "glm")) observed <- fit$y
  weights <- if (mixed) {
    methods::slot(fit, "resp")$weights
  } else if (inherits(fit, "glm")) {
    fit$prior.weights
  } else {
    stats::model.weights(frame)
  }
  weights <- if (is.null(weights)) rep(1, nrow(frame)) else as.vector(weights)
  if (family == "binomial") observed <- round(observed * weights)
  list(
    family = family, observed = as.vector(observed), weights = weights, mixed = mixed,
    mean = unname(without_missing(stats::fitted(fit))), sigma = stats::sigma(fit),
    size = if (family == "negative.binomial") dispersion_of_counts(fit)
  )
}

#' The size parameter of a negative binomial model, as its family has it
dispersion_of_counts <- function(fit) {
  family <- stats::family(fit)
  if (is.null(family$getTheta)) environment(family$variance)$.Theta else family$getTheta()
}

#' The mean square of Pearson's residuals; sigma() of lme4 has a penalty in it
mean_square <- function(own, observed, mean) {
  power <- if (own$family == "Gamma") 2 else 3
  mean(own$weights * (observed - mean)^2 / mean^power)
}

#' Draws of an inverse Gaussian distribution (Michael, Schucany and Haas 1976)
draw_inverse_gaussian <- function(n, mean, shape) {
  squared <- stats::rnorm(n)^2
  ratio <- mean * squared / (2 * shape)
  # The smaller root of a quadratic, without cancellation.
  root <- mean / (1 + ratio + sqrt(ratio^2 + 2 * ratio))
  ifelse(stats::runif(n) <= mean / (mean + root), root, mean^2 / root)
}

#' Draws of the distribution at its mean, or at another
draw_at_mean <- function(own, n_sim, mean = own$mean) {
  n <- length(mean) * n_sim
  mean <- rep(mean, n_sim)
  weights <- rep(own$weights, n_sim)
  scale <- if (own$family %in% c("Gamma", "inverse.gaussian")) mean_square(own, own$observed, own$mean)
  switch(own$family,
    gaussian = stats::rnorm(n, mean, own$sigma / sqrt(weights)),
    binomial = stats::rbinom(n, weights, mean),
    poisson = stats::rpois(n, mean),
    negative.binomial = stats::rnbinom(n, mu = mean, size = own$size),
    Gamma = stats::rgamma(n, shape = weights / scale, rate = weights / scale / mean),
    inverse.gaussian = draw_inverse_gaussian(n, mean, weights / scale)
  )
}

#' Probabilities of responses below, and up to, each response
response_probabilities <- function(own, observed, mean) {
  whole <- own$family %in% c("binomial", "poisson", "negative.binomial")
  scale <- if (own$family %in% c("Gamma", "inverse.gaussian")) mean_square(own, observed, mean)
  up_to <- function(y) {
    switch(own$family,
      gaussian = stats::pnorm(y, mean, own$sigma / sqrt(own$weights)),
      binomial = stats::pbinom(y, own$weights, mean),
      poisson = stats::ppois(y, mean),
      negative.binomial = stats::pnbinom(y, mu = mean, size = own$size),
      Gamma = stats::pgamma(y, own$weights / scale, own$weights / scale / mean),
      inverse.gaussian = {
        shape <- own$weights / scale
        root <- sqrt(shape / y)
        stats::pnorm(root * (y / mean - 1)) +
          exp(2 * shape / mean + stats::pnorm(-root * (y / mean + 1), log.p = TRUE))
      }
    )
  }
  # Rounding takes a sum of two probabilities beyond one.
  found <- pmin(up_to(observed), 1)
  list(below = if (whole) up_to(observed - 1) else found, up_to = found)
}

#' Responses that the fitted model draws at the estimated random effects
#'
#' By R's simulate() where it draws from the model: lme4's has another scale for an inverse Gaussian,
#' before 1.1-36 for a Gamma too, forgets the weights of a linear model, and before 1.1-36 takes the
#' random effects of other rows where some were left out; R's own needs SuppDists for an inverse
#' Gaussian.
#'
#' @return A matrix with a column for each simulation; of a binomial model counts of successes.
drawn_responses <- function(fit, own, n_sim) {
  by_hand <- own$family == "inverse.gaussian" ||
    own$mixed && (own$family == "Gamma" || own$family == "gaussian" && any(own$weights != 1) ||
      !is.null(stats::na.action(stats::model.frame(fit))))
  if (by_hand) {
    return(matrix(draw_at_mean(own, n_sim), ncol = n_sim))
  }
  drawn <- if (own$mixed) {
    stats::simulate(fit, nsim = n_sim, use.u = TRUE)
  } else {
    simulated(fit, n_sim)
  }
  n <- length(own$mean)
  drawn <- vapply(used_rows(as.list(drawn), fit), function(values) {
    # Successes, then failures; shares of successes, where the data have shares.
    if (length(values) == 2L * n) values[seq_len(n)] else values
  }, numeric(n))
  shares <- own$family == "binomial" && any(own$weights != 1) && NCOL(stats::model.response(stats::model.frame(fit))) == 1L
  matrix(if (shares) round(drawn * own$weights) else drawn, ncol = n_sim)
}

#' Shares between two others, at random where these differ
between_shares <- function(below, up_to) {
  tied <- which(below != up_to)
  below[tied] <- stats::runif(length(tied), below[tied], up_to[tied])
  below
}

#' The share of draws below each response, at random among those that are equal to it
#'
#' These are the scaled residuals of the package DHARMa (Hartig 2016).
#'
#' @param drawn A matrix with a column for each simulation.
residuals_among <- function(observed, drawn) {
  between_shares(rowMeans(drawn < observed), rowMeans(drawn <= observed))
}

#' Simulated residuals of other data that the model draws, their random effects estimated anew
#'
#' What residuals of a true model look like: with few rows in a group its estimated effect follows
#' the rows, and their residuals are smaller than draws around it. For fixed parameters one
#' evaluation of the deviance estimates the effects; the draws that a residual is counted among are
#' binomial.
#'
#' @param n_draws How many data sets.
#' @param n_sim Among how many draws each residual is.
#' @return A list of data sets, each with `mean` and `residuals`; without those that failed.
reference_residuals <- function(fit, own, n_draws, n_sim) {
  anew <- if (own$mixed) means_anew(fit) else function(response) own$mean
  spread <- if (own$mixed) Matrix::t(lme4::getME(fit, "A"))
  if (own$mixed && own$family == "gaussian") spread <- spread * own$sigma
  fixed <- if (own$mixed) fixed_part(fit)
  inverse_link <- stats::family(fit)$linkinv
  found <- lapply(seq_len(n_draws), function(i) {
    mean <- own$mean
    if (own$mixed) {
      mean <- inverse_link(fixed + as.vector(spread %*% stats::rnorm(ncol(spread))))
    }
    response <- draw_at_mean(own, 1L, mean)
    mean <- anew(if (own$family == "binomial") response / own$weights else response)
    if (is.null(mean)) {
      return(NULL)
    }
    at <- response_probabilities(own, response, mean)
    n <- length(response)
    below <- stats::rbinom(n, n_sim, at$below)
    rest <- pmin((at$up_to - at$below) / (1 - at$below), 1)
    equal <- stats::rbinom(n, n_sim - below, ifelse(is.finite(rest), rest, 1))
    list(mean = mean, residuals = between_shares(below / n_sim, (below + equal) / n_sim))
  })
  Filter(Negate(is.null), found)
}

#' A function that estimates the random effects for another response, and gives its fitted values
means_anew <- function(fit) {
  deviance <- deviance_function(list(fit = fit))
  function(response) {
    resp <- environment(deviance$deviance$f)$resp
    tryCatch(
      {
        resp$setResp(response)
        if (is.finite(deviance$deviance$f(deviance$values))) as.vector(resp$mu) + 0
      },
      error = function(condition) {
        deviance$deviance$renew()
        NULL
      }
    )
  }
}

#' A band that holds whole curves, not their points one by one
#'
#' The directional quantile envelope of Myllymaki et al. (2017): pointwise quantiles of the drawn
#' curves, moved apart until they hold the wanted share of these curves from end to end.
#'
#' @param curves A row for each place, a column for each draw.
#' @return `low` and `high` at each place.
curve_band <- function(curves, conf_level) {
  middle <- rowMeans(curves)
  ends <- apply(curves, 1L, stats::quantile, probs = c(0.025, 0.975), names = FALSE)
  above <- pmax(ends[2L, ] - middle, 1e-9)
  below <- pmax(middle - ends[1L, ], 1e-9)
  away <- pmax((curves - middle) / above, (middle - curves) / below)
  largest <- sort(apply(away, 2L, max))
  n <- length(largest)
  factor <- largest[min(n, ceiling(conf_level * (n + 1)))]
  list(low = middle - factor * below, high = middle + factor * above)
}

#' A smooth line at some places of the order of a variable
#'
#' Over ranks, so that the lines of other data have the same places; without robust iterations, which
#' lay most of a Bernoulli response aside.
smooth_over_ranks <- function(x, values, places) {
  smooth <- stats::lowess(rank(x), values, iter = 0L)
  stats::approx(smooth$x, smooth$y, places, rule = 2, ties = mean)$y
}

#' Operation: simulated residuals, and what is drawn of them
#'
#' @param n_sim How many responses each is compared with.
#' @param n_draws How many data sets the band is of.
#' @return Over the rows used `residuals`, `from_middle` (their distances from the middle) and
#'   `fitted`; `quantiles`, `location` and `spread`, each of `x`, `y`, `low` and `high`: up to 200 of
#'   the sorted residuals at their uniform quantiles, and smooth lines along the fitted values
#'   through the residuals and through their distances from the middle. The band holds all three at
#'   once.
simulated_residuals <- function(model, n_sim, n_draws, seed, conf_level) {
  fit <- model$fit
  own <- response_distribution(fit)
  with_seed(seed, {
    residuals <- residuals_among(own$observed, drawn_responses(fit, own, n_sim))
    draws <- reference_residuals(fit, own, n_draws, n_sim)
  })
  n <- length(residuals)
  places <- unique(round(seq(1, n, length.out = min(n, 200L))))
  along <- unique(round(seq(1, n, length.out = min(n, 50L))))
  curves_of <- function(one) {
    c(
      sort(one$residuals)[places], smooth_over_ranks(one$mean, one$residuals, along),
      smooth_over_ranks(one$mean, from_middle(one$residuals), along)
    )
  }
  curves <- curves_of(list(mean = own$mean, residuals = residuals))
  band <- curve_band(vapply(draws, curves_of, curves), conf_level)
  part <- rep(c("quantiles", "location", "spread"), c(length(places), rep(length(along), 2L)))
  x <- c((places - 0.5) / n, rep(sort(own$mean)[along], 2L))
  pictures <- lapply(split(seq_along(part), part), function(at) {
    list(
      x = x[at], y = curves[at], low = pmax(band$low[at], 0), high = pmin(band$high[at], 1)
    )
  })
  c(
    list(residuals = residuals, from_middle = from_middle(residuals), fitted = own$mean), pictures
  )
}

#' How far a simulated residual is from the middle: uniform, as it is
from_middle <- function(residuals) abs(2 * residuals - 1)
