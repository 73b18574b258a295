# Runs a script of an analysis, and writes its figures at full precision into a file.
#
#   Rscript --vanilla figures.R SCRIPT READINGS FIGURES [STATE]
#
# Plain R: nothing here knows of Python. READINGS is a table without quotes: the number, kind and
# variable of what is read, then options. Each line of FIGURES is a number, six parts of a key and
# a value, separated by tabs. Where STATE is given and this process is in the other one of the two
# states of some builds of lme4 (its issue 745), it ends at once with status 3.

#' Texts with tabs, newlines and backslashes escaped
exact <- function(text) {
  text <- enc2utf8(as.character(text))
  for (pair in list(c("\\", "\\\\"), c("\n", "\\n"), c("\r", "\\r"), c("\t", "\\t"))) {
    text <- gsub(pair[1L], pair[2L], text, fixed = TRUE)
  }
  text
}

#' Values as text: hexadecimal numbers, strings after "s:"
as_text <- function(values) {
  if (is.character(values)) {
    ifelse(is.na(values), "NA", paste0("s:", exact(values)))
  } else {
    values <- as.double(values)
    ifelse(is.na(values), "NA", sprintf("%a", values))
  }
}

#' Figures: one row each
#'
#' @param quantity,values What it is, and the figures.
figures <- function(family, quantity, values, group = "", level = "", term = "", term2 = "") {
  if (length(values) == 0L) {
    return(NULL)
  }
  data.frame(
    family = family, group = exact(group), level = exact(level), term = exact(term),
    term2 = exact(term2), quantity = quantity, value = as_text(values),
    row.names = NULL, stringsAsFactors = FALSE
  )
}

#' Columns of a table, each by any of several names
#'
#' @param table A data frame or matrix.
#' @param wanted A named list: for each figure the names of its column in the versions.
columns <- function(family, table, wanted, term = rownames(table), ...) {
  do.call(rbind, lapply(names(wanted), function(quantity) {
    found <- intersect(wanted[[quantity]], colnames(table))
    if (length(found) > 0L) figures(family, quantity, table[, found[1L]], term = term, ...)
  }))
}

f_columns <- list(
  sum_sq = c("Sum Sq", "Sum of Sq"), mean_sq = "Mean Sq", df1 = c("NumDF", "npar", "Df"),
  df2 = "DenDF", statistic = c("F value", "F.value"), p_value = c("Pr(>F)", "P(>F)")
)
ratio_columns <- list(
  n_parameters = "npar", aic = "AIC", bic = "BIC", log_likelihood = "logLik",
  deviance = c("-2*log(L)", "deviance"), chi_square = c("Chisq", "LRT"), df = "Df",
  p_value = c("Pr(>Chisq)", "Pr(Chi)")
)
t_columns <- list(
  estimate = "Estimate", std_error = "Std. Error", df = "df", statistic = c("t value", "z value"),
  p_value = c("Pr(>|t|)", "Pr(>|z|)"), conf_low = "lower", conf_high = "upper"
)

#' lme4's summary of a fit, of lmerTest or not
plain_summary <- function(fit) {
  suppressWarnings(
    if (methods::is(fit, "lmerModLmerTest")) summary(fit, ddf = "lme4") else summary(fit)
  )
}

#' Figures that every fit has
general_figures <- function(fit) {
  family <- if (inherits(fit, c("glm", "glmerMod"))) stats::family(fit)
  likelihood <- stats::logLik(fit)
  mixed <- methods::is(fit, "merMod")
  deviance <- if (mixed) {
    stats::deviance(fit, REML = FALSE)
  } else if (inherits(fit, "glm")) {
    stats::deviance(fit)
  } else {
    -2 * as.double(likelihood)
  }
  fact <- function(...) figures("fit_statistic", ...)
  rbind(
    figures("model", "n_obs", stats::nobs(fit)), figures("model", "sigma", stats::sigma(fit)),
    if (!is.null(family)) {
      # The size of a negative binomial is a figure of its own.
      name <- sub("^(Negative Binomial)\\(.*$", "\\1", family$family)
      rbind(figures("model", "family", name), figures("model", "link", family$link))
    },
    fact("log_likelihood", as.double(likelihood)), fact("deviance", deviance),
    fact("aic", stats::AIC(fit)), fact("bic", stats::BIC(fit)),
    fact("df", attr(likelihood, "df")), fact("df_residual", stats::df.residual(fit))
  )
}

#' Variances, standard deviations, covariances and correlations
spread_figures <- function(fit) {
  table <- as.data.frame(lme4::VarCorr(fit), order = "lower.tri")
  single <- table[is.na(table$var2), ]
  pair <- table[!is.na(table$var2), ]
  term <- ifelse(is.na(single$var1), "", single$var1)
  rbind(
    figures("variance_component", "variance", single$vcov, single$grp, term = term),
    figures("variance_component", "std_dev", single$sdcor, single$grp, term = term),
    figures("correlation", "covariance", pair$vcov, pair$grp, term = pair$var1, term2 = pair$var2),
    figures("correlation", "correlation", pair$sdcor, pair$grp,
      term = pair$var1, term2 = pair$var2
    )
  )
}

#' Conditional modes
modes_figures <- function(fit) {
  effects <- lme4::ranef(fit, condVar = TRUE)
  do.call(rbind, lapply(names(effects), function(group) {
    table <- effects[[group]]
    blocks <- attr(table, "postVar")
    if (!is.list(blocks)) blocks <- list(blocks)
    deviations <- unlist(lapply(blocks, function(block) {
      lapply(seq_len(dim(block)[1L]), function(i) sqrt(block[i, i, ]))
    }), recursive = FALSE)
    do.call(rbind, lapply(seq_along(table), function(i) {
      rbind(
        figures("random_effect", "estimate", table[[i]], group, rownames(table), names(table)[i]),
        figures("random_effect", "std_error", deviations[[i]], group, rownames(table),
          names(table)[i]
        )
      )
    }))
  }))
}

mixed_model <- function(fit, options) {
  summarised <- plain_summary(fit)
  info <- summarised$optinfo
  said <- as.character(unlist(info$conv$lme4$messages))
  theta <- lme4::getME(fit, "theta")
  groups <- lme4::ngrps(fit)
  size <- if (methods::is(fit, "glmerMod") &&
    startsWith(stats::family(fit)$family, "Negative Binomial")) {
    lme4::getME(fit, "glmer.nb.theta")
  }
  fact <- function(...) figures("convergence", ...)
  rbind(
    general_figures(fit), figures("model", "reml", lme4::isREML(fit)),
    figures("model", "size", size),
    figures(
      "model", "dropped_columns",
      paste(names(attr(lme4::getME(fit, "X"), "col.dropped")), collapse = "\n")
    ),
    figures("model", "n_levels", groups, names(groups)),
    columns("fixed_effect", stats::coef(summarised), t_columns[c(
      "estimate", "std_error", "statistic"
    )]),
    spread_figures(fit), modes_figures(fit),
    if (lme4::isREML(fit)) figures("fit_statistic", "reml_criterion", lme4::REMLcrit(fit)),
    figures("theta", "estimate", theta, term = names(theta)),
    fact("converged", all(info$conv$opt == 0) && all(grepl("singular", said))),
    fact("singular", lme4::isSingular(fit)), fact("code", as.double(info$conv$opt)[1L]),
    fact("optimizer", as.character(info$optimizer)[1L]),
    fact("evaluations", as.double(unlist(info$feval))[1L])
  )
}

linear_model <- function(fit, options) {
  rbind(
    general_figures(fit),
    columns("fixed_effect", stats::coef(summary(fit)), t_columns[c(
      "estimate", "std_error", "statistic", "p_value"
    )])
  )
}

separate_model <- function(fit, options) {
  table <- summary(fit)$coefficients
  quantities <- c("estimate", "std_error", "statistic", "p_value")
  rbind(
    figures("model", "n_levels", length(names(fit)),
      paste(deparse(stats::formula(fit)[[3L]][[3L]]), collapse = " ")
    ),
    do.call(rbind, lapply(seq_along(quantities), function(i) {
      do.call(rbind, lapply(dimnames(table)[[3L]], function(term) {
        figures("separate_effect", quantities[i], table[, i, term],
          paste(deparse(stats::formula(fit)[[3L]][[3L]]), collapse = " "), names(fit), term
        )
      }))
    }))
  )
}

#' @param options How it is tested, and the level of intervals.
summary_of <- function(summarised, options) {
  table <- stats::coef(summarised)
  if (options[1L] == "none" && "t value" %in% colnames(table)) {
    return(columns("fixed_effect", table, t_columns[c("estimate", "std_error", "statistic")]))
  }
  upper <- (1 + as.double(options[2L])) / 2
  p_value <- intersect(t_columns$p_value, colnames(table))
  half <- table[, "Std. Error"] * if (options[1L] %in% c("none", "normal")) {
    stats::qnorm(upper)
  } else {
    stats::qt(upper, table[, "df"])
  }
  ends <- cbind(lower = table[, "Estimate"] - half, upper = table[, "Estimate"] + half)
  if (length(p_value) == 0L) {
    statistic <- table[, "t value"]
    ends <- cbind(ends, "Pr(>|z|)" = 2 * stats::pnorm(abs(statistic), lower.tail = FALSE))
  }
  if (options[1L] == "none") ends <- NULL
  rownames <- rownames(table)
  columns("fixed_effect", cbind(table, ends), t_columns, term = rownames)
}

f_tests <- function(table, options) columns("f_test", table, f_columns)

#' @param options Names of rows, and their names elsewhere, in turn.
ratio_tests <- function(table, options) {
  term <- rownames(table)
  known <- match(term, options[c(TRUE, FALSE)])
  term[!is.na(known)] <- options[c(FALSE, TRUE)][known[!is.na(known)]]
  columns("ratio_test", table, ratio_columns, term = term)
}

term_columns <- list(
  df1 = "Df", sum_sq = c("Sum Sq", "Sum of Sq"), mean_sq = "Mean Sq", deviance = "Deviance",
  df_residual = c("Resid. Df", "Res.Df"), residual_deviance = c("Resid. Dev", "RSS"), aic = "AIC",
  statistic = c(
    "F value", "F values", "F", "LR Chisq", "Chisq", "LRT", "scaled dev.", "Rao", "Rao score",
    "scaled Rao sc."
  ),
  p_value = c("Pr(>F)", "Pr(>Chisq)", "Pr(>Chi)")
)

#' @param options Names of the rows, if the table has others.
term_tests <- function(table, options) {
  term <- if (length(options) > 0L) options else rownames(table)
  columns("term_test", table, term_columns, term = term)
}

drop_terms <- function(table, options) {
  # Of a generalized model the deviance is that of the model without the term.
  term_columns$residual_deviance <- c("RSS", "Deviance")
  term_columns$deviance <- NULL
  columns("term_test", table, term_columns)
}

drop_by_ratio <- function(table, options) {
  # Here npar is the number of parameters that a term removes: the degrees of freedom of its test.
  ratio_columns$df <- "npar"
  columns("ratio_test", table, ratio_columns)
}

#' @param options Names of the rows.
t_tests <- function(table, options) columns("t_test", table, t_columns, term = options)

step <- function(steps, options) {
  rbind(
    columns("random_step", steps$random, c(ratio_columns, list(eliminated = "Eliminated"))),
    columns("fixed_step", steps$fixed, c(f_columns, list(eliminated = "Eliminated")))
  )
}

intervals <- function(table, options) {
  rbind(
    figures("interval", "conf_low", table[, 1L], term = rownames(table)),
    figures("interval", "conf_high", table[, 2L], term = rownames(table))
  )
}

#' @param options Names of coefficients, or the variable of the fit after "coef:".
linear_intervals <- function(table, options) {
  if (is.null(dim(table))) {
    table <- matrix(table, ncol = 2L)
    fit <- sub("^coef:", "", options[1L])
    rownames(table) <- if (fit == options[1L]) fit else names(stats::coef(get(fit, globalenv())))
  }
  intervals(table)
}

#' @param options The variable of the fit, and the level of the intervals.
linear <- function(table, options) {
  if (length(dim(table)) == 3L) {
    return(do.call(rbind, lapply(dimnames(table)[[3L]], function(term) {
      rbind(
        figures("separate_effect", "conf_low", table[, 1L, term], level = rownames(table),
          term = term
        ),
        figures("separate_effect", "conf_high", table[, 2L, term], level = rownames(table),
          term = term
        )
      )
    })))
  }
  if (is.null(dim(table))) {
    table <- matrix(table, ncol = 2L)
    rownames(table) <- names(stats::coef(get(options[1L], globalenv())))
  }
  summarised <- stats::coef(summary(get(options[1L], globalenv())))
  table <- table[rownames(summarised), , drop = FALSE]
  rbind(
    columns("fixed_effect", summarised, t_columns),
    if ("t value" %in% colnames(summarised)) {
      figures("fixed_effect", "df", stats::df.residual(get(options[1L], globalenv())),
        term = rownames(summarised)
      )
    },
    figures("fixed_effect", "conf_low", table[, 1L], term = rownames(table)),
    figures("fixed_effect", "conf_high", table[, 2L], term = rownames(table))
  )
}

KRmodcomp <- function(compared, options) {
  scaled <- compared$test["Ftest", ]
  unscaled <- compared$test["FtestU", ]
  rbind(
    figures("comparison", "statistic", scaled[["stat"]]),
    figures("comparison", "df1", scaled[["ndf"]]), figures("comparison", "df2", scaled[["ddf"]]),
    figures("comparison", "f_scaling", scaled[["F.scaling"]]),
    figures("comparison", "p_value", scaled[["p.value"]]),
    figures("comparison", "unscaled_statistic", unscaled[["stat"]]),
    figures("comparison", "unscaled_p_value", unscaled[["p.value"]])
  )
}

SATmodcomp <- function(compared, options) {
  test <- compared$test
  rbind(
    figures("comparison", "statistic", test[["statistic"]][1L]),
    figures("comparison", "df1", test[["ndf"]][1L]),
    figures("comparison", "df2", test[["ddf"]][1L]),
    figures("comparison", "p_value", test[["p.value"]][1L])
  )
}

PBmodcomp <- function(compared, options) {
  table <- as.data.frame(summary(compared)$test)
  ratios <- as.vector(compared$ref)
  rbind(
    columns("bootstrap_test", table, list(
      statistic = "stat", df = "df", df2 = "ddf", p_value = "p.value"
    )),
    figures("likelihood_ratio", "value", ratios, level = seq_along(ratios))
  )
}

bootMer <- function(drawn, options) {
  observed <- drawn$t0
  name <- names(observed)
  if (is.null(name)) {
    name <- if (length(observed) == 1L) "statistic" else paste0("statistic", seq_along(observed))
  }
  replicates <- as.matrix(drawn$t)
  rbind(
    figures("bootstrap", "estimate", observed, term = name),
    figures("replicate", "value", as.vector(replicates),
      level = as.vector(row(replicates)), term = name[as.vector(col(replicates))]
    )
  )
}

# The levels of predictors, row by row, as one term.
levels_of <- function(table, keys) {
  parts <- lapply(keys, function(key) {
    values <- table[[key]]
    paste0(key, "=", if (is.numeric(values)) sprintf("%a", values) else as.character(values))
  })
  do.call(paste, c(parts, sep = ";"))
}

keys_of <- function(table) {
  intersect(c(attr(table, "pri.vars"), attr(table, "by.vars")), names(table))
}

# Where R has no tests beside response values, they are those of another variable.
means <- function(table, options) {
  if (length(options) > 0L) {
    tests <- get(options[1L], globalenv())
    columns <- intersect(c("t.ratio", "z.ratio", "p.value"), names(tests))
    table[columns] <- tests[columns]
  }
  columns("mean", table, list(
    estimate = attr(table, "estName"), std_error = "SE", df = "df",
    conf_low = c("lower.CL", "asymp.LCL"), conf_high = c("upper.CL", "asymp.UCL"),
    statistic = c("t.ratio", "z.ratio"), p_value = "p.value"
  ), term = levels_of(table, keys_of(table)))
}

mean_tests <- function(table, options) {
  if (is.null(table[["null"]])) table[["null"]] <- rep(0, nrow(table))
  columns("mean_test", table, list(
    estimate = attr(table, "estName"), std_error = "SE", df = "df", null = "null",
    statistic = c("t.ratio", "z.ratio"), p_value = "p.value"
  ), term = levels_of(table, keys_of(table)))
}

joint_tests <- function(table, options) {
  columns("joint_test", table, list(
    df1 = "df1", df2 = "df2", statistic = "F.ratio", p_value = "p.value"
  ), level = if (length(options) > 0L) levels_of(table, options) else "",
  term = as.character(table[["model term"]]))
}

profile <- function(profiled, options) {
  points <- as.data.frame(profiled)
  place <- stats::ave(seq_len(nrow(points)), points$.par, FUN = seq_along)
  rbind(
    figures("profile", "zeta", points$.zeta, level = place, term = as.character(points$.par)),
    figures("profile", "focal", points$.focal, level = place, term = as.character(points$.par))
  )
}

#' Which of these are rows of the data: where a subset is missing, R makes rows of the name "NA"
are_rows <- function(names, n) if (is.null(names)) rep(TRUE, n) else grepl("^[0-9]+$", names)

predictions <- function(predicted, options) {
  values <- if (is.list(predicted)) predicted$fit else predicted
  found <- cbind(values, if (is.list(predicted)) predicted$se.fit)
  quantities <- c(
    "estimate", if (is.matrix(values)) c("conf_low", "conf_high"),
    if (is.list(predicted)) "std_error"
  )
  found <- found[are_rows(rownames(found), nrow(found)), , drop = FALSE]
  do.call(rbind, lapply(seq_along(quantities), function(i) {
    figures("prediction", quantities[i], found[, i], level = seq_len(nrow(found)))
  }))
}

simulations <- function(drawn, options) {
  drawn <- drawn[are_rows(row.names(drawn), nrow(drawn)), , drop = FALSE]
  do.call(rbind, lapply(names(drawn), function(name) {
    column <- drawn[[name]]
    figure <- function(quantity, values) {
      figures("simulation", quantity, as.double(values), level = seq_along(values), term = name)
    }
    if (is.matrix(column)) {
      rbind(figure("value", column[, 1L]), figure("failures", column[, 2L]))
    } else {
      figure("value", column)
    }
  }))
}

robust <- function(found, options) {
  of <- list(
    estimate = "beta", std_error = "SE", statistic = "tstat",
    df = c("df_Satt", "df_t", "df_tp", "df"),
    p_value = c("p_Satt", "p_t", "p_tp", "p_z", "p_saddle", "p_val")
  )
  rbind(
    columns("robust_effect", found$tests, of),
    if (!is.null(found$intervals)) {
      columns("robust_effect", found$intervals, list(conf_low = "CI_L", conf_high = "CI_U"),
        term = rownames(found$tests)
      )
    }
  )
}

#' @param options What the values are.
observations <- function(values, options) {
  values <- values[are_rows(names(values), length(values))]
  figures("observation", options[1L], as.vector(values), level = seq_along(values))
}

#' Figures of a matrix, by the places of its rows
by_place <- function(family, quantity, found) {
  figures(family, quantity, as.vector(found),
    level = as.vector(row(found)), term = colnames(found)[as.vector(col(found))]
  )
}

matrix_of <- function(found, options) {
  found <- as.matrix(found)
  by_place("matrix", "value", found[are_rows_of(found), , drop = FALSE])
}

#' Where the names of rows are not those of columns, they are numbers of the data's rows
are_rows_of <- function(found) {
  if (identical(rownames(found), colnames(found))) {
    rep(TRUE, nrow(found))
  } else {
    are_rows(rownames(found), nrow(found))
  }
}

group_coefficients <- function(found, options) {
  do.call(rbind, lapply(names(found), function(group) {
    table <- found[[group]]
    do.call(rbind, lapply(names(table), function(term) {
      figures("group_coefficient", "estimate", table[[term]], group, rownames(table), term)
    }))
  }))
}

#' @param options The variable of the fit.
measures <- function(found, options) {
  table <- found$infmat
  # With na.exclude R also has the rows that it left out.
  used <- rownames(stats::model.frame(get(options[1L], globalenv())))
  table <- table[rownames(table) %in% used[are_rows(used, length(used))], , drop = FALSE]
  marked <- apply(found$is.inf[rownames(table), , drop = FALSE], 1L, any)
  n <- ncol(table) - 4L
  betas <- table[, seq_len(n), drop = FALSE]
  figure <- function(...) figures("influence_measure", ..., level = seq_len(nrow(table)))
  rbind(
    figure("dffits", table[, "dffit"]), figure("cov_ratio", table[, "cov.r"]),
    figure("cooks_distance", table[, "cook.d"]), figure("hat", table[, "hat"]),
    figure("influential", as.vector(marked)),
    figures("influence_measure", "dfbetas", as.vector(betas),
      level = as.vector(row(betas)), term = as.character(as.vector(col(betas)))
    )
  )
}

#' @param options The variable of the measures by covariances.
influence <- function(found, options) {
  part <- function(start) found[[grep(paste0("^", start, "[[]-"), names(found))]]
  measures <- get(options[1L], globalenv())
  figure <- function(...) figures("influence", ..., level = seq_len(nrow(measures)))
  rbind(
    figure("cooks_distance", as.vector(stats::cooks.distance(found))),
    do.call(rbind, lapply(colnames(measures), function(name) figure(name, measures[, name]))),
    figure("evaluations", as.vector(found$function.evals)),
    figure("converged", as.vector(found$converged)),
    by_place("influence", "fixed_effects", part("fixed.effects")),
    by_place("influence", "variances", part("var.cov.comps")),
    by_place("influence", "dfbeta", stats::dfbeta(found)),
    by_place("influence", "dfbetas", stats::dfbetas(found)),
    by_place("influence", "dfbeta_variances", stats::dfbeta(found, which = "var.cov"))
  )
}

components <- function(found, options) {
  do.call(rbind, Map(function(part, group) {
    importance <- summary(part)$importance
    figure <- function(...) figures("component", ..., group, seq_along(part$sdev))
    rbind(
      figure("std_dev", part$sdev), figure("proportion", importance[2L, ]),
      figure("cumulative", importance[3L, ]),
      figures("rotation", "value", as.vector(part$rotation), group,
        as.vector(row(part$rotation)), as.character(as.vector(col(part$rotation)))
      )
    )
  }, unclass(found), names(found)))
}

factors <- function(found, options) {
  table <- if (is.matrix(found)) found else cbind(found, 1)
  figure <- function(...) figures("inflation_factor", ..., term = rownames(table))
  rbind(
    figure("factor", table[, 1L]), figure("df", table[, 2L]),
    figure("adjusted", table[, 1L]^(1 / (2 * table[, 2L])))
  )
}

share_names <- c(
  ICC_adjusted = "adjusted", ICC_unadjusted = "unadjusted", R2_marginal = "marginal",
  R2_conditional = "conditional", r.squared = "r_squared", adj.r.squared = "adjusted"
)

shares <- function(found, options) {
  if (any(c("Group", "Level") %in% names(found))) {
    return(figures("share", "share", found[[2L]], as.character(found[[1L]])))
  }
  known <- intersect(names(found), names(share_names))
  do.call(rbind, lapply(known, function(name) {
    # A bootstrap adds the ends of its interval.
    quantities <- paste0(share_names[[name]], c("", "_conf_low", "_conf_high"))
    values <- as.vector(found[[name]])
    figures("share", quantities[seq_along(values)], values)
  }))
}

#' @param options What the row is called.
wald_test <- function(found, options) {
  figure <- function(...) figures("f_test", ..., term = options)
  rbind(
    figure("df1", found[[intersect(c("df_num", "df"), names(found))[1L]]]),
    figure("df2", found$df_denom), figure("statistic", found$Fstat), figure("p_value", found$p_val)
  )
}

#' The figures of each check of performance: statistic, degrees of freedom and p-value
checks <- function(found, options) {
  do.call(rbind, lapply(names(found), function(name) {
    one <- found[[name]]
    figure <- function(quantity, value, what) {
      figures("check", quantity, as.double(value), name, term = what)
    }
    switch(name,
      collinearity = figure("statistic", one$VIF, one$Term),
      overdispersion = rbind(
        figure("statistic", one$dispersion_ratio, "residuals"),
        figure("df", one$residual_df, "residuals"), figure("p_value", one$p_value, "residuals")
      ),
      zeroinflation = rbind(
        figure("statistic", one$ratio, "response"), figure("p_value", one$p.value, "response")
      ),
      outliers = figure("statistic", sum(as.logical(one), na.rm = TRUE), "observations"),
      convergence = figure("statistic", attr(one, "gradient"), "optimizer"),
      random_normality = figure("p_value", one, attr(one, "re_groups")),
      singularity = NULL,
      figure("p_value", one, "residuals")
    )
  }))
}

all_fit <- function(fits, options) {
  found <- summary(fits)
  fit_names <- names(found$which.OK)[found$which.OK]
  table <- function(quantity, values) {
    values <- as.matrix(values)
    figures("optimizer", quantity, as.vector(values),
      level = rep(fit_names, ncol(values)), term = as.character(as.vector(col(values)))
    )
  }
  figure <- function(...) figures("optimizer", ..., level = fit_names)
  rbind(
    figure("log_likelihood", found$llik), figure("evaluations", as.double(found$feval)),
    figure("singular", vapply(fits[found$which.OK], lme4::isSingular, NA)),
    table("fixed_effects", found$fixef), table("sdcor", found$sdcor), table("theta", found$theta)
  )
}

criteria <- function(found, options) {
  columns("criterion", found, list(
    n_parameters = "df", log_likelihood = "logLik", aic = "AIC", aicc = "AICc", bic = "BIC",
    aic_difference = "AIC.diff", aicc_difference = "AICc.diff", bic_difference = "BIC.diff",
    aic_weight = "AIC.weight", aicc_weight = "AICc.weight", bic_weight = "BIC.weight",
    rmse = "RMSE"
  ))
}

#' @param options The variables of the summary, and of the pooled variances.
pooled <- function(found, options) {
  table <- get(options[1L], globalenv())
  rows <- found$pooled
  term <- as.character(rows$term)
  figure <- function(...) figures("pooled_effect", ..., term = term)
  ends <- grep("%$", names(table))
  spread <- if (length(options) > 1L) get(options[2L], globalenv())$extra.pars
  rbind(
    figure("estimate", rows$estimate), figure("std_error", table$std.error),
    figure("df", as.double(table$df)), figure("statistic", table$statistic),
    figure("p_value", table$p.value), figure("conf_low", table[[ends[1L]]]),
    figure("conf_high", table[[ends[2L]]]), figure("within", rows$ubar),
    figure("between", rows$b), figure("relative_increase", rows$riv),
    figure("missing_information", rows$fmi),
    figures("pooled_parameter", "estimate", as.double(spread), term = rownames(spread))
  )
}

power <- function(found, options) {
  names <- c("estimates", "std_errors", "df", "statistics", "p_values")
  replicates <- lapply(seq_along(found$values), function(i) {
    values <- matrix(found$values[[i]], ncol = 5L)
    test <- rownames(found$power)
    do.call(rbind, lapply(seq_along(names), function(k) {
      figures("power_replicate", names[k], values[, k], level = i, term = test)
    }))
  })
  level <- seq_along(found$singular)
  rbind(
    columns("power", found$power, as.list(stats::setNames(nm = names(found$power)))),
    figures("power_replicate", "singular", as.vector(found$singular), level = level),
    figures("power_replicate", "converged", as.vector(found$converged), level = level),
    do.call(rbind, replicates)
  )
}

process_state <- function() {
  # This needs crossed factors: for a single factor there is one ordering only.
  fit <- lme4::lmer(diameter ~ 1 + (1 | plate) + (1 | sample), lme4::Penicillin)
  methods::slot(lme4::getME(fit, "L"), "type")[1L]
}

# In an environment of its own: the workspace belongs to the script.
local({
  given <- commandArgs(trailingOnly = TRUE)
  state <- process_state()
  if (length(given) > 3L && state != as.integer(given[4L])) quit("no", status = 3L)
  readers <- list(
    mixed_model = mixed_model, linear_model = linear_model, separate_model = separate_model,
    summary = summary_of, f_tests = f_tests, ratio_tests = ratio_tests,
    term_tests = term_tests, drop_terms = drop_terms, drop_by_ratio = drop_by_ratio, t_tests = t_tests, step = step, intervals = intervals,
    linear = linear, linear_intervals = linear_intervals, KRmodcomp = KRmodcomp, SATmodcomp = SATmodcomp, PBmodcomp = PBmodcomp,
    bootMer = bootMer, means = means, mean_tests = mean_tests, joint_tests = joint_tests,
    profile = profile, predictions = predictions, simulations = simulations, robust = robust,
    observations = observations, matrix = matrix_of, group_coefficients = group_coefficients,
    measures = measures, influence = influence, components = components, factors = factors,
    shares = shares, all_fit = all_fit, criteria = criteria, pooled = pooled, power = power,
    checks = checks, wald_test = wald_test
  )
  # The script must find R's own functions, not those above.
  own <- environment()
  names <- setdiff(ls(globalenv(), all.names = TRUE), ".Random.seed")
  home <- list2env(mget(names, globalenv()), parent = parent.env(globalenv()))
  for (name in names) {
    if (is.function(home[[name]])) environment(home[[name]]) <- home
  }
  readers <- lapply(readers, `environment<-`, home)
  rm(list = names, envir = globalenv())
  source(given[1L], local = globalenv(), print.eval = TRUE, encoding = "UTF-8")
  lines <- readLines(given[2L], encoding = "UTF-8")
  found <- lapply(strsplit(lines, "\t", fixed = TRUE), function(reading) {
    options <- gsub("\\t", "\t", reading[-(1:3)], fixed = TRUE)
    table <- readers[[reading[2L]]](get(reading[3L], globalenv()), options)
    if (!is.null(table)) paste(reading[1L], do.call(paste, c(table, sep = "\t")), sep = "\t")
  })
  writeLines(c(paste0("state\t", state), unlist(found)), given[3L], useBytes = TRUE)
})
