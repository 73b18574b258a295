# A fit without random effects as data frames with the columns of broom, which is not needed here.

#' Operation: the coefficients, one row each
#'
#' @param conf_int Give intervals too, as confint() does?
#' @param exponentiate Give exponentials of the estimates and of the ends of their intervals?
#' @return A list of columns, of equal lengths.
tidy_linear <- function(model, conf_int, conf_level, exponentiate) {
  fit <- model$fit
  table <- stats::coef(summary(fit))
  terms <- as.character(names(stats::coef(fit)))
  place <- match(terms, rownames(table))
  part <- list(
    term = terms, estimate = unname(stats::coef(fit)), std_error = unname(table[place, 2L]),
    statistic = unname(table[place, 3L]), p_value = unname(table[place, 4L])
  )
  if (conf_int) {
    method <- if (inherits(fit, "glm")) "profile" else "wald"
    ends <- linear_confidence(model, method, NULL, conf_level)
    part$conf_low <- ends$conf_low[match(terms, ends$names)]
    part$conf_high <- ends$conf_high[match(terms, ends$names)]
  }
  if (exponentiate) {
    scaled <- intersect(c("estimate", "conf_low", "conf_high"), names(part))
    part[scaled] <- lapply(part[scaled], exp)
  }
  part
}

#' Operation: one row about the whole fit
glance_linear <- function(model) {
  fit <- model$fit
  own <- if (inherits(fit, "glm")) {
    list(null_deviance = fit$null.deviance, df_null = fit$df.null)
  } else {
    found <- summary(fit)
    test <- found$fstatistic
    p_value <- if (!is.null(test)) {
      stats::pf(test[["value"]], test[["numdf"]], test[["dendf"]], lower.tail = FALSE)
    }
    or_missing <- function(value) if (is.null(value)) NA_real_ else value
    list(
      r_squared = found$r.squared, adj_r_squared = found$adj.r.squared, sigma = found$sigma,
      statistic = or_missing(test)[[1L]], p_value = or_missing(p_value),
      df = if (is.null(test)) NA_real_ else test[["numdf"]]
    )
  }
  c(own, list(
    logLik = as.double(stats::logLik(fit)), AIC = stats::AIC(fit), BIC = stats::BIC(fit),
    deviance = stats::deviance(fit), df_residual = stats::df.residual(fit), nobs = stats::nobs(fit)
  ))
}

#' Operation: the model frame with the fit's figures for each row
#'
#' @return As of `augment_model()`.
augment_linear <- function(model) {
  fit <- model$fit
  if (inherits(fit$na.action, "exclude")) class(fit$na.action) <- "omit" # the rows used, no others
  frame <- stats::model.frame(fit)
  fitted <- stats::predict(fit)
  generalized <- inherits(fit, "glm")
  resid <- if (generalized) stats::residuals(fit) else stats::model.response(frame) - fitted
  # Older brooms have the last one after .resid, of generalized models.
  figures <- list(
    .fitted = fitted, .resid = resid, .hat = stats::hatvalues(fit),
    .sigma = stats::influence(fit, do.coef = FALSE)$sigma, .cooksd = stats::cooks.distance(fit),
    # By its default R standardizes Pearson residuals from some version on.
    .std.resid = if (generalized) stats::rstandard(fit, type = "deviance") else stats::rstandard(fit)
  )
  rows <- row_numbers(frame)
  keep <- !is.na(rows)
  columns <- lapply(c(flat_columns(frame), lapply(figures, as.double)), function(values) values[keep])
  list(
    names = names(columns), n_rows = sum(keep), row_names = NULL,
    parts = unname(Map(column_to_part, columns, names(columns))), rows = rows[keep]
  )
}
