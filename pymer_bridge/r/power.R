# Power: what tests say of responses that a design draws.
#
# Each response is fitted as lmer() or glmer() fits it, from its own start; the tests are those of
# lmerTest, of pbkrtest, and of anova(). A linear model is built and optimised once for all
# responses, on the machine of refit.R.

#' The formula that is fitted: the design's response, and its own right side or another one
fitted_formula <- function(design, text) {
  right <- if (is.null(text)) design$right[[2L]] else without_response(str2lang(text))
  call("~", as.name(design$response), right)
}

#' The right side of a formula
without_response <- function(formula) formula[[length(formula)]]

#' Operation: what of a fitted model can be tested
#'
#' @param formula The text of its formula; NULL for the design's own.
#' @return Names of coefficients, the number of each one's term, the terms, and those that can be
#'   dropped.
power_layout <- function(design, formula) {
  right <- if (is.null(formula)) design$right else stats::as.formula(call("~", without_response(str2lang(formula))))
  environment(right) <- environment(design$right)
  layout <- layout_of(design, right)
  list(
    coefficients = layout$coefficients,
    assign = if (is.null(layout$dropped)) layout$assign else layout$assign[-layout$dropped],
    terms = layout$labels, droppable = as.character(stats::drop.scope(without_bars(right)))
  )
}

#' Operation: the models that are fitted to each response, as templates
#'
#' @param formula See `power_layout()`.
#' @param ways For each model whether it is by REML, and what it drops: "" for nothing, the name of
#'   a term, or a smaller formula.
#' @param spec See `model_call()`.
#' @param rows The numbers of the rows that are kept, or NULL.
#' @param tests Of each its `kind`, and the coefficient `of` which it is, or `weights`.
#' @return `models`, their numbers of parameters, and the true value for each test, or NA.
power_models <- function(design, formula, reml, smaller, spec, rows, tests) {
  before <- globalenv()$.Random.seed
  on.exit(put_seed(before))
  set.seed(1L)
  data <- design$frame
  data[[design$response]] <- as.double(draw_design(design, 1L)[[1L]])
  if (!is.null(rows)) data <- data[rows, , drop = FALSE]
  row.names(data) <- NULL
  spec$contrasts <- NULL # the columns have them
  whole <- fitted_formula(design, formula)
  models <- Map(function(by_reml, drops) {
    spec$formula <- deparse1(smaller_formula(whole, drops))
    if (spec$fitter == "lmer") spec$reml <- by_reml
    built <- model_call(spec, names(data))
    env <- model_environment(data, spec$data_name, list())
    suppressMessages(suppressWarnings(new_model(eval(built$call, env), env, built$call)))
  }, reml, smaller)
  sizes <- vapply(models, function(model) attr(stats::logLik(model$fit), "df"), 1)
  not_smaller <- smaller[nzchar(smaller) & sizes >= sizes[match("", smaller)]]
  if (length(not_smaller) > 0L) {
    stop("not smaller than the model that is fitted: ", paste(not_smaller, collapse = ", "), call. = FALSE)
  }
  list(
    models = unname(models), sizes = as.double(sizes), formula = deparse1(whole),
    truth = vapply(tests, true_value, 1, design$parameters$beta, fixed_names(models[[1L]]$fit))
  )
}

#' The true value of what is tested, NA where there is none
#'
#' @param beta The coefficients of the design, by name.
#' @param fitted The names of those of the model that is fitted.
true_value <- function(test, beta, fitted) {
  if (!is.null(test$weights)) {
    used <- test$weights != 0
    return(sum(test$weights[used] * beta[fitted[used]]))
  }
  if (is.null(test$of)) NA_real_ else unname(beta[test$of])
}

#' A formula without a term, or another formula with its response
smaller_formula <- function(whole, drops) {
  if (!nzchar(drops)) {
    return(whole)
  }
  given <- str2lang(drops)
  if (is.call(given) && identical(given[[1L]], quote(`~`))) {
    return(call("~", whole[[2L]], without_response(given)))
  }
  formula <- stats::update(stats::as.formula(whole), substitute(. ~ . - x, list(x = given)))
  call("~", formula[[2L]], formula[[3L]])
}

#' Tests of each response that a design draws
#'
#' The values are, test by test, the estimate, its standard error, degrees of freedom, the
#' statistic and the p-value.
#'
#' @param plan `tests`, `ddf`, and the numbers of parameters in `sizes`.
power_task <- function(models, plan) {
  fitters <- lapply(models, function(model) {
    if (lme4::isLMM(model$fit)) linear_fitter(model, plan$ddf) else other_fitter(model)
  })
  function(response) {
    fits <- lapply(fitters, function(fit) fit(response))
    values <- lapply(plan$tests, function(test) tested(fits, test, plan))
    list(
      values = unlist(values, use.names = FALSE),
      converged = all(vapply(fits, `[[`, NA, "converged")), singular = fits[[1L]]$singular
    )
  }
}

#' A function of the response that gives what lmer() gives of it
#'
#' @param ddf How coefficients, contrasts and terms are tested.
#' @return An environment: `criterion`, `converged`, `singular`, the coefficients in `beta`, and
#'   made where they are asked for: the `model`, and tables of tests.
linear_fitter <- function(model, ddf) {
  fit <- model$fit
  settings <- lmer_settings(model)
  n_fixed <- ncol(lme4::getME(fit, "X"))
  machine <- refitter(model, settings, criterion = if (lme4::isREML(fit)) n_fixed else 0L)
  start_of <- cold_start(model)
  lower <- lme4::getME(fit, "lower")
  columns <- colnames(lme4::getME(fit, "X"))
  derivatives <- lme4::lmerControl()$calc.derivs
  function(response) {
    if (!all(is.finite(response))) stop("NA/NaN/Inf in 'y'", call. = FALSE) # as lmer() does
    optimum <- machine$optimise(response, start_of(response), derivatives)
    checked <- check_convergence(optimum, settings$checks, lower)
    estimates <- machine$estimates(optimum)
    made <- new.env(parent = emptyenv())
    made$beta <- stats::setNames(estimates$beta, columns)
    made$criterion <- optimum$fval
    made$converged <- has_converged(optimum, checked)
    made$singular <- on_boundary(optimum$par, lower)
    delayedAssign("errors", sqrt(diag(estimates$sigma^2 * machine$rho$pp$unsc())), assign.env = made)
    delayedAssign("model", {
      put_response(model, response)
      fitted <- new_model(machine$as_fit(optimum, checked), model$frame_env, model$call)
      if (ddf == "satterthwaite" && fast_lmertest_applies(fitted$fit)) {
        lmertest <- fast_lmertest(fitted, deviance_on_machine(machine))
        fitted$lmertest <- with_given_call(fitted, lmertest)
        machine$devfun(optimum$par) # the fit has the machine's state
      }
      fitted
    }, assign.env = made)
    made
  }
}

#' The same of a generalized model, by glmer() itself
other_fitter <- function(model) {
  function(response) {
    put_response(model, response)
    fit <- eval(model$call, model$frame_env)
    measured <- measured_fit(fit, numeric())
    made <- new.env(parent = emptyenv())
    made$beta <- lme4::fixef(fit)
    made$criterion <- -2 * as.double(stats::logLik(fit))
    made$converged <- measured$converged
    made$singular <- measured$singular
    made$model <- new_model(fit, model$frame_env, model$call)
    delayedAssign("errors", coefficient_table(made$model, "normal")[, "Std. Error"], assign.env = made)
    made
  }
}

#' Put a response into the data of a model of ours
put_response <- function(model, response) {
  name <- as.character(model$call$data)
  data <- get(name, model$frame_env)
  data[[as.character(model$call$formula[[2L]])]] <- response
  assign(name, data, model$frame_env)
}

#' One test of one response
#'
#' @param fits See `linear_fitter()`; the first is the model itself.
#' @param test A list of its `kind`, the `name`, and what that kind needs.
tested <- function(fits, test, plan) {
  fit <- fits[[1L]]
  switch(test$kind,
    coefficient = coefficient_tested(fit, test$name, plan$ddf),
    contrast = contrast_tested(fit, test$weights, plan$ddf),
    term = term_tested(fit, test$name, plan$ddf),
    comparison = comparison_tested(fits, test, plan$sizes),
    stop("unknown kind of test: ", test$kind)
  )
}

coefficient_tested <- function(fit, name, ddf) {
  if (ddf == "normal") {
    at <- match(name, names(fit$beta))
    statistic <- fit$beta[[at]] / fit$errors[[at]]
    return(c(fit$beta[[at]], fit$errors[[at]], Inf, statistic, normal_p_value(statistic)))
  }
  if (is.null(fit$table)) fit$table <- coefficient_table(fit$model, ddf)
  row <- fit$table[name, ]
  row[c("Estimate", "Std. Error", "df", "t value", "Pr(>|t|)")]
}

contrast_tested <- function(fit, weights, ddf) {
  if (ddf == "normal") {
    estimate <- sum(weights * fit$beta)
    error <- sqrt(sum(weights * as.vector(as.matrix(stats::vcov(fit$model$fit)) %*% weights)))
    return(c(estimate, error, Inf, estimate / error, normal_p_value(estimate / error)))
  }
  row <- contest(fit$model, weights, "contrast", 0, FALSE, ddf, 0.95)
  c(row$estimate, row$std_error, row$df, row$statistic, row$p_value)
}

term_tested <- function(fit, name, ddf) {
  if (is.null(fit$anova)) fit$anova <- anova_one(fit$model, "III", ddf)
  at <- match(name, fit$anova$terms)
  c(NA, NA, fit$anova$df2[at], fit$anova$statistic[at], fit$anova$p_value[at])
}

#' A likelihood ratio test, as anova() gives it of two models by maximum likelihood
#'
#' @param test `large` and `small` are numbers of models; `name` is a coefficient, or NULL.
comparison_tested <- function(fits, test, sizes) {
  large <- fits[[test$large]]
  df <- sizes[test$large] - sizes[test$small]
  statistic <- 2 * max(0, -large$criterion / 2 - -fits[[test$small]]$criterion / 2)
  at <- if (is.null(test$name)) NA else match(test$name, names(large$beta))
  own <- if (is.na(at)) c(NA, NA) else c(large$beta[[at]], large$errors[[at]])
  c(own, df, statistic, stats::pchisq(statistic, df, lower.tail = FALSE))
}

#' Operation: the figures of a power analysis
#'
#' @param values Replicates by tests and figures, see `power_task()`; NA of fits that failed.
#' @param n_tests How many tests.
#' @param truth The true value for each test, or NA.
#' @param has_interval Has each test an interval?
#' @param alpha The level of the tests; intervals have 1 - alpha.
#' @param conf_level The level of the intervals of the power.
#' @param singular,converged Of each replicate.
power_figures <- function(values, n_tests, truth, has_interval, alpha, conf_level, singular, converged) {
  n_sim <- length(singular)
  of <- array(values, c(5L, n_tests, n_sim))
  rows <- lapply(seq_len(n_tests), function(i) {
    estimate <- of[1L, i, ]
    p_value <- of[5L, i, ]
    rejected <- !is.na(p_value) & p_value < alpha
    exact <- stats::binom.test(sum(rejected), n_sim, conf.level = conf_level)
    half <- stats::qt(1 - alpha / 2, of[3L, i, ]) * of[2L, i, ]
    covered <- estimate - half <= truth[i] & truth[i] <= estimate + half
    found <- abs(estimate[rejected])
    known <- !is.na(truth[i]) && truth[i] != 0 && any(rejected)
    c(
      unname(exact$estimate), exact$conf.int[1:2], sum(rejected),
      sum(rejected & singular), sum(rejected & !converged), sum(is.na(p_value)),
      truth[i], mean(estimate, na.rm = TRUE), mean(estimate, na.rm = TRUE) - truth[i],
      if (known) mean(sign(estimate[rejected]) != sign(truth[i])) else NA,
      if (known) mean(found) / abs(truth[i]) else NA,
      if (has_interval[i]) mean(covered, na.rm = TRUE) else NA
    )
  })
  figures <- do.call(rbind, rows)
  colnames(figures) <- c(
    "power", "conf_low", "conf_high", "n_rejected", "n_rejected_singular",
    "n_rejected_not_converged", "n_failed", "true_value", "estimate", "bias", "type_s", "type_m",
    "coverage"
  )
  lapply(as.data.frame(figures), as.double)
}
