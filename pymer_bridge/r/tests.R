# Tests of fixed and random effects, and comparisons of models.
#
# lmerTest and pbkrtest change the names of columns and rows between versions,
# so every column is looked up by what it means.

#' A column of a table, by any of its names in the versions
#'
#' @param table A data frame or matrix.
#' @param ... Names, the newest first.
#' @return The column without names, or NULL where there is none.
column <- function(table, ...) {
  found <- intersect(c(...), colnames(table))
  if (length(found) == 0L) NULL else unname(as.double(table[, found[1L]]))
}

#' The text that R prints for a value
printed <- function(value) {
  paste(utils::capture.output(print(value)), collapse = "\n")
}

#' What R prints above a table, line by line
heading_of <- function(table) {
  lines <- trimws(unlist(strsplit(as.character(attr(table, "heading")), "\n")))
  lines[nzchar(lines)]
}

#' The models of a comparison: their formulas, or what pbkrtest prints of a matrix
#'
#' @param small A fit, or a restriction matrix.
compared_models <- function(large, small, text) {
  if (!is.matrix(small)) {
    formulas <- lapply(list(large, small), function(fit) deparse1(stats::formula(fit)))
    return(paste(c("large:", "small:"), formulas))
  }
  lines <- strsplit(text, "\n")[[1L]]
  trimws(lines[seq_len(grep("p.value", lines, fixed = TRUE)[1L] - 1L)], "right")
}

#' A table of F tests as lists of columns
f_tests <- function(table) {
  list(
    terms = rownames(table),
    sum_sq = column(table, "Sum Sq", "Sum of Sq"), mean_sq = column(table, "Mean Sq"),
    df1 = column(table, "NumDF", "npar", "Df"), df2 = column(table, "DenDF"),
    statistic = column(table, "F value", "F.value"),
    p_value = column(table, "Pr(>F)", "P(>F)"),
    heading = heading_of(table), text = printed(table)
  )
}

#' A table of likelihood ratio tests as lists of columns
ratio_tests <- function(table) {
  list(
    terms = rownames(table),
    n_parameters = column(table, "npar"),
    aic = column(table, "AIC"), bic = column(table, "BIC"),
    log_likelihood = column(table, "logLik"),
    deviance = column(table, "-2*log(L)", "deviance"),
    chi_square = column(table, "Chisq", "LRT"), df = column(table, "Df"),
    p_value = column(table, "Pr(>Chisq)", "Pr(Chi)"),
    heading = heading_of(table), text = printed(table)
  )
}

#' Operation: the analysis of variance of one model
#'
#' @param type "I", "II" or "III".
#' @param ddf "satterthwaite", "kenward-roger", or "none" for lme4's own table.
anova_one <- function(model, type, ddf) {
  table <- if (ddf == "none") {
    stats::anova(model$fit)
  } else {
    with_ddf(model, ddf, function(fit, name) stats::anova(fit, type = type, ddf = name))
  }
  f_tests(table)
}

#' Operation: F tests of what can be dropped from the model
#'
#' @param scope Names of terms, or NULL for all that can be dropped.
drop_one <- function(model, scope, ddf) {
  table <- with_ddf(model, ddf, function(fit, name) {
    if (is.null(scope)) {
      stats::drop1(fit, ddf = name)
    } else {
      stats::drop1(fit, scope = as.character(scope), ddf = name)
    }
  })
  f_tests(table)
}

#' Operation: likelihood ratio tests of what can be dropped from the model
#'
#' @param scope Names of terms, or NULL for all that can be dropped.
drop_one_by_ratio <- function(model, scope) {
  table <- if (is.null(scope)) {
    stats::drop1(model$fit, test = "Chisq")
  } else {
    stats::drop1(model$fit, scope = as.character(scope), test = "Chisq")
  }
  tests <- ratio_tests(table)
  # Here npar is the number of parameters that a term removes: the degrees of freedom of its test.
  tests$df <- tests$n_parameters
  tests
}

#' A fit whose call can be evaluated anywhere
#'
#' Some functions evaluate the call of a fit in a frame of their own, which sees only
#' the workspace: pbkrtest::SATmodcomp(), and lmerTest's ranova() and step() when no
#' random effect is left.
#'
#' @param model A model environment.
#' @param fit A fit of the model, of any class.
self_contained_fit <- function(model, fit = model$fit) {
  call <- stats::getCall(fit)
  call$formula <- stats::formula(fit)
  if (is.name(call$data)) call$data <- get(as.character(call$data), model$frame_env)
  for (name in intersect(c("weights", "offset", "subset"), names(call))) {
    if (is_own_vector(call[[name]], model)) {
      call[[name]] <- get(as.character(call[[name]]), model$frame_env)
    }
  }
  with_call(fit, call)
}

#' A fit, mixed or not, with another call; there is no accessor that sets one
with_call <- function(fit, call) {
  if (methods::is(fit, "merMod")) methods::slot(fit, "call") <- call else fit$call <- call
  fit
}

#' Operation: likelihood ratio tests of the random-effect terms
#'
#' @param reduce_terms TRUE to reduce a term such as (x | g) to (1 | g), FALSE to drop
#'   it as a whole.
ranova <- function(model, reduce_terms) {
  used <- plain_model(model)
  holder <- new.env(parent = used$model$frame_env)
  holder$.fit <- self_contained_fit(used$model)
  tests <- eval(bquote(lmerTest::ranova(.fit, reduce.terms = .(reduce_terms))), holder)
  own_names(ratio_tests(tests), used$plain)
}

#' Operation: backward elimination of random, then of fixed effects
backward_step <- function(model, ddf, alpha_random, alpha_fixed,
                          reduce_random, reduce_fixed, keep) {
  used <- plain_model(model)
  keep <- plain_text(as.character(keep), used$plain)
  steps <- with_ddf(used$model, ddf, function(fit, name) {
    holder <- new.env(parent = used$model$frame_env)
    holder$.fit <- self_contained_fit(used$model, fit)
    eval(bquote(lmerTest::step(.fit,
      ddf = .(name), alpha.random = .(alpha_random), alpha.fixed = .(alpha_fixed),
      reduce.random = .(reduce_random), reduce.fixed = .(reduce_fixed),
      keep = .(keep)
    )), holder)
  })
  own_names(list(
    random = c(
      ratio_tests(steps$random), list(eliminated = column(steps$random, "Eliminated"))
    ),
    fixed = c(f_tests(steps$fixed), list(eliminated = column(steps$fixed, "Eliminated"))),
    formula = paste(
      deparse(stats::formula(attr(steps, "model")), width.cutoff = 500L),
      collapse = " "
    ),
    text = printed(steps)
  ), used$plain)
}

#' Operation: a linear hypothesis on the fixed effects
#'
#' @param contrasts Rows of weights with a column for each fixed effect, row by row.
#' @param names Names of the rows.
#' @param rhs The values under the hypothesis.
#' @param joint TRUE for one F test of all rows, FALSE for a t test of each row.
contest <- function(model, contrasts, names, rhs, joint, ddf, conf_level) {
  weights <- matrix(contrasts, nrow = length(names), byrow = TRUE)
  dimnames(weights) <- list(names, names(lme4::fixef(model$fit)))
  if (joint) {
    table <- with_ddf(model, ddf, function(fit, name) {
      lmerTest::contest(fit, weights, rhs = rhs, joint = TRUE, ddf = name)
    })
    return(f_tests(table))
  }
  table <- with_ddf(model, ddf, function(fit, name) {
    tables <- lapply(seq_along(names), function(i) {
      lmerTest::contest(fit, weights[i, ],
        rhs = rhs[i], joint = FALSE, ddf = name, confint = TRUE, level = conf_level
      )
    })
    do.call(rbind, tables)
  })
  rownames(table) <- names
  list(
    terms = rownames(table),
    estimate = column(table, "Estimate"), std_error = column(table, "Std. Error"),
    df = column(table, "df"), statistic = column(table, "t value"),
    p_value = column(table, "Pr(>|t|)"),
    conf_low = column(table, "lower"), conf_high = column(table, "upper"),
    text = printed(table)
  )
}

#' Stop if two fits do not use the same rows of the same response
#'
#' R compares the names of the data, and ours often have the same name.
check_same_data <- function(fits) {
  responses <- lapply(fits, function(fit) {
    frame <- stats::model.frame(fit)
    list(unname(stats::model.response(frame)), attr(frame, "row.names"))
  })
  same <- vapply(responses[-1L], identical, NA, responses[[1L]])
  if (!all(same)) {
    stop("all models must be fit to the same data: model ", which(!same)[1L] + 1L,
      " has other responses than model 1",
      call. = FALSE
    )
  }
}

#' Operation: likelihood ratio tests of nested models
#'
#' @param models A list of model environments.
#' @param names Names for the rows.
#' @param refit Refit by maximum likelihood what was fitted by REML?
anova_models <- function(models, names, refit) {
  # anova() compares subsets by their names in the calls.
  fits <- Map(with_subset_of, fits_to_compare(models, names), models)
  mixed <- vapply(fits, methods::is, NA, "merMod")
  if (!any(mixed)) {
    stop("at least one of the models must be a mixed model", call. = FALSE)
  }
  # The first argument chooses the method, and must be a mixed model. The table is in
  # order of the numbers of parameters anyway.
  order <- c(which(mixed), which(!mixed))
  holder <- new.env(parent = toolbox)
  symbols <- paste0(".model", seq_along(fits))
  for (i in seq_along(fits)) assign(symbols[i], fits[[i]], envir = holder)
  call <- as.call(c(
    quote(stats::anova), lapply(symbols[order], as.name),
    list(refit = refit, model.names = as.character(names)[order])
  ))
  ratio_tests(eval(call, holder))
}

#' The restricted model of a comparison
#'
#' @param model A model environment.
#' @param restricted A model environment, a matrix as a list, or the text of a
#'   formula change.
#' @return A fit or a restriction matrix.
restricted_model <- function(model, restricted) {
  if (is.environment(restricted)) {
    names <- c("the larger model", "the smaller model")
    small <- fits_to_compare(list(model, restricted), names)[[2L]]
    stop_for_other_rows(list(model$fit, small), names)
    small
  } else if (is.list(restricted)) {
    matrix(restricted$values, nrow = restricted$n_rows, byrow = TRUE)
  } else {
    smaller_fit(model, stats::as.formula(restricted, env = model$frame_env))
  }
}

#' Operation: the terms of the fixed effects, as R spells them
term_labels <- function(model) {
  attr(stats::terms(model$fit), "term.labels")
}

#' Operation: Kenward and Roger's F test of a restriction
kr_modcomp <- function(model, restricted) {
  small <- restricted_model(model, restricted)
  compared <- pbkrtest::KRmodcomp(model$fit, small)
  scaled <- compared$test["Ftest", ]
  unscaled <- compared$test["FtestU", ]
  text <- printed(compared)
  list(
    statistic = scaled[["stat"]], df1 = scaled[["ndf"]], df2 = scaled[["ddf"]],
    f_scaling = scaled[["F.scaling"]], p_value = scaled[["p.value"]],
    unscaled_statistic = unscaled[["stat"]], unscaled_p_value = unscaled[["p.value"]],
    heading = compared_models(model$fit, small, text), text = text
  )
}

#' Operation: Satterthwaite's F test of a restriction
sat_modcomp <- function(model, restricted) {
  full <- fit_of_its_rows(model)
  given <- small <- restricted_model(model, restricted)
  if (is.matrix(small) && utils::packageVersion("pbkrtest") >= "0.5.3") {
    # From this version on SATmodcomp() fails on a matrix, but takes the equivalent model.
    small <- pbkrtest::restriction_matrix2model(full, small)
  }
  compared <- pbkrtest::SATmodcomp(full, small)
  for (part in c("formula.large", "formula.small")) {
    if (inherits(compared[[part]], "formula")) {
      environment(compared[[part]]) <- globalenv() # else its address is printed
    }
  }
  test <- compared$test
  text <- printed(compared)
  list(
    statistic = test[["statistic"]][1L], df1 = test[["ndf"]][1L], df2 = test[["ddf"]][1L],
    p_value = test[["p.value"]][1L], heading = compared_models(full, given, text), text = text
  )
}
