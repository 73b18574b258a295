# Tests of one fixed effect: the model without it, and what R says of both.

#' The model without one fixed effect, with all random effects
#'
#' @param model A model environment.
#' @param term The name of a fixed effect. If it is a whole term, and removing the term
#'   removes just this coefficient, the formula is changed; otherwise the design is
#'   restricted.
without_coefficient <- function(model, term) {
  fit <- model$fit
  coefficients <- fixed_names(fit)
  if (!term %in% coefficients) {
    stop("no fixed effect ", sQuote(term, FALSE), "; there are: ",
      paste(coefficients, collapse = ", "),
      call. = FALSE
    )
  }
  if (length(coefficients) == 1L) {
    stop("the model has one fixed effect only, and none would be left to compare with",
      call. = FALSE
    )
  }
  if (term %in% attr(stats::terms(fit), "term.labels")) {
    change <- stats::as.formula(bquote(. ~ . - .(str2lang(term))), env = model$frame_env)
    small <- smaller_fit(model, change)
    # Without `a`, the design of a * b with a factor b has other columns.
    if (length(fixed_names(small)) == length(coefficients) - 1L) {
      return(small)
    }
  }
  restriction <- matrix(as.double(coefficients == term), nrow = 1L)
  restricted_fit(model, restriction, is_by_reml(fit))
}

#' Is a fit, mixed or not, by restricted maximum likelihood?
is_by_reml <- function(fit) methods::is(fit, "merMod") && lme4::isREML(fit)

#' The names of the fixed effects that a fit, mixed or not, has estimated
fixed_names <- function(fit) {
  estimates <- if (methods::is(fit, "merMod")) lme4::fixef(fit) else stats::coef(fit)
  names(estimates)[!is.na(estimates)]
}

#' The model of a restriction matrix, which can be fitted again
#'
#' pbkrtest leaves a call whose data are nowhere, and fits none to two columns of successes and
#' failures without random effects: its model frame has no such columns.
restricted_fit <- function(model, restriction, reml) {
  full <- fit_of_its_rows(model)
  data <- stats::getCall(full)$data
  if (methods::is(full, "merMod")) {
    fit <- pbkrtest::restriction_matrix2model(full, restriction, REML = reml)
    call <- stats::getCall(fit)
    call$data <- cbind(as.data.frame(lme4::getME(fit, "X")), data)
    return(with_call(fit, call))
  }
  design <- stats::model.matrix(full)[, fixed_names(full), drop = FALSE]
  design <- pbkrtest::make_model_matrix(design, restriction)
  columns <- paste0(".X", seq_len(ncol(design)))
  call <- stats::getCall(full)
  call$data <- cbind(structure(as.data.frame(design), names = columns), data)
  call$contrasts <- NULL
  call$formula <- stats::reformulate(
    columns, stats::formula(full)[[2L]], FALSE, env = model$frame_env
  )
  eval(call, model$frame_env)
}

#' Operation: likelihood ratio test of one coefficient
ratio_test_of <- function(model, term) {
  small <- without_coefficient(model, term)
  if (inherits(small, "lm")) {
    return(linear_ratio_test(model$fit, small))
  }
  # anova() compares data and subsets by their names in the calls.
  small <- with_subset_of(small, model)
  methods::slot(small, "call")$data <- stats::getCall(model$fit)$data
  table <- stats::anova(lme4::refitML(small), lme4::refitML(model$fit),
    refit = FALSE, model.names = c("small", "full")
  )
  list(
    statistic = column(table, "Chisq")[2L], df = column(table, "Df")[2L],
    p_value = column(table, "Pr(>Chisq)")[2L]
  )
}

#' Likelihood ratio test of two models without random effects
#'
#' anova() has none for lm(); for glm() it divides by the dispersion of the larger model.
linear_ratio_test <- function(large, small) {
  if (inherits(large, "glm")) {
    table <- stats::anova(small, large, test = "LRT")
    dispersion <- if (has_dispersion(large)) summary(large)$dispersion else 1
    return(list(
      statistic = column(table, "Deviance")[2L] / dispersion, df = column(table, "Df")[2L],
      p_value = column(table, "Pr(>Chi)")[2L]
    ))
  }
  likelihoods <- lapply(list(large, small), stats::logLik)
  ratio <- 2 * as.double(likelihoods[[1L]] - likelihoods[[2L]])
  df <- attr(likelihoods[[1L]], "df") - attr(likelihoods[[2L]], "df")
  list(
    statistic = ratio, df = as.double(df),
    p_value = stats::pchisq(ratio, df, lower.tail = FALSE)
  )
}

#' Operation: F test of one coefficient, without random effects
f_test_of <- function(model, term) {
  if (!has_dispersion(model$fit)) {
    stop("the family fixes the dispersion, so that F has nothing to divide by: take ",
      "'likelihood-ratio'",
      call. = FALSE
    )
  }
  table <- stats::anova(without_coefficient(model, term), model$fit, test = "F")
  list(
    statistic = column(table, "F")[2L], df = as.double(stats::df.residual(model$fit)),
    p_value = column(table, "Pr(>F)")[2L]
  )
}

#' Operation: test and interval of one coefficient by t or z, without random effects
#'
#' @param by "t" or "normal".
wald_of <- function(model, term, conf_level, by) {
  fit <- model$fit
  if (has_dispersion(fit) != (by == "t")) {
    stop(
      if (by == "t") {
        "the family fixes the dispersion, so that R tests by z: take 'normal'"
      } else {
        "the dispersion is estimated, so that R tests by t: take 't'"
      },
      call. = FALSE
    )
  }
  row <- stats::coef(summary(fit))[term, ]
  interval_of <- if (by == "t") utils::getS3method("confint", "lm") else stats::confint.default
  interval <- interval_of(fit, term, conf_level)
  list(
    estimate = row[[1L]], std_error = row[[2L]], statistic = row[[3L]], p_value = row[[4L]],
    df = if (by == "t") as.double(stats::df.residual(fit)),
    conf_low = interval[1L], conf_high = interval[2L]
  )
}
