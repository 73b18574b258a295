# Models without random effects.

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
    conf_low = intervals[, 1L], conf_high = intervals[, 2L],
    interval_method = if (inherits(model$fit, "glm")) "profile" else "wald",
    reference = factor_coding(model$fit$contrasts, stats::model.frame(model$fit))
  )
}

#' Operation: R's printed summary
linear_summary_text <- function(model) {
  utils::capture.output(print(summary(model$fit)))
}

#' Operation: the predictors of a model without random effects
linear_predictors <- function(model) {
  offset <- stats::getCall(model$fit)$offset
  c(
    all.vars(stats::delete.response(stats::terms(model$fit))),
    # R reads it from the new data.
    if (!is_own_vector(offset, model)) all.vars(offset)
  )
}

#' A fit whose predictions at new data find its offset
#'
#' R evaluates the offset of the call in the new data. One that was given row by row is not there.
#'
#' @param own The rows of the data that the new ones are; NULL for others.
with_offset_found <- function(fit, model, own = NULL) {
  offset <- fit$call$offset
  if (!is_own_vector(offset, model)) {
    return(fit)
  }
  given <- if (!is.null(own)) get(as.character(offset), model$frame_env)[own]
  if (is.null(own)) warn_of_lost_offset(fit)
  fit$call$offset <- given
  fit
}

#' Operation: predictions of a model without random effects
#'
#' @param new_data The parts of a data frame; NULL for the data themselves.
#' @param type "link" or "response".
#' @param interval "none", "confidence" or "prediction".
#' @return Vectors over the rows, with the rows of the data they belong to.
predict_linear <- function(model, new_data, type, interval, conf_level) {
  fit <- if (is.null(new_data)) model$fit else with_offset_found(model$fit, model)
  frame <- if (is.null(new_data)) model_data(model)$frame else frame_from_parts(new_data)
  # Only with new data: without, R also knows the rows that were left out.
  arguments <- list(fit, se.fit = TRUE)
  if (!is.null(new_data)) arguments$newdata <- frame
  if (inherits(fit, "glm")) {
    predicted <- do.call(stats::predict, c(arguments, list(type = type)))
    ends <- if (interval == "confidence") glm_ends(fit, arguments, type, conf_level)
    estimate <- predicted$fit
  } else {
    predicted <- do.call(
      stats::predict, c(arguments, list(interval = interval, level = conf_level))
    )
    table <- as.matrix(predicted$fit)
    estimate <- table[, 1L]
    ends <- if (interval != "none") list(table[, 2L], table[, 3L])
  }
  rows <- if (is.null(new_data)) as.integer(names(estimate)) else seq_len(nrow(frame))
  list(
    rows = rows, estimate = as.double(estimate), std_error = as.double(predicted$se.fit),
    conf_low = if (!is.null(ends)) as.double(ends[[1L]]),
    conf_high = if (!is.null(ends)) as.double(ends[[2L]]), axis = response_axis(model)
  )
}

#' Wald intervals of a generalized linear model, symmetric on the link scale
glm_ends <- function(fit, arguments, type, conf_level) {
  link <- do.call(stats::predict, c(arguments, list(type = "link")))
  half_width <- stats::qnorm((1 + conf_level) / 2) * link$se.fit
  ends <- list(link$fit - half_width, link$fit + half_width)
  if (type == "response") ends <- lapply(ends, stats::family(fit)$linkinv)
  list(pmin(ends[[1L]], ends[[2L]]), pmax(ends[[1L]], ends[[2L]]))
}

#' Operation: confidence intervals of the coefficients
#'
#' @param method "wald" or "profile"; those of a linear model are exact, by Student's t.
#' @param parameters Names of coefficients, or NULL for all.
linear_confidence <- function(model, method, parameters, conf_level) {
  fit <- model$fit
  of <- if (method == "profile" || !inherits(fit, "glm")) stats::confint else stats::confint.default
  chosen <- if (!is.null(parameters)) list(parm = as.character(parameters))
  # R announces that it profiles.
  found <- suppressMessages(do.call(of, c(list(fit, level = conf_level), chosen)))
  # Of one coefficient confint() gives a vector.
  names <- if (is.matrix(found)) rownames(found) else c(chosen$parm, names(stats::coef(fit)))[1L]
  names <- as.character(names) # a model may have none
  ends <- matrix(found, ncol = 2L)
  list(names = names, labels = names, conf_low = ends[, 1L], conf_high = ends[, 2L])
}

#' Operation: the names of all coefficients, those that cannot be estimated too
coefficient_names <- function(model) as.character(names(stats::coef(model$fit)))

#' Operation: R squared of a linear model
linear_r_squared <- function(model) {
  found <- summary(model$fit)
  list(r_squared = found$r.squared, adjusted = found$adj.r.squared)
}

#' Operation: the measures of influence of each observation
influence_measures <- function(model) {
  fit <- model$fit
  found <- stats::influence.measures(fit)
  # With na.exclude R also has the rows that it left out.
  used <- rownames(found$infmat) %in% rownames(stats::model.frame(fit))
  measures <- found$infmat[used, , drop = FALSE]
  n_terms <- ncol(measures) - 4L
  rows <- name_numbers(rownames(measures))
  list(
    rows = rows, terms = names(stats::coef(fit))[!is.na(stats::coef(fit))],
    dfbetas = as.vector(measures[, seq_len(n_terms)]),
    dffits = unname(measures[, "dffit"]), cov_ratio = unname(measures[, "cov.r"]),
    cooks_distance = unname(measures[, "cook.d"]), hat = unname(measures[, "hat"]),
    influential = unname(apply(found$is.inf[used, , drop = FALSE], 1L, any))
  )
}
