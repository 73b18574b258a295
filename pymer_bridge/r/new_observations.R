# Intervals for new observations of a mixed model: by a bootstrap, or by merTools.

#' A function of a fit that gives what draws of new observations need
#'
#' The predictions on the link scale; where the groups are new, the factors of the covariances of the
#' random effects; and the residual standard deviation.
#'
#' @param plan As of `statistic_of()`; `re_form` is NULL, or "population" for new groups.
observation_parts <- function(model, plan) {
  predicted <- statistic_of(model, utils::modifyList(plan, list(statistic = "predictions")))
  new_groups <- identical(plan$re_form, "population")
  function(fit) {
    factors <- if (new_groups) unlist(lapply(lme4::getME(fit, "Tlist"), as.vector))
    as.double(c(predicted(fit), factors, stats::sigma(fit)))
  }
}

#' The design of each term of the random effects, for rows of which each is a group of its own
#'
#' @param frame A data frame.
#' @return A list of matrices in the order of the terms in the fit.
new_group_designs <- function(fit, frame) {
  used <- stats::model.frame(fit)
  designs <- lapply(bars_of(stats::formula(fit)), function(bar) {
    terms <- stats::terms(stats::as.formula(call("~", bar[[2L]]), environment(stats::formula(fit))))
    levels <- lapply(Filter(is.factor, used[intersect(all.vars(terms), names(used))]), levels)
    rows <- stats::model.frame(terms, frame, na.action = stats::na.pass, xlev = levels)
    stats::model.matrix(terms, rows)
  })
  columns <- do.call(cbind, designs)
  lapply(lme4::getME(fit, "cnms"), function(names) columns[, names, drop = FALSE])
}

#' Draw one new observation for each row
#'
#' @param link The predictions on the link scale.
#' @param sigma The residual standard deviation.
#' @param weights Prior weights of the rows, for a binomial model the numbers of trials.
draw_observations <- function(fit, link, sigma, weights) {
  n <- length(link)
  if (lme4::isLMM(fit)) {
    return(stats::rnorm(n, link, sigma / sqrt(weights)))
  }
  family <- stats::family(fit)
  mean <- family$linkinv(link)
  if (family$family == "binomial") {
    stats::rbinom(n, weights, mean) / weights
  } else if (family$family == "poisson") {
    stats::rpois(n, mean)
  } else if (startsWith(family$family, "Negative Binomial")) {
    stats::rnbinom(n, size = lme4::getME(fit, "glmer.nb.theta"), mu = mean)
  } else {
    stop("there are no intervals for new observations of the family ", family$family,
      ": only of gaussian, binomial, poisson and negative binomial",
      call. = FALSE
    )
  }
}

#' Draw new effects of random terms for rows that are groups of their own
#'
#' @param designs See `new_group_designs()`.
#' @param factors The lower triangular factors of the terms, in units of `sigma`, as one vector.
draw_effects <- function(designs, factors, sigma) {
  sizes <- vapply(designs, ncol, 1L)
  ends <- cumsum(sizes^2)
  parts <- Map(function(design, size, end) {
    factor <- matrix(factors[seq(end - size^2 + 1, end)], size)
    normal <- matrix(stats::rnorm(length(design)), nrow(design))
    rowSums(design * (normal %*% t(factor)))
  }, designs, sizes, ends)
  sigma * Reduce(`+`, parts)
}

#' Operation: intervals for new observations, from refits
#'
#' New observations are drawn for each refit, in the order of the refits, with the generator's
#' numbers that follow those of the bootstrap.
#'
#' @param values Refits by values, see `observation_parts()`.
#' @param observed The same values of the fit itself.
#' @param draws What the bootstrap has drawn.
#' @param plan See `observation_parts()`.
#' @param weights Over the rows; NULL for those of the data, or for ones at new data.
new_observation_ends <- function(model, values, observed, draws, plan, weights, conf_level) {
  fit <- model$fit
  frame <- if (!is.null(plan$new_data)) frame_from_parts(plan$new_data)
  new_groups <- identical(plan$re_form, "population")
  n_factors <- if (new_groups) sum(lengths(lapply(lme4::getME(fit, "Tlist"), as.vector))) else 0L
  n <- length(observed) - n_factors - 1L
  known <- which(!is.na(observed[seq_len(n)]))
  rows <- if (is.null(frame)) row_numbers(stats::model.frame(fit)) else known
  designs <- if (new_groups) {
    source <- if (is.null(frame)) model_data(model)$frame else frame
    new_group_designs(fit, source[rows, , drop = FALSE])
  }
  # A predictor of a slope alone may lack a value.
  whole <- Reduce(`&`, lapply(designs, stats::complete.cases), rep(TRUE, length(known)))
  known <- known[whole]
  designs <- lapply(designs, function(design) design[whole, , drop = FALSE])
  if (is.null(weights)) {
    weights <- if (is.null(frame)) prior_weights(fit) else rep(1, n)[known]
  } else {
    weights <- weights[rows][whole]
  }
  replicates <- matrix(values, ncol = length(observed))
  replicates <- replicates[!is.na(replicates[, length(observed)]), , drop = FALSE]
  before <- globalenv()$.Random.seed
  if (!identical(before, draws$after)) on.exit(put_seed(before)) # others have drawn since
  put_seed(draws$after)
  drawn <- apply(replicates, 1L, function(values) {
    sigma <- values[length(values)]
    link <- values[known]
    if (new_groups) link <- link + draw_effects(designs, values[n + seq_len(n_factors)], sigma)
    draw_observations(fit, link, sigma, weights)
  })
  tails <- c((1 - conf_level) / 2, (1 + conf_level) / 2)
  ends <- apply(matrix(drawn, nrow = length(known)), 1L, stats::quantile, tails, names = FALSE)
  placed <- function(which) replace(rep(NA_real_, n), known, ends[which, ])
  over_predicted_rows(list(conf_low = placed(1L), conf_high = placed(2L)), fit, frame)
}

#' Operation: intervals for new observations, by merTools
#'
#' @param new_data The parts of a data frame; NULL for the rows used.
#' @param population Leave out the random effects?
predict_by_simulation <- function(model, new_data, population, n_sim, seed, conf_level) {
  frame <- if (!is.null(new_data)) frame_from_parts(new_data)
  readable <- plain_model(model)
  if (!is.null(frame)) {
    known <- names(frame) %in% names(readable$plain)
    names(frame)[known] <- readable$plain[names(frame)[known]]
  }
  model <- readable$model
  fit <- model$fit
  rows <- if (is.null(frame)) {
    used <- row_numbers(stats::model.frame(fit))
    model_data(model)$frame[used, , drop = FALSE]
  } else {
    warn_of_lost_offset(fit)
    frame
  }
  binomial <- lme4::isGLMM(fit) && stats::family(fit)$family == "binomial"
  found <- merTools::predictInterval(fit,
    newdata = as.data.frame(rows), which = if (population) "fixed" else "full", level = conf_level,
    n.sims = n_sim, seed = seed, stat = "median",
    type = if (binomial) "probability" else "linear.prediction"
  )
  c(
    over_predicted_rows(list(estimate = found$fit, conf_low = found$lwr, conf_high = found$upr), fit, frame),
    list(axis = response_axis(model))
  )
}
