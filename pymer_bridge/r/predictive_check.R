# The distribution of a response beside those that the model simulates.

#' The most whole numbers that are counted one by one; the last stands for larger ones too
most_values <- 60L

#' Operation: the response, observed and simulated
#'
#' @param n_sim How many are simulated.
#' @param use_u At the estimated random effects?
#' @return `kind`; `places`, the last of which may be `open`, or `levels`; how much of the `observed` response is at each, the
#'   `simulated` ones, simulation by simulation, and the `low` and `high` quantiles of these.
predictive_check <- function(model, n_sim, seed, use_u, conf_level) {
  fit <- model$fit
  family <- drawn_family(fit)
  if (use_u) stop_if_rows_slip(model)
  # lme4's simulate() leaves the generator at its seed.
  drawn <- with_seed(seed, if (use_u) simulated(fit, n_sim, use.u = TRUE) else simulated(fit, n_sim))
  numbers <- drawn_numbers(drawn, fit)
  observed <- observed_numbers(fit)
  response <- stats::model.response(stats::model.frame(fit))
  if (family == "binomial") {
    numbers <- round(numbers) # of shares
    observed <- round(observed)
  }
  found <- if (all(c(numbers, observed) %% 1 == 0)) {
    rows_of_values(observed, numbers, if (is.factor(response)) levels(response))
  } else {
    densities(observed, numbers)
  }
  beyond <- (1 - conf_level) / 2
  ends <- apply(found$simulated, 1L, stats::quantile, probs = c(beyond, 1 - beyond), names = FALSE)
  c(found, list(
    low = ends[1L, ], high = ends[2L, ], response = call_text(stats::formula(fit)[[2L]])
  ))
}

#' How many rows have each value
rows_of_values <- function(observed, numbers, levels) {
  reach <- range(observed, numbers)
  values <- seq(reach[1L], min(reach[2L], reach[1L] + most_values))
  last <- values[length(values)]
  count <- function(response) as.double(tabulate(match(pmin(response, last), values), length(values)))
  two <- length(values) <= 2L && all(values %in% 0:1)
  list(
    kind = if (two) "levels" else "counts", places = as.double(values), open = reach[2L] > last,
    levels = if (two) if (is.null(levels)) as.character(values) else levels[values + 1],
    observed = count(observed), simulated = apply(numbers, 2L, count, simplify = TRUE)
  )
}

#' Densities at the same places, by the bandwidth of the observed response
densities <- function(observed, numbers) {
  width <- stats::bw.nrd0(observed)
  reach <- range(observed, numbers) + c(-3, 3) * width
  density <- function(response) {
    stats::density(response, bw = width, n = 256L, from = reach[1L], to = reach[2L])
  }
  first <- density(observed)
  list(
    kind = "density", places = first$x, observed = first$y,
    simulated = apply(numbers, 2L, function(response) density(response)$y)
  )
}
