# Estimated marginal means and trends, by emmeans.

#' A summary of an emmeans grid as lists of columns
#'
#' @param grid What emmeans returned.
#' @param conf_level The level of the intervals.
#' @param adjust How tests and intervals are adjusted; NULL for emmeans' own
#'   choice.
#' @param type "link" or "response".
describe_grid <- function(grid, conf_level, adjust, type) {
  arguments <- list(grid, infer = c(TRUE, TRUE), level = conf_level, type = type)
  if (!is.null(adjust)) arguments$adjust <- adjust
  table <- do.call(summary, arguments)
  estimate <- attr(table, "estName")
  keys <- intersect(c(attr(table, "pri.vars"), attr(table, "by.vars")), names(table))
  as_text <- function(values) if (is.numeric(values)) as.double(values) else as.character(values)
  list(
    n_by = sum(keys %in% attr(table, "by.vars")),
    key_names = keys, keys = unname(lapply(keys, function(key) as_text(table[[key]]))),
    estimate_name = estimate, estimate = as.double(table[[estimate]]),
    std_error = column(table, "SE"), df = column(table, "df"),
    conf_low = column(table, "lower.CL", "asymp.LCL"),
    conf_high = column(table, "upper.CL", "asymp.UCL"),
    statistic = column(table, "t.ratio", "z.ratio"), p_value = column(table, "p.value"),
    notes = as.character(attr(table, "mesg")),
    text = printed(table)
  )
}

#' The arguments that emmeans and emtrends share
means_arguments <- function(model, specs, by, at, ddf) {
  arguments <- list(quote(.fit), specs = specs)
  if (!is.null(by)) arguments$by <- by
  if (length(at) > 0L) arguments$at <- at
  if (ddf != "none") arguments$lmer.df <- ddf
  if (ddf == "kenward-roger" && !lme4::isREML(model$fit)) {
    # emmeans lets pbkrtest refit, without a message.
    message("Kenward and Roger's method refits the model by REML")
  }
  arguments
}

#' Operation: estimated marginal means
#'
#' @param specs,by Names of predictors.
#' @param at A named list of values.
#' @param ddf "satterthwaite", "kenward-roger" or "asymptotic"; "none" where emmeans
#'   takes R's own.
marginal_means <- function(model, specs, by, at, ddf, conf_level, type, adjust) {
  call <- as.call(c(quote(emmeans::emmeans), means_arguments(model, specs, by, at, ddf)))
  grid <- within_model(model, call)
  list(grid = grid, table = describe_grid(grid, conf_level, adjust, type))
}

#' Operation: estimated marginal slopes of one predictor
#'
#' @param trend_of The predictor of the slope.
marginal_trends <- function(model, specs, trend_of, by, at, ddf, conf_level, adjust) {
  arguments <- c(means_arguments(model, specs, by, at, ddf), list(var = trend_of))
  grid <- within_model(model, as.call(c(quote(emmeans::emtrends), arguments)))
  list(grid = grid, table = describe_grid(grid, conf_level, adjust, "link"))
}

#' Operation: contrasts of marginal means
#'
#' @param grid What `marginal_means()` or `marginal_trends()` kept.
#' @param method The name of a family of contrasts, or a named list of weights.
contrast_means <- function(grid, method, adjust, conf_level, type) {
  contrasted <- emmeans::contrast(grid, method = method)
  list(grid = contrasted, table = describe_grid(contrasted, conf_level, adjust, type))
}
