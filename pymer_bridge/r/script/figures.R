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
    profile = profile, predictions = predictions, simulations = simulations, robust = robust
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
