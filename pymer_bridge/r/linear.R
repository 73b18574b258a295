# Linear models without random effects: where a course on mixed models starts.

#' Operation: the coefficients with their t tests and intervals
#'
#' @param conf_level The level of the intervals.
linear_effects <- function(model, conf_level) {
  table <- stats::coef(summary(model$fit))
  intervals <- stats::confint(model$fit, parm = rownames(table), level = conf_level)
  list(
    terms = rownames(table), estimate = unname(table[, "Estimate"]),
    std_error = unname(table[, "Std. Error"]), statistic = unname(table[, "t value"]),
    df = rep(as.double(stats::df.residual(model$fit)), nrow(table)),
    p_value = unname(table[, "Pr(>|t|)"]),
    conf_low = unname(intervals[, 1L]), conf_high = unname(intervals[, 2L])
  )
}

#' Operation: R's printed summary
linear_summary_text <- function(model) {
  utils::capture.output(print(summary(model$fit)))
}
