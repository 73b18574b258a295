# A fit as data frames with the columns of broom.mixed, which is not needed here.
#
# Where broom.mixed writes a dot between two words (std.error) we write an underscore;
# nothing else is named or ordered in another way.

#' The columns of a tidy table, in the order of broom.mixed
tidy_columns <- c(
  "effect", "group", "level", "term", "estimate", "std_error", "statistic", "df", "p_value",
  "conf_low", "conf_high"
)

#' Operation: the estimates of a model, one row each
#'
#' @param effects Any of "fixed", "ran_pars", "ran_vals" and "ran_coefs".
#' @param conf_int Give intervals too?
#' @param conf_method "wald", "profile" or "boot".
#' @param ends For "boot": `names` of parameters, `conf_low` and `conf_high`.
#' @param ddf "none", "normal", "satterthwaite" or "kenward-roger".
#' @param exponentiate,exponentiate_ran_coefs Exponentiate fixed effects, or group
#'   coefficients?
#' @param scale "sdcor" for standard deviations and correlations, "vcov" for variances and
#'   covariances.
#' @return A list of columns, of equal lengths.
tidy_model <- function(model, effects, conf_int, conf_level, conf_method, ends, ddf,
                       exponentiate, exponentiate_ran_coefs, scale) {
  parts <- list(
    fixed = if ("fixed" %in% effects) {
      tidy_fixed(model, conf_int, conf_level, conf_method, ends, ddf, exponentiate)
    },
    ran_pars = if ("ran_pars" %in% effects) {
      tidy_random_parameters(model, conf_int, conf_level, conf_method, ends, scale)
    },
    ran_vals = if ("ran_vals" %in% effects) {
      tidy_random_values(model$fit, conf_int, conf_level)
    },
    ran_coefs = if ("ran_coefs" %in% effects) {
      tidy_group_coefficients(model$fit, conf_int, exponentiate_ran_coefs)
    }
  )
  stacked(Filter(Negate(is.null), parts))
}

#' Lists of columns, one below the other
#'
#' @param parts A named list of them; the names become the column "effect".
stacked <- function(parts) {
  parts <- Map(function(part, name) {
    c(list(effect = rep(name, length(part$estimate))), part)
  }, parts, names(parts))
  used <- intersect(tidy_columns, unlist(lapply(parts, names)))
  sapply(used, function(name) {
    unlist(lapply(parts, function(part) {
      if (is.null(part[[name]])) rep(NA, length(part$estimate)) else part[[name]]
    }), use.names = FALSE)
  }, simplify = FALSE)
}

#' The fixed effects
tidy_fixed <- function(model, conf_int, conf_level, conf_method, ends, ddf, exponentiate) {
  table <- coefficient_table(model, ddf)
  part <- list(
    term = rownames(table), estimate = unname(table[, "Estimate"]),
    std_error = unname(table[, "Std. Error"]),
    statistic = column(table, "t value", "z value"), df = column(table, "df"),
    p_value = column(table, "Pr(>|t|)", "Pr(>|z|)")
  )
  if (ddf == "normal" && is.null(part$p_value)) {
    part$p_value <- 2 * stats::pnorm(abs(part$statistic), lower.tail = FALSE)
  }
  if (conf_int) {
    part[c("conf_low", "conf_high")] <- switch(conf_method,
      wald = tidy_wald(model$fit, part, conf_level),
      profile = two_columns(stats::confint(profile_of(model, "beta_"), level = conf_level)),
      boot = chosen_ends(ends, names(lme4::fixef(model$fit)))
    )
  }
  if (exponentiate) {
    scaled <- intersect(c("estimate", "conf_low", "conf_high"), names(part))
    part[scaled] <- lapply(part[scaled], exp)
    part$std_error <- part$std_error * part$estimate
  }
  Filter(Negate(is.null), part)
}

#' Wald intervals: with degrees of freedom by Student's t, else as R gives them
tidy_wald <- function(fit, part, conf_level) {
  if (is.null(part$df)) {
    return(two_columns(stats::confint(fit, parm = "beta_", method = "Wald", level = conf_level)))
  }
  half_width <- stats::qt((1 + conf_level) / 2, df = part$df) * part$std_error
  list(part$estimate - half_width, part$estimate + half_width)
}

#' A matrix of intervals as its two columns
two_columns <- function(intervals) list(unname(intervals[, 1L]), unname(intervals[, 2L]))

#' The intervals of some parameters
chosen_ends <- function(ends, names) {
  at <- match(names, ends$names)
  list(as.double(ends$conf_low)[at], as.double(ends$conf_high)[at])
}

#' The parameters of the random effects and the residuals
tidy_random_parameters <- function(model, conf_int, conf_level, conf_method, ends, scale) {
  fit <- model$fit
  # The order of the intervals.
  order <- if (utils::packageVersion("lme4") >= "2.0.0") "cov.last" else "lower.tri"
  table <- as.data.frame(lme4::VarCorr(fit), order = order)
  single <- is.na(table$var2)
  prefix <- if (scale == "vcov") c("var", "cov") else c("sd", "cor")
  what <- ifelse(is.na(table$var1), "Observation", ifelse(single, table$var1,
    paste(table$var1, table$var2, sep = ".")
  ))
  part <- list(
    group = as.character(table$grp), term = paste(ifelse(single, prefix[1L], prefix[2L]), what,
      sep = "__"
    ),
    estimate = table[[scale]]
  )
  if (conf_int) {
    intervals <- switch(conf_method,
      # R has none, and gives missing values.
      wald = rep(list(rep(NA_real_, nrow(table))), 2L),
      profile = two_columns(random_profile_intervals(model, conf_level, scale)),
      boot = chosen_ends(ends, setdiff(parameter_names_of(fit)$names, names(lme4::fixef(fit))))
    )
    if (length(intervals[[1L]]) != nrow(table)) {
      stop("R has ", length(intervals[[1L]]), " intervals for ", nrow(table),
        " parameters of the random effects",
        call. = FALSE
      )
    }
    part[c("conf_low", "conf_high")] <- intervals
  }
  part
}

#' Profile intervals of the random effects' parameters
random_profile_intervals <- function(model, conf_level, scale) {
  found <- if (scale == "sdcor") {
    profile_of(model, "theta_")
  } else {
    profiled(model, which = "theta_", prof.scale = "varcov")
  }
  stats::confint(found, level = conf_level)
}

#' The conditional modes
tidy_random_values <- function(fit, conf_int, conf_level) {
  table <- as.data.frame(modes_of(fit))
  part <- list(
    group = as.character(table$grpvar), level = as.character(table$grp),
    term = as.character(table$term), estimate = table$condval, std_error = table$condsd
  )
  if (conf_int) {
    multiple <- stats::qnorm((1 + conf_level) / 2)
    part$conf_low <- part$estimate - multiple * part$std_error
    part$conf_high <- part$estimate + multiple * part$std_error
  }
  part
}

#' Fixed plus random effects of each group
tidy_group_coefficients <- function(fit, conf_int, exponentiate) {
  tables <- stats::coef(fit)
  columns <- lapply(names(tables), function(group) {
    table <- tables[[group]]
    list(
      group = rep(group, length(table) * nrow(table)), level = rep(rownames(table), length(table)),
      term = rep(names(table), each = nrow(table)), estimate = unlist(table, use.names = FALSE)
    )
  })
  part <- do.call(Map, c(list(c), columns))
  if (conf_int) {
    warning("CIs not available for random-effects coefficients: returning NA", call. = FALSE)
    part$conf_low <- part$conf_high <- rep(NA_real_, length(part$estimate))
  }
  if (exponentiate) part$estimate <- exp(part$estimate)
  part
}

#' Operation: one row about the whole fit
#'
#' What does not apply is left out, as broom.mixed does.
glance_model <- function(model) {
  fit <- model$fit
  criterion <- list(if (lme4::isREML(fit)) {
    as.double(lme4::REMLcrit(fit))
  } else {
    as.double(stats::deviance(fit))
  })
  names(criterion) <- if (lme4::isREML(fit)) "REMLcrit" else "deviance"
  row <- c(
    list(
      nobs = stats::nobs(fit), sigma = stats::sigma(fit),
      logLik = as.double(stats::logLik(fit)), AIC = stats::AIC(fit), BIC = stats::BIC(fit)
    ),
    criterion, list(df_residual = stats::df.residual(fit))
  )
  Filter(function(value) !is.na(value), row)
}

#' Operation: the model frame with the fit's figures for each row
#'
#' @return The parts of a data frame, see `frame_to_parts()`, and the row numbers in the
#'   data.
augment_model <- function(model) {
  fit <- model$fit
  frame <- stats::model.frame(fit)
  used <- row_chooser(frame)
  columns <- list(
    .fitted = stats::predict(fit), .resid = stats::residuals(fit),
    .hat = or_none(hat_values_of(model)),
    .cooksd = or_none(from_hat_values(model, "cooks.distance")),
    .std.resid = or_none(from_hat_values(model, "rstandard")),
    .fixed = stats::predict(fit, re.form = NA)
  )
  columns <- lapply(columns, used)
  # For nonlinear models R's predict() without random effects has values that do not belong to rows.
  there <- lengths(columns) == nrow(frame) & !vapply(columns, function(values) {
    all(is.na(values))
  }, NA)
  columns <- c(columns[there], response_columns(fit))
  frame <- c(flat_columns(frame), columns)
  rows <- row_numbers(stats::model.frame(fit))
  keep <- !is.na(rows)
  frame <- lapply(frame, function(values) values[keep])
  list(
    names = names(frame), n_rows = sum(keep), row_names = NULL,
    parts = unname(Map(column_to_part, frame, names(frame))), rows = rows[keep]
  )
}

#' The value of an expression, or NULL if R has no such figure for the fit
or_none <- function(expression) tryCatch(expression, error = function(condition) NULL)

#' A function that reduces a vector over rows to the rows of the model frame
#'
#' With na.exclude R also gives the dropped rows.
row_chooser <- function(frame) {
  dropped <- stats::na.action(frame)
  excluded <- if (inherits(dropped, "exclude")) as.integer(dropped) else integer()
  function(values) {
    values <- as.double(values)
    if (length(excluded) > 0L && length(values) == nrow(frame) + length(excluded)) {
      values <- values[-excluded]
    }
    values
  }
}

#' The response module's own vectors, as broom.mixed gives them
#'
#' There is no accessor for most of them.
response_columns <- function(fit) {
  names <- c("mu", "offset", "sqrtXwt", "sqrtrwt", "weights", "wtres", "gam", "eta")
  module <- methods::slot(fit, "resp")
  columns <- lapply(stats::setNames(names, paste0(".", names)), function(name) module[[name]])
  sizes <- lengths(columns)
  lapply(columns[sizes == min(sizes[sizes > 0L])], as.double)
}

#' The columns of a data frame; each column of a matrix is a column of its own
flat_columns <- function(frame) {
  parts <- Map(function(column, name) {
    if (length(dim(column)) != 2L) {
      return(structure(list(unclassed(column)), names = name))
    }
    columns <- lapply(seq_len(ncol(column)), function(i) as.vector(unclass(column)[, i]))
    if (ncol(column) == 1L) {
      return(structure(columns, names = name))
    }
    labels <- colnames(column)
    if (is.null(labels)) labels <- character(ncol(column))
    labels <- ifelse(nzchar(labels), labels, paste0("V", seq_len(ncol(column))))
    structure(columns, names = paste(name, labels, sep = "."))
  }, as.list(frame), names(frame))
  do.call(c, unname(parts))
}

#' A column without the class that `I()` gave it
unclassed <- function(column) {
  if (inherits(column, "AsIs")) class(column) <- setdiff(class(column), "AsIs")
  column
}

#' Operation: predictions for new data, as broom.mixed adds them
#'
#' @param new_data The parts of a data frame.
augment_new_data <- function(model, new_data) {
  readable <- readable_model(model, frame_from_parts(new_data))
  unnamed(predicted(readable$model$fit, newdata = readable$frame))
}
