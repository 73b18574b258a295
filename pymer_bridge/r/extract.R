# Reading a fitted model, through accessor functions only.

#' Evaluate in the environment of the model's formula
#'
#' lmerTest and pbkrtest look for the data in the frame that called them. From here
#' they find the model's own data, and never a variable of this package.
#'
#' @param model A model environment.
#' @param expression A quoted expression; `.fit` stands for the fit.
#' @param fit The fit, or another of its kinds.
within_model <- function(model, expression, fit = model$fit) {
  holder <- new.env(parent = model$frame_env)
  holder$.fit <- fit
  eval(expression, holder)
}

#' Operation: the fixed effects with their tests
#'
#' @param model A model environment.
#' @param ddf "none", "normal", "satterthwaite" or "kenward-roger".
#' @param conf_level The level of the Wald intervals.
#' @return Vectors in the order of the terms; `df`, `p_value` and the interval
#'   are NULL where the method has none.
fixed_effects <- function(model, ddf, conf_level) {
  by_t <- ddf %in% c("satterthwaite", "kenward-roger")
  table <- coefficient_table(model, ddf)
  estimate <- unname(table[, "Estimate"])
  std_error <- unname(table[, "Std. Error"])
  # If the family fixes the scale, R calls the statistic z.
  statistic <- unname(table[, intersect(c("t value", "z value"), colnames(table))])
  result <- list(
    terms = rownames(table), estimate = estimate, std_error = std_error, statistic = statistic,
    reference = factor_coding(design_contrasts(model$fit), stats::model.frame(model$fit))
  )
  if (ddf == "normal") {
    result$p_value <- if ("Pr(>|z|)" %in% colnames(table)) {
      unname(table[, "Pr(>|z|)"])
    } else {
      normal_p_value(statistic)
    }
    # As confint() writes it, to the last bit.
    tail <- (1 - conf_level) / 2
    low <- stats::qnorm(tail)
    high <- stats::qnorm(1 - tail)
  } else if (by_t) {
    result$df <- unname(table[, "df"])
    result$p_value <- unname(table[, "Pr(>|t|)"])
    high <- stats::qt((1 + conf_level) / 2, result$df)
    low <- -high
  } else {
    return(result)
  }
  result$conf_low <- estimate + std_error * low
  result$conf_high <- estimate + std_error * high
  result
}

#' How the factors of a model are coded, in a few words each
#'
#' @param contrasts What a design matrix says of its factors.
#' @param frame The model frame.
#' @return Such as "period = 1" for the level with which R compares the others.
factor_coding <- function(contrasts, frame) {
  as.character(unlist(lapply(names(contrasts), function(name) {
    coding <- contrasts[[name]]
    known <- levels(as.factor(frame[[name]]))
    if (identical(coding, "contr.treatment")) {
      paste(name, "=", known[1L])
    } else if (identical(coding, "contr.SAS")) {
      paste(name, "=", known[length(known)])
    } else {
      paste0(name, ": ", if (is.character(coding)) coding[1L] else "contrasts as given")
    }
  })))
}

#' Two-sided p-values by the normal distribution
normal_p_value <- function(statistic) 2 * stats::pnorm(abs(statistic), lower.tail = FALSE)

#' Operation: variances, standard deviations and correlations
variance_components <- function(model) {
  components <- lme4::VarCorr(model$fit)
  table <- as.data.frame(components, order = "lower.tri")
  single <- is.na(table$var2)
  list(
    groups = names(components), factors = names(lme4::getME(model$fit, "cnms")),
    group = table$grp[single], term = table$var1[single],
    variance = table$vcov[single], std_dev = table$sdcor[single],
    pair_group = table$grp[!single], pair_term1 = table$var1[!single],
    pair_term2 = table$var2[!single], covariance = table$vcov[!single],
    correlation = table$sdcor[!single]
  )
}

#' The conditional covariance of one grouping factor, as one array
#'
#' For a factor in several terms lme4 gives a list of arrays. It does not compute the
#' covariance between two terms, which is NA here.
#'
#' @param post The attribute "postVar" of one element of `ranef()`.
#' @param n_terms,n_levels The size of that element.
conditional_covariance <- function(post, n_terms, n_levels) {
  if (!is.list(post)) {
    return(array(post, c(n_terms, n_terms, n_levels)))
  }
  result <- array(NA_real_, c(n_terms, n_terms, n_levels))
  start <- 0L
  for (block in post) {
    inside <- start + seq_len(dim(block)[1L])
    result[inside, inside, ] <- block
    start <- start + dim(block)[1L]
  }
  result
}

#' Operation: conditional modes with their conditional covariance
random_effects <- function(model) {
  effects <- modes_of(model$fit)
  Map(function(table, group) {
    covariance <- conditional_covariance(
      attr(table, "postVar"), ncol(table), nrow(table)
    )
    diagonal <- vapply(
      seq_len(ncol(table)), function(i) covariance[i, i, ], numeric(nrow(table))
    )
    list(
      group = group, levels = rownames(table), terms = names(table),
      estimate = unlist(table, use.names = FALSE),
      std_error = as.vector(sqrt(diagonal)), covariance = as.vector(covariance)
    )
  }, unclass(effects), names(effects))
}

#' Operation: fixed plus random effects for each group
group_coefficients <- function(model) {
  tables <- stats::coef(model$fit)
  Map(function(table, group) {
    list(
      group = group, levels = rownames(table), terms = names(table),
      estimate = unlist(table, use.names = FALSE)
    )
  }, unclass(tables), names(tables))
}

#' Which names are row numbers
#'
#' Where a subset is NA for a row, R invents rows named "NA", "NA.1" ...
is_row <- function(names) {
  # Perl's regular expressions take a quarter of the time of R's own.
  grepl("^[0-9]+$", names, perl = TRUE)
}

#' The row numbers of a model frame, NA where R invented the row
row_numbers <- function(frame) {
  rows <- attr(frame, "row.names")
  # R keeps row numbers as integers; to turn them into names and back takes longer than a fit.
  if (is.integer(rows)) rows else name_numbers(rows)
}

#' Row numbers from row names, NA for rows that R invented
name_numbers <- function(names) {
  names[!is_row(names)] <- NA
  as.integer(names)
}

#' A vector over rows, with the numbers of those rows in the data
#'
#' @param values A vector over the rows of the model frame; with na.exclude also over
#'   the dropped rows, by name.
#' @param fit The fit that they belong to.
over_rows <- function(values, fit) {
  rows <- row_numbers(stats::model.frame(fit))
  if (length(rows) != length(values)) {
    rows <- name_numbers(names(values))
  }
  values <- unnamed(values)
  if (anyNA(rows)) {
    known <- !is.na(rows)
    values <- values[known]
    rows <- rows[known]
  }
  list(values = values, rows = rows)
}

#' Operation: fitted values
fitted_values <- function(model) {
  over_rows(stats::fitted(model$fit), model$fit)
}

#' Operation: residuals
#'
#' @param kind "response", "pearson", "deviance" or "working"; NULL for R's default.
#' @param scaled Divide by the residual standard deviation?
model_residuals <- function(model, kind, scaled) {
  given <- c(if (!is.null(kind)) list(type = kind), if (scaled) list(scaled = TRUE))
  over_rows(do.call(stats::residuals, c(list(model$fit), given)), model$fit)
}

#' Operation: quantiles of the scaled residuals, as the summary prints them
scaled_residual_quantiles <- function(model) {
  stats::quantile(model_summary(model, "none")$residuals, na.rm = TRUE, names = FALSE)
}

#' Operation: the fit statistics
fit_statistics <- function(model) {
  fit <- model$fit
  likelihood <- stats::logLik(fit)
  mixed <- methods::is(fit, "merMod")
  list(
    reml_criterion = if (mixed && lme4::isREML(fit)) lme4::REMLcrit(fit),
    log_likelihood = as.double(likelihood),
    # For a linear model R calls the residual sum of squares the deviance.
    deviance = if (mixed) {
      stats::deviance(fit, REML = FALSE)
    } else if (inherits(fit, "glm")) {
      stats::deviance(fit)
    } else {
      -2 * as.double(likelihood)
    },
    aic = stats::AIC(fit),
    bic = stats::BIC(fit),
    df = attr(likelihood, "df"),
    df_residual = stats::df.residual(fit),
    n_obs = stats::nobs(fit)
  )
}

#' Operation: the covariance matrix of the fixed effects
fixed_covariance <- function(model) {
  covariance <- fixed_covariance_of(model)
  list(names = rownames(covariance), values = as.vector(covariance))
}

#' Operation: the design matrix of the fixed effects
model_matrix <- function(model) {
  design <- stats::model.matrix(model$fit)
  list(
    names = colnames(design), values = as.vector(design),
    # A nonlinear model has a block of rows for each parameter.
    rows = rep_len(row_numbers(stats::model.frame(model$fit)), nrow(design))
  )
}

#' Operation: how the optimizer ended
convergence <- function(model) {
  info <- methods::slot(model$fit, "optinfo") # what every summary has
  messages <- as.character(unlist(info$conv$lme4$messages))
  failures <- messages[!grepl("singular", messages)]
  list(
    converged = all(info$conv$opt == 0) && length(failures) == 0L,
    singular = lme4::isSingular(model$fit),
    code = as.double(info$conv$opt)[1L],
    messages = messages,
    warnings = as.character(unlist(info$warnings)),
    optimizer = as.character(info$optimizer)[1L],
    optimizer_message = paste(as.character(info$message), collapse = " "),
    evaluations = as.double(unlist(info$feval))[1L],
    theta = unname(lme4::getME(model$fit, "theta")),
    theta_names = names(lme4::getME(model$fit, "theta")),
    gradient = as.double(info$derivs$gradient)
  )
}

#' Operation: R's printed summary
#'
#' @param ddf "none" for lme4's, "satterthwaite" or "kenward-roger" for lmerTest's.
summary_text <- function(model, ddf) {
  # R's hints name the printed variable.
  x <- model_summary(model, ddf)
  if (ddf != "none") {
    # The class is printed, and our class is an internal detail.
    x$objClass <- structure("lmerModLmerTest", package = "lmerTest")
  }
  if (methods::is(model$fit, "merMod") && crash_abbreviate(rownames(stats::coef(x)))) {
    warning("R's abbreviate() may crash on letters beyond U+FFFF, which the names of fixed effects ",
      "have; their correlations are not printed",
      call. = FALSE
    )
    return(utils::capture.output(print(x, correlation = FALSE)))
  }
  utils::capture.output(print(x))
}

#' May R's abbreviate() crash on these names?
#'
#' For letters beyond 16 bits it reads outside of a C table, and lme4 abbreviates the names above
#' a printed correlation matrix. In plain R the memory there is mostly readable.
crash_abbreviate <- function(names) {
  any(vapply(enc2utf8(as.character(names)), function(name) any(utf8ToInt(name) > 0xFFFF), NA))
}
