# Every figure of a model, by plain R.
#
# A figure is a list of `keys` and `values`. Keys tell what each value belongs
# to (a term, a level of a group, a row ...); parts of a key are separated by
# tabs. The family of a figure stands before the dot of its name.

#' A figure of numbers
numbers <- function(values, ...) {
  list(keys = keys(length(values), ...), values = as.double(values))
}

#' A figure of strings
texts <- function(values, ...) {
  list(keys = keys(length(values), ...), values = enc2utf8(as.character(values)))
}

#' Keys from their parts; running numbers where there are none
keys <- function(n, ...) {
  parts <- list(...)
  if (length(parts) == 0L) {
    return(as.character(seq_len(n)))
  }
  result <- if (n > 0L) do.call(paste, c(parts, sep = "\t")) else character()
  stopifnot(length(result) == n)
  enc2utf8(result)
}

#' A value with the messages of every warning and message on the way to it
with_conditions <- function(expression) {
  warnings <- character()
  messages <- character()
  value <- withCallingHandlers(
    expression,
    warning = function(condition) {
      warnings <<- c(warnings, conditionMessage(condition))
      invokeRestart("muffleWarning")
    },
    message = function(condition) {
      messages <<- c(messages, sub("\n$", "", conditionMessage(condition)))
      invokeRestart("muffleMessage")
    }
  )
  list(value = value, warnings = warnings, messages = messages)
}

#' Fit a model
#'
#' @param call The call of a model, as it stands in models.R.
#' @param lmer lme4's function or lmerTest's.
#' @param workspace See `open_workspace()`.
fit_model <- function(call, lmer, workspace) {
  here <- new.env(parent = workspace)
  here$lmer <- lmer
  eval(call, here)
}

#' Fixed effects with Wald intervals at two levels, from their ingredients
#'
#' @param ends The function of a level that gives both ends; NULL where there are none.
fixed_effects <- function(estimate, std_error, statistic, df, p_value, ends = NULL) {
  term <- names(estimate)
  none <- rep(NA_real_, length(term))
  at <- function(level) if (is.null(ends)) cbind(none, none) else ends(level)
  list(
    estimate = numbers(estimate, term), std_error = numbers(std_error, term),
    statistic = numbers(statistic, term), df = numbers(df, term),
    p_value = numbers(p_value, term),
    conf_low = numbers(at(0.95)[, 1L], term), conf_high = numbers(at(0.95)[, 2L], term),
    conf_low_80 = numbers(at(0.8)[, 1L], term), conf_high_80 = numbers(at(0.8)[, 2L], term)
  )
}

#' Normal intervals, as lme4 gives them
wald_ends <- function(fit) {
  function(level) confint(fit, "beta_", method = "Wald", level = level)
}

#' Intervals by Student's t
t_ends <- function(estimate, std_error, df) {
  function(level) {
    half <- qt((1 + level) / 2, df) * std_error
    cbind(estimate - half, estimate + half)
  }
}

#' Fixed effects without degrees of freedom: no test, and normal tests
lme4_fixed_effects <- function(fit) {
  estimate <- lme4::fixef(fit)
  std_error <- sqrt(diag(as.matrix(vcov(fit))))
  statistic <- estimate / std_error
  none <- rep(NA_real_, length(estimate))
  p_value <- 2 * pnorm(abs(statistic), lower.tail = FALSE)
  list(
    fixed_none = fixed_effects(estimate, std_error, statistic, none, none),
    fixed_normal = fixed_effects(estimate, std_error, statistic, none, p_value, wald_ends(fit))
  )
}

#' Fixed effects with Satterthwaite's degrees of freedom
#'
#' @param fit A fit by `lmerTest::lmer()`.
lmertest_fixed_effects <- function(fit) {
  table <- coef(summary(fit))
  df <- table[, "df"]
  estimate <- lme4::fixef(fit)
  std_error <- table[, "Std. Error"]
  fixed_effects(
    estimate, std_error, table[, "t value"], df, table[, "Pr(>|t|)"],
    t_ends(estimate, std_error, df)
  )
}

#' Variances, standard deviations, covariances and correlations
variance_components <- function(fit) {
  blocks <- lme4::VarCorr(fit)
  sigma <- attr(blocks, "sc")
  single <- function(what) {
    unlist(unname(Map(function(block, group) {
      values <- if (what == "variance") diag(block) else attr(block, "stddev")
      setNames(as.vector(values), paste(group, rownames(block), sep = "\t"))
    }, blocks, names(blocks))))
  }
  pairs <- function(what) {
    unlist(unname(Map(function(block, group) {
      terms <- rownames(block)
      values <- if (what == "covariance") block else attr(block, "correlation")
      below <- lower.tri(block)
      names <- paste(group, terms[col(block)[below]], terms[row(block)[below]],
        sep = "\t", recycle0 = TRUE
      )
      setNames(values[below], names)
    }, blocks, names(blocks))))
  }
  # Binomial and Poisson models have no scale of their own.
  scaled <- attr(blocks, "useSc")
  variance <- c(single("variance"), if (scaled) c("Residual\t" = sigma^2))
  std_dev <- c(single("std_dev"), if (scaled) c("Residual\t" = sigma))
  list(
    variance = numbers(variance, names(variance)), std_dev = numbers(std_dev, names(std_dev)),
    covariance = numbers(pairs("covariance"), names(pairs("covariance"))),
    correlation = numbers(pairs("correlation"), names(pairs("correlation")))
  )
}

#' The conditional covariance of one group as levels by terms by terms
#'
#' A group that stands in several terms of the formula has a list of arrays;
#' between those R knows no covariance.
conditional_covariance <- function(table) {
  blocks <- attr(table, "postVar")
  if (!is.list(blocks)) {
    blocks <- list(blocks)
  }
  n <- nrow(table)
  result <- array(NA_real_, c(n, ncol(table), ncol(table)))
  done <- 0L
  for (block in blocks) {
    size <- dim(block)[1L]
    for (i in seq_len(size)) {
      for (j in seq_len(size)) {
        result[, done + i, done + j] <- block[i, j, ]
      }
    }
    done <- done + size
  }
  result
}

#' Conditional modes, their standard deviations and covariances
random_effects <- function(fit) {
  parts <- lapply_groups(lme4::ranef(fit, condVar = TRUE), function(table, group) {
    n <- nrow(table)
    p <- ncol(table)
    covariance <- conditional_covariance(table)
    level <- rownames(table)
    term <- names(table)
    deviations <- vapply(seq_len(p), function(i) sqrt(covariance[, i, i]), numeric(n))
    list(
      key = paste(group, rep(level, p), rep(term, each = n), sep = "\t"),
      estimate = unlist(table), std_error = as.vector(deviations),
      pair = paste(group, rep(level, p * p), rep(rep(term, each = n), p),
        rep(term, each = n * p),
        sep = "\t"
      ),
      covariance = as.vector(covariance)
    )
  })
  list(
    estimate = numbers(parts$estimate, parts$key),
    std_error = numbers(parts$std_error, parts$key),
    covariance = numbers(parts$covariance, parts$pair)
  )
}

#' Fixed plus random effects for each group
group_coefficients <- function(fit) {
  parts <- lapply_groups(coef(fit), function(table, group) {
    n <- nrow(table)
    list(
      key = paste(group, rep(rownames(table), ncol(table)), rep(names(table), each = n),
        sep = "\t"
      ),
      estimate = unlist(table)
    )
  })
  list(estimate = numbers(parts$estimate, parts$key))
}

#' Lists of vectors, one list a group, put end to end
lapply_groups <- function(tables, read) {
  parts <- lapply(names(tables), function(group) read(tables[[group]], group))
  sapply(names(parts[[1L]]), simplify = FALSE, function(name) {
    unlist(lapply(parts, `[[`, name), use.names = FALSE)
  })
}

#' Positions of rows in the data
#'
#' Where `subset` is missing, R makes up a row of missing values named "NA",
#' "NA.1" ...; it is no row of the data, and NA here.
positions <- function(rows, frame) match(rows, row.names(frame))

#' Fitted values and residuals of every kind, by position in the data
#'
#' @param frame The data frame that the model was given.
over_rows <- function(fit, frame) {
  by_row <- function(values) {
    position <- positions(names(values), frame)
    real <- !is.na(position)
    stopifnot(is.na(values[!real]))
    numbers(values[real], position[real])
  }
  kinds <- c("response", "pearson", "deviance", "working")
  plain <- lapply(kinds, function(kind) by_row(residuals(fit, type = kind)))
  scaled <- lapply(kinds, function(kind) by_row(residuals(fit, type = kind, scaled = TRUE)))
  names(plain) <- kinds
  names(scaled) <- paste0(kinds, "_scaled")
  c(list(fitted = by_row(fitted(fit))), plain, scaled)
}

#' What measures the fit
fit_statistics <- function(fit) {
  likelihood <- logLik(fit)
  values <- c(
    reml_criterion = if (lme4::isREML(fit)) lme4::REMLcrit(fit) else NA_real_,
    log_likelihood = as.vector(likelihood), deviance = deviance(fit, REML = FALSE),
    aic = AIC(fit), bic = BIC(fit), df = attr(likelihood, "df"),
    df_residual = df.residual(fit), n_obs = nobs(fit)
  )
  list(values = numbers(values, names(values)))
}

#' Covariance of the fixed effects, design matrix, quantiles of the residuals
matrices <- function(fit) {
  covariance <- as.matrix(vcov(fit))
  terms <- rownames(covariance)
  design <- lme4::getME(fit, "X")
  residual <- quantile(residuals(fit, type = "pearson", scaled = TRUE), na.rm = TRUE)
  list(
    vcov = numbers(
      as.vector(covariance), terms[row(covariance)], colnames(covariance)[col(covariance)]
    ),
    model_matrix = numbers(
      as.vector(design), as.vector(row(design)), colnames(design)[col(design)]
    ),
    scaled_residual_quantiles = numbers(residual, names(residual))
  )
}

#' How the optimizer ended, and all that was said: what lme4 noted in the fit,
#' then what R raised during it, each once
#'
#' @param tried A fit as `with_conditions()` gives it.
convergence <- function(tried) {
  fit <- tried$value
  info <- summary(fit)$optinfo
  said <- unlist(info$conv$lme4$messages)
  complaints <- grep("singular", said, value = TRUE, invert = TRUE)
  theta <- lme4::getME(fit, "theta")
  values <- c(
    converged = info$conv$opt == 0 && length(complaints) == 0L,
    singular = lme4::isSingular(fit), code = info$conv$opt, evaluations = info$feval
  )
  message <- if (length(info$message)) info$message else ""
  list(
    values = numbers(values, names(values)), theta = numbers(theta, names(theta)),
    gradient = numbers(info$derivs$gradient), messages = texts(unique(c(said, tried$messages))),
    warnings = texts(unique(c(unlist(info$warnings), tried$warnings))),
    optimizer = texts(c(info$optimizer, message), c("optimizer", "optimizer_message"))
  )
}

#' What is known of the fit at once
#'
#' @param frame The data frame that the model was given.
facts <- function(fit, frame) {
  dropped <- positions(names(na.action(model.frame(fit))), frame)
  values <- c(n_obs = nobs(fit), sigma = sigma(fit), reml = lme4::isREML(fit))
  list(
    values = numbers(values, names(values)),
    n_groups = numbers(lme4::ngrps(fit), names(lme4::ngrps(fit))),
    formula = texts(paste(deparse(formula(fit), width.cutoff = 500L), collapse = " ")),
    dropped_rows = numbers(dropped[!is.na(dropped)]),
    dropped_columns = texts(names(attr(lme4::getME(fit, "X"), "col.dropped")))
  )
}

#' A printed summary, line by line, and what R says while it is made
#'
#' At the prompt R prints what it calls `x`, and its hints show that name.
printed <- function(fit) {
  tried <- with_conditions({
    x <- summary(fit)
    capture.output(print(x))
  })
  list(lines = texts(tried$value), conditions = texts(c(tried$warnings, tried$messages)))
}

#' Figures of lme4's fit, by family
#'
#' @param tried A fit by `lme4::lmer()` as `with_conditions()` gives it.
#' @param frame The data frame that the model was given.
lme4_families <- function(tried, frame) {
  fit <- tried$value
  c(lme4_fixed_effects(fit), list(
    variance_components = variance_components(fit), random_effects = random_effects(fit),
    group_coefficients = group_coefficients(fit), over_rows = over_rows(fit, frame),
    fit_statistics = fit_statistics(fit), matrices = matrices(fit),
    convergence = convergence(tried), facts = facts(fit, frame),
    conditions = list(warnings = texts(tried$warnings), messages = texts(tried$messages)),
    summary_none = printed(fit)
  ))
}

#' Figures of lmerTest's fit, by family
#'
#' @param tried A fit by `lmerTest::lmer()` as `with_conditions()` gives it.
#' @param before The same by `lme4::lmer()`: lmerTest says all that again, and
#'   only what it says besides counts here.
lmertest_families <- function(tried, before) {
  more_warnings <- beyond(tried$warnings, before$warnings)
  more_messages <- beyond(tried$messages, before$messages)
  list(
    fixed_satterthwaite = c(
      lmertest_fixed_effects(tried$value),
      list(conditions = texts(c(more_warnings, more_messages)))
    ),
    summary_satterthwaite = printed(tried$value)
  )
}

#' What a vector has after another one, with which it begins
beyond <- function(values, start) {
  first <- seq_along(start)
  stopifnot(identical(values[first], start))
  values[setdiff(seq_along(values), first)]
}

#' Every figure of a model
#'
#' @param name A name in `models`.
#' @param workspace See `open_workspace()`.
#' @return A named list of figures, "family.figure".
model_figures <- function(name, workspace) {
  call <- models[[name]]
  plain <- with_conditions(fit_model(call, lme4::lmer, workspace))
  frame <- get(as.character(getCall(plain$value)$data), envir = workspace)
  families <- lme4_families(plain, frame)
  if (!name %in% without_lmertest) {
    tested <- with_conditions(fit_model(call, lmerTest::lmer, workspace))
    families <- c(families, lmertest_families(tested, plain))
  }
  # Joins the names of the two floors with a dot.
  figures <- unlist(families, recursive = FALSE)
  stopifnot(vapply(figures, function(figure) identical(names(figure), c("keys", "values")), NA))
  figures
}

#' What R says when it refuses a model
failure_figures <- function(name, workspace) {
  refusal <- tryCatch(fit_model(failures[[name]], lme4::lmer, workspace), error = identity)
  stopifnot(inherits(refusal, "error"))
  list(error = texts(c(conditionMessage(refusal), class(refusal))))
}

#' Which of two states this process is in
#'
#' lme4 1.1-31 of Debian 12 orders the sparse Cholesky factor by one of two
#' rules, as address-space randomisation has it (lme4 issue 745). It takes
#' crossed factors to see which: one factor alone has a diagonal matrix, which
#' is ordered the same by both.
process_state <- function() {
  fit <- lme4::lmer(diameter ~ 1 + (1 | plate) + (1 | sample), lme4::Penicillin)
  methods::slot(lme4::getME(fit, "L"), "type")[1L]
}
