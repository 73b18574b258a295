# Models without random effects: where a course on mixed models starts.

#' Operation: the coefficients with their tests and intervals
#'
#' @param conf_level The level of the intervals.
linear_effects <- function(model, conf_level) {
  table <- stats::coef(summary(model$fit))
  # R announces that it profiles a generalized model.
  intervals <- suppressMessages(
    stats::confint(model$fit, parm = rownames(table), level = conf_level)
  )
  intervals <- matrix(intervals, ncol = 2L)
  by_t <- "t value" %in% colnames(table)
  list(
    terms = rownames(table), estimate = unname(table[, "Estimate"]),
    std_error = unname(table[, "Std. Error"]),
    statistic = unname(table[, if (by_t) "t value" else "z value"]),
    df = if (by_t) rep(as.double(stats::df.residual(model$fit)), nrow(table)),
    p_value = unname(table[, if (by_t) "Pr(>|t|)" else "Pr(>|z|)"]),
    conf_low = intervals[, 1L], conf_high = intervals[, 2L]
  )
}

#' Operation: R's printed summary
linear_summary_text <- function(model) {
  utils::capture.output(print(summary(model$fit)))
}
