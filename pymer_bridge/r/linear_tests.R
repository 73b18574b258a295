# Tests of terms: of models without random effects, and by car of generalized mixed ones too.

#' Names of the tests in R: of anova() and drop1(), and of car::Anova()
stats_tests <- c(F = "F", "likelihood-ratio" = "LRT", rao = "Rao")
car_tests <- c(F = "F", "likelihood-ratio" = "LR", wald = "Wald")

#' Operation: does the model estimate its dispersion?
estimates_dispersion <- function(model) has_dispersion(model$fit)

#' Does the fit estimate its dispersion?
has_dispersion <- function(fit) {
  !inherits(fit, "glm") || "t value" %in% colnames(stats::coef(summary(fit)))
}

#' A table of tests of terms or models as lists of columns
#'
#' @param test One of ours.
#' @param df_error The degrees of freedom of the denominator of F.
term_tests <- function(table, test, df_error) {
  p_value <- column(table, "Pr(>F)", "Pr(>Chisq)", "Pr(>Chi)")
  list(
    terms = rownames(table), df1 = column(table, "Df"),
    df2 = if (test == "F") ifelse(is.na(p_value), NA_real_, df_error),
    sum_sq = column(table, "Sum Sq", "Sum of Sq"), mean_sq = column(table, "Mean Sq"),
    deviance = column(table, "Deviance"),
    df_residual = column(table, "Resid. Df", "Res.Df"),
    residual_deviance = column(table, "Resid. Dev", "RSS"), aic = column(table, "AIC"),
    statistic = column(
      table, "F value", "F values", "F", "LR Chisq", "Chisq", "LRT", "scaled dev.", "Rao",
      "Rao score", "scaled Rao sc."
    ),
    p_value = p_value, test = test, heading = heading_of(table), text = printed(table)
  )
}

#' The degrees of freedom with which anova() of a fit without random effects takes F
sequential_df <- function(fit) if (has_dispersion(fit)) stats::df.residual(fit) else Inf

#' Operation: the sequential analysis of variance or deviance
#'
#' @param test "F", "likelihood-ratio" or "rao".
anova_terms <- function(model, test) {
  fit <- model$fit
  table <- if (inherits(fit, "glm")) {
    stats::anova(fit, test = stats_tests[[test]])
  } else {
    stats::anova(fit)
  }
  term_tests(table, test, sequential_df(fit))
}

#' Operation: tests of each term after others, by car
#'
#' @param type "II" or "III".
#' @param test "F", "likelihood-ratio" or "wald".
anova_by_car <- function(model, type, test) {
  fit <- model$fit
  if (type == "II" && methods::is(fit, "merMod") && length(term_labels(model)) == 0L) {
    stop("the model has no fixed effect but the intercept, which type II does not test; type III does",
      call. = FALSE
    )
  }
  needed <- if (inherits(fit, "glm")) term_labels(model) else stats::coef(fit)
  if (inherits(fit, "lm") && length(needed) == 0L) {
    stop("the model has no terms to test; of an intercept fixed_effects() has a test", call. = FALSE)
  }
  if (type == "III") warn_of_coding(fit)
  table <- if (inherits(fit, "glm")) {
    car::Anova(fit, type = type, test.statistic = car_tests[[test]])
  } else {
    car::Anova(fit, type = type)
  }
  term_tests(table, test, if (!methods::is(fit, "merMod")) stats::df.residual(fit))
}

#' Warn where tests of type III are of the reference level of another factor
warn_of_coding <- function(fit) {
  mixed <- methods::is(fit, "merMod")
  contrasts <- if (mixed) attr(lme4::getME(fit, "X"), "contrasts") else fit$contrasts
  factors <- attr(stats::terms(fit), "factors")
  if (!is.matrix(factors)) {
    return(invisible())
  }
  together <- factors[, colSums(factors > 0L) > 1L, drop = FALSE]
  # A model frame has names without quotes.
  interacting <- vapply(rownames(together)[rowSums(together > 0L) > 0L], function(name) {
    variable <- str2lang(name)
    if (is.name(variable)) as.character(variable) else name
  }, "")
  by_level <- vapply(contrasts, function(coding) {
    identical(coding, "contr.treatment") || identical(coding, "contr.SAS")
  }, NA)
  found <- intersect(names(contrasts)[by_level], interacting)
  if (length(found) > 0L) {
    warning("type III tests depend on how factors are coded, and those of terms in interactions ",
      "are here at the reference level of ", paste0("'", found, "'", collapse = ", "),
      "; for tests over all levels fit with contrasts={",
      paste0("\"", found, "\": \"contr.sum\"", collapse = ", "), "}",
      call. = FALSE
    )
  }
}

#' Operation: tests of what can be dropped from the model
#'
#' @param scope Names of terms, or NULL for all that can be dropped.
#' @param test As for `anova_terms()`.
drop_terms <- function(model, scope, test) {
  fit <- model$fit
  chosen <- if (!is.null(scope)) list(scope = as.character(scope))
  table <- do.call(stats::drop1, c(list(fit), chosen, test = stats_tests[[test]]))
  found <- term_tests(table, test, stats::df.residual(fit))
  if (inherits(fit, "glm")) {
    # Here it is the deviance of the model without the term.
    found$residual_deviance <- found$deviance
    found$deviance <- NULL
  }
  found
}

#' Operation: nested models without random effects
#'
#' @param models A list of model environments.
#' @param names Names for the rows; NULL for R's own, which count the models.
#' @param test As for `anova_terms()`.
compare_linear <- function(models, names, test) {
  called <- if (is.null(names)) paste0("model", seq_along(models)) else as.character(names)
  stop_for_other_kinds(lapply(models, `[[`, "fit"), called)
  fits <- Map(with_subset_of, fits_to_compare(models, called), models)
  table <- do.call(stats::anova, c(unname(fits), test = stats_tests[[test]]))
  if (!is.null(names)) rownames(table) <- called
  sizes <- vapply(fits, stats::df.residual, 1)
  largest <- fits[[which.min(sizes)]]
  found <- term_tests(table, test, if (inherits(largest, "glm")) sequential_df(largest) else min(sizes))
  found$terms <- called
  found
}

#' Stop if models are of other families, which no test of nested models can compare
#'
#' R's anova() compares the deviances all the same.
stop_for_other_kinds <- function(fits, names) {
  kinds <- vapply(fits, function(fit) {
    if (!inherits(fit, "glm")) return("linear")
    paste0(stats::family(fit)$family, " (", stats::family(fit)$link, ")")
  }, "")
  other <- which(kinds != kinds[1L])
  if (length(other) > 0L) {
    stop("models of one family are nested: ", names[1L], " is ", kinds[1L], ", and ",
      names[other[1L]], " is ", kinds[other[1L]],
      call. = FALSE
    )
  }
}

#' Rows of weights as a matrix
#'
#' @param contrasts Rows of weights with a column for each coefficient that is estimated, row by
#'   row.
#' @param names Names of the rows.
hypothesis_matrix <- function(fit, contrasts, names) {
  terms <- names(Filter(Negate(is.na), stats::coef(fit)))
  matrix(contrasts, nrow = length(names), byrow = TRUE, dimnames = list(names, terms))
}

#' Operation: linear hypotheses on the coefficients, all together, by car
#'
#' @param contrasts,names See `hypothesis_matrix()`.
#' @param rhs The values under the hypothesis.
#' @param test "F" or "wald".
joint_hypothesis <- function(model, contrasts, names, rhs, test) {
  table <- car::linearHypothesis(model$fit, hypothesis_matrix(model$fit, contrasts, names),
    rhs = rhs, test = if (test == "F") "F" else "Chisq", singular.ok = TRUE
  )
  term_tests(table, test, stats::df.residual(model$fit))
}

#' Operation: linear hypotheses on the coefficients, one by one
#'
#' @param contrasts,names,rhs See `joint_hypothesis()`.
#' @param by_t By Student's t, or by the normal distribution?
single_hypotheses <- function(model, contrasts, names, rhs, by_t, conf_level) {
  fit <- model$fit
  weights <- hypothesis_matrix(fit, contrasts, names)
  estimated <- stats::coef(fit)[colnames(weights)]
  df <- if (by_t) stats::df.residual(fit) else Inf
  estimate <- drop(weights %*% estimated)
  std_error <- sqrt(diag(weights %*% stats::vcov(fit, complete = FALSE) %*% t(weights)))
  statistic <- (estimate - rhs) / std_error
  half <- stats::qt((1 + conf_level) / 2, df) * std_error
  table <- data.frame(
    estimate, std_error, df, statistic, estimate - half, estimate + half,
    2 * stats::pt(abs(statistic), df, lower.tail = FALSE),
    row.names = names
  )
  letter <- if (by_t) "t" else "z"
  colnames(table) <- c(
    "Estimate", "Std. Error", "df", paste(letter, "value"), "lower", "upper",
    paste0("Pr(>|", letter, "|)")
  )
  list(
    terms = names, estimate = unname(estimate), std_error = unname(std_error),
    df = as.double(table$df), statistic = unname(statistic), p_value = table[[7L]],
    conf_low = table$lower, conf_high = table$upper, text = printed(table)
  )
}
