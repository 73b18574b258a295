# Simulated residuals: where each response stands among responses that the fitted model draws.

#' What the responses of a model are drawn from
#'
#' @return `family`, one of the names below, NULL where there is no distribution; `observed`, the
#'   response of the rows used, counts of successes of a binomial model; `mean` and `weights`.
response_distribution <- function(fit) {
  mixed <- methods::is(fit, "merMod")
  family <- drawn_family(fit)
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

#' The family that responses are drawn from, without its parameters
drawn_family <- function(fit) {
  family <- sub("^Negative Binomial.*", "negative.binomial", stats::family(fit)$family)
  known <- c("gaussian", "binomial", "poisson", "Gamma", "inverse.gaussian", "negative.binomial")
  if (!family %in% known || methods::is(fit, "nlmerMod")) {
    stop("there are no simulated residuals of this model: it has no distribution to draw from (",
      if (family %in% known) "a nonlinear model" else family, ")",
      call. = FALSE
    )
  }
  family
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
  drawn <- if (own$mixed) simulated(fit, n_sim, use.u = TRUE) else simulated(fit, n_sim)
  numbers <- drawn_numbers(drawn, fit)
  if (own$family == "binomial") round(numbers) else numbers
}

#' Shares between two others, at random where these differ
between_shares <- function(below, up_to) {
  tied <- which(below != up_to)
  below[tied] <- stats::runif(length(tied), below[tied], up_to[tied])
  below
}

#' Residuals from the shares of draws below each response, and up to it
#'
#' @return `residuals`, at random between the shares: the scaled residuals of the package DHARMa
#'   (Hartig 2016); and their `means` over that randomness, of which smooth lines along predictors are.
residuals_between <- function(below, up_to) {
  list(residuals = between_shares(below, up_to), means = (below + up_to) / 2)
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
#' @return A list of data sets, each with `mean`, `residuals` and their `means`; without those that failed.
reference_residuals <- function(fit, own, n_draws, n_sim) {
  anew <- if (own$mixed) means_anew(fit) else function(response, eta) own$mean
  refitted <- if (own$mixed && own$family == "gaussian") NULL else fixed_effects_anew(fit, own)
  spread <- if (own$mixed) Matrix::t(lme4::getME(fit, "A"))
  if (own$mixed && own$family == "gaussian") spread <- spread * own$sigma
  fixed <- if (own$mixed) fixed_part(fit)
  inverse_link <- stats::family(fit)$linkinv
  found <- lapply(seq_len(n_draws), function(i) {
    eta <- if (own$mixed) fixed + as.vector(spread %*% stats::rnorm(ncol(spread)))
    response <- draw_at_mean(own, 1L, if (own$mixed) inverse_link(eta) else own$mean)
    share <- share_of_response(response, own)
    mean <- anew(share, eta)
    if (!is.null(refitted) && !is.null(mean)) mean <- refitted(share, mean)
    if (is.null(mean) || !all(is.finite(mean))) {
      return(NULL)
    }
    at <- response_probabilities(own, response, mean)
    n <- length(response)
    below <- stats::rbinom(n, n_sim, at$below)
    rest <- pmin((at$up_to - at$below) / (1 - at$below), 1)
    equal <- stats::rbinom(n, n_sim - below, ifelse(is.finite(rest), rest, 1))
    c(list(mean = mean), residuals_between(below / n_sim, (below + equal) / n_sim))
  })
  Filter(Negate(is.null), found)
}

#' A function that estimates the fixed effects for another response, at given random effects
#'
#' What a model estimates takes the trend along its predictors out of its residuals. The scores of
#' another response are brought to those of the fit, which Laplace's approximation leaves off zero.
fixed_effects_anew <- function(fit, own) {
  family <- stats::family(fit)
  estimates <- if (own$mixed) lme4::getME(fit, "beta") else stats::coef(fit)
  design <- stats::model.matrix(fit)[, !is.na(estimates), drop = FALSE]
  scores <- function(response, mean) {
    slope <- family$mu.eta(family$linkfun(mean))
    crossprod(design, own$weights * (response - mean) * slope / family$variance(mean))
  }
  wanted <- scores(share_of_response(own$observed, own), own$mean)
  function(response, mean) {
    start <- mean
    for (step in 1:3) {
      eta <- family$linkfun(mean)
      weights <- own$weights * family$mu.eta(eta)^2 / family$variance(mean)
      change <- tryCatch(
        solve(crossprod(design, weights * design), scores(response, mean) - wanted),
        error = function(condition) NaN
      )
      if (!all(is.finite(change))) {
        return(start)
      }
      mean <- family$linkinv(eta + as.vector(design %*% change))
    }
    if (all(is.finite(mean))) mean else start
  }
}

#' A response as a model has it: of a binomial one the share of successes
share_of_response <- function(response, own) {
  if (own$family == "binomial") response / own$weights else response
}

#' A function that estimates the random effects for another response, and gives its fitted values
#'
#' It starts at the linear predictor that the response was drawn at: from that of the fit lme4 fails
#' where groups are small.
means_anew <- function(fit) {
  deviance <- deviance_function(list(fit = fit), whole_deviance)
  offset <- lme4::getME(fit, "offset")
  function(response, eta) {
    parts <- environment(deviance$deviance$f)
    resp <- parts$resp
    resp$setResp(response)
    if (!is.null(parts$lp0)) parts$lp0 <- eta - offset
    value <- tryCatch(deviance$deviance$f(deviance$values), error = function(condition) NaN)
    if (is.finite(value)) {
      return(as.vector(resp$mu) + 0)
    }
    deviance$deviance$renew() # a failure leaves values that spoil the next ones
    NULL
  }
}

#' A band that holds whole curves, not their points one by one
#'
#' The directional quantile envelope of Myllymaki et al. (2017): pointwise quantiles of all curves,
#' moved apart until they hold the wanted share of the drawn ones from end to end. With the observed
#' curve among all, it lies outside as seldom as any other where the model is true.
#'
#' @param curves A row for each place, a column for each draw.
#' @param observed A figure for each place.
#' @param least The least that a quantile is away from the mean, where all curves are about alike.
#' @return `low` and `high` at each place.
curve_band <- function(curves, conf_level, observed = NULL, least = 1e-9) {
  all <- cbind(observed, curves)
  middle <- rowMeans(all)
  ends <- apply(all, 1L, stats::quantile, probs = c(0.025, 0.975), names = FALSE)
  above <- pmax(ends[2L, ] - middle, least)
  below <- pmax(middle - ends[1L, ], least)
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
#' @param x,by Names of predictors along which residuals are looked at, and within whose parts, or
#'   "", see `residual_view()`; NULL for those that the model asks for.
#' @param n_single,n_pairs Of these at most so many are kept: those that stray farthest.
#' @return Over the rows used `residuals`, `from_middle` (their distances from the middle) and
#'   `fitted`; `quantiles`, `location` and `spread`, each of `x`, `y`, `low` and `high`: up to 200 of
#'   the sorted residuals at their uniform quantiles, and smooth lines along the fitted values
#'   through the residuals and through their distances from the middle; and the `views`, whose
#'   `curves` have these parts too. The band holds all at once, also those of `n_views` that are not
#'   kept.
residual_curves <- function(model, n_sim, n_draws, seed, conf_level, x, by, n_single, n_pairs) {
  fit <- model$fit
  own <- response_distribution(fit)
  asked <- Map(function(x, by) list(x = x, by = by), x, by)
  predictors <- if (is.null(x) || length(x) > 0L) predictor_values(model)
  if (is.null(x)) asked <- views_of_model(predictors)
  views <- lapply(unname(asked), function(one) residual_view(predictors, one$x, one$by))
  with_seed(seed, {
    drawn <- drawn_responses(fit, own, n_sim)
    observed <- residuals_between(rowMeans(drawn < own$observed), rowMeans(drawn <= own$observed))
    draws <- reference_residuals(fit, own, n_draws, n_sim)
  })
  residuals <- observed$residuals
  n <- length(residuals)
  places <- unique(round(seq(1, n, length.out = min(n, 200L))))
  along <- unique(round(seq(1, n, length.out = min(n, 50L))))
  curves_of <- function(one) {
    c(
      sort(one$residuals)[places], smooth_over_ranks(one$mean, one$residuals, along),
      smooth_over_ranks(one$mean, from_middle(one$residuals), along),
      unlist(lapply(views, heights_of, one$means))
    )
  }
  found <- curves_of(c(list(mean = own$mean), observed))
  band <- curve_band(vapply(draws, curves_of, found), conf_level, found, 1 / n_sim)
  at <- split_curves(found, band, c(
    list((places - 0.5) / n, sort(own$mean)[along], sort(own$mean)[along]),
    unlist(lapply(views, function(view) lapply(view$curves, `[[`, "x")), recursive = FALSE)
  ))
  own_curves <- stats::setNames(at[1:3], c("quantiles", "location", "spread"))
  of_view <- rep(seq_along(views), vapply(views, function(view) length(view$curves), 1L))
  found <- split(at[-(1:3)], factor(of_view, seq_along(views)))
  away <- vapply(found, function(curves) {
    max(-Inf, unlist(lapply(curves, function(one) {
      abs(one$y - (one$low + one$high) / 2) / (one$high - one$low)
    })), na.rm = TRUE)
  }, 0)
  kept <- farthest_views(views, away, n_single, n_pairs)
  c(
    list(residuals = residuals, from_middle = from_middle(residuals), fitted = own$mean), own_curves,
    list(n_views = length(views), views = Map(function(view, curves) {
      c(view[c("x", "by", "values", "levels", "parts")], list(curves = unname(curves)))
    }, views[kept], unname(found[kept])))
  )
}

#' Curves one after the other, each with its part of a band
#'
#' @param x A list: the places of each curve.
split_curves <- function(y, band, x) {
  part <- rep(seq_along(x), lengths(x))
  unname(Map(function(x, rows) {
    list(x = x, y = y[rows], low = pmax(band$low[rows], 0), high = pmin(band$high[rows], 1))
  }, x, split(seq_along(y), part)))
}

#' How far a simulated residual is from the middle: uniform, as it is
from_middle <- function(residuals) abs(2 * residuals - 1)
