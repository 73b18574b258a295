# Separate fits of one formula to each group.

#' Operation: the estimates of `lmList()`
#'
#' @param conf_level The level of the intervals.
#' @return Matrices of levels by terms, column by column; NA for a group that could not
#'   be fitted. If that is the first group, R has no intervals, and they are NULL.
separate_effects <- function(model, conf_level) {
  fits <- model$fit
  figures <- summary(fits)$coefficients # levels, then columns of a summary, then terms
  intervals <- if (!is.null(fits[[1L]])) {
    # confint() evaluates its own call elsewhere, so that the call must hold the level as a number.
    suppressMessages(do.call(stats::confint, list(fits, level = conf_level)))
  }
  column <- function(number) as.double(figures[, number, ])
  list(
    levels = names(fits), terms = dimnames(figures)[[3L]],
    estimate = column(1L), std_error = column(2L), statistic = column(3L), p_value = column(4L),
    conf_low = if (!is.null(intervals)) as.double(intervals[, 1L, ]),
    conf_high = if (!is.null(intervals)) as.double(intervals[, 2L, ])
  )
}

#' Facts about separate fits
separate_facts <- function(fits) {
  pooled <- isTRUE(attr(fits, "pool"))
  failed <- vapply(seq_along(fits), function(i) is.null(fits[[i]]), NA)
  formula <- stats::formula(fits)
  list(
    formula = paste(deparse(formula, width.cutoff = 500L), collapse = " "),
    group = paste(deparse(formula[[3L]][[3L]]), collapse = " "),
    levels = names(fits), failed = names(fits)[failed],
    sigma = if (pooled) as.double(stats::sigma(fits)),
    n_obs = sum(vapply(which(!failed), function(i) as.double(stats::nobs(fits[[i]])), 1))
  )
}
