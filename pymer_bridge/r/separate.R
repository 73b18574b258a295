# Separate fits of one formula to each group.

#' Operation: what `lmList()` estimated
#'
#' @param conf_level The level of the intervals.
#' @return Matrices of levels by terms, column by column; NA where a group could not
#'   be fitted. Intervals are NULL where the first group could not: R has none then.
separate_effects <- function(model, conf_level) {
  fits <- model$fit
  figures <- summary(fits)$coefficients # levels, then columns of a summary, then terms
  intervals <- if (!is.null(fits[[1L]])) {
    # It evaluates its own call again, elsewhere: the level must stand there as a number.
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

#' What is known of separate fits
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
