# Coding: how factors become columns of a design, and hypotheses that are to be its coefficients.

#' Operation: the levels of factors in the rows that a fit will use, and how the fit enters them
#'
#' @param spec,frame As for `fit_model()`; without contrasts.
#' @param columns Names of columns.
#' @return A list of `levels` (by column, in R's order), `factors` (the columns that are factors of
#'   the fixed part) and `coded` (those of them that a term enters by contrasts).
contrast_levels <- function(spec, frame, columns) {
  rows <- rows_of_fit(spec, frame)
  used <- if (spec$na_action == "na.pass") rows$chosen else rows$complete
  columns <- stats::setNames(columns, columns)
  formula <- str2lang(spec$formula)
  fixed <- fixed_side(formula[[3L]])
  if (is.null(fixed)) fixed <- 1
  entries <- coding_of_terms(
    stats::terms(stats::as.formula(call("~", formula[[2L]], fixed)), data = rows$data), rows$data
  )
  list(
    levels = lapply(columns, function(name) levels(droplevels(as.factor(rows$data[[name]][used])))),
    factors = rownames(entries),
    coded = rownames(entries)[apply(entries == 1, 1L, any)]
  )
}

#' The right side of a formula without its random terms; NULL where nothing is left
fixed_side <- function(expression) {
  if (!is.call(expression)) {
    return(expression)
  }
  head <- head_name(expression[[1L]])
  if (head %in% c("|", "||", "us", "diag", "cs", "ar1")) {
    return(NULL)
  }
  if (!head %in% c("(", "+", "-")) {
    return(expression)
  }
  parts <- Filter(Negate(is.null), lapply(as.list(expression)[-1L], fixed_side))
  if (length(parts) == length(expression) - 1L) {
    return(as.call(c(expression[[1L]], parts)))
  }
  if (length(parts)) parts[[1L]]
}

#' How each term enters each factor: 0 not at all, 1 by contrasts, 2 by an indicator of each level
#'
#' It is the "factors" of the terms, and what model.matrix() changes where there is no intercept.
#'
#' @param terms Terms of fixed effects.
#' @param columns A data frame that has the variables, those of other kinds too.
#' @return A matrix of factors by terms, both named.
coding_of_terms <- function(terms, columns) {
  pattern <- attr(terms, "factors")
  if (length(pattern) == 0L) {
    return(matrix(0, 0L, 0L))
  }
  variables <- vapply(as.list(attr(terms, "variables"))[-1L], function(variable) {
    if (is.name(variable)) as.character(variable) else paste(deparse(variable), collapse = " ")
  }, "")
  rownames(pattern) <- variables
  response <- attr(terms, "response")
  is_factor <- vapply(variables, function(name) {
    value <- columns[[name]]
    is.factor(value) || is.character(value) || is.logical(value)
  }, NA)
  is_factor[response] <- FALSE
  pattern <- pattern[is_factor, , drop = FALSE]
  if (attr(terms, "intercept") == 0L && any(pattern > 0)) {
    first <- which(pattern > 0)[1L] # by terms, then by factors
    pattern[first] <- 2
  }
  pattern
}

#' The contrasts of the design of a fit, as R keeps them: names of functions or matrices
design_contrasts <- function(fit) {
  if (methods::is(fit, "merMod")) {
    attr(lme4::getME(fit, "X"), "contrasts")
  } else if (!methods::is(fit, "lmList4")) {
    fit$contrasts
  }
}

#' Operation: how the factors of the fixed effects are coded
#'
#' @return By factor a list of `levels`, `columns`, `values` (levels by columns), `source` (the name
#'   of R's function, or "given"), `weights` (of the means of levels in each coefficient, intercept
#'   first, by rows; NULL where they cannot be told) and `indicators` (the terms that enter it by an
#'   indicator of each level instead).
factor_codings <- function(model) {
  used <- design_contrasts(model$fit)
  if (length(used) == 0L) {
    return(list())
  }
  frame <- stats::model.frame(model$fit)
  entries <- coding_of_terms(stats::terms(model$fit), frame)
  lapply(stats::setNames(names(used), names(used)), function(name) {
    coding <- used[[name]]
    column <- frame[[name]]
    column <- if (is.logical(column)) factor(column, c(FALSE, TRUE)) else as.factor(column)
    named <- is.character(coding)
    values <- coding
    if (named) {
      # As contrasts() does, which would look for the function here.
      values <- get(coding[1L], asNamespace("stats"), mode = "function")(levels(column))
    }
    columns <- colnames(values)
    whole <- cbind(1, values)
    square <- nrow(whole) == ncol(whole) && qr(whole)$rank == ncol(whole)
    list(
      levels = levels(column),
      columns = if (is.null(columns)) as.character(seq_len(ncol(values))) else columns,
      values = as.double(values),
      source = if (named) coding[1L] else "given",
      weights = if (square) as.double(solve(whole)),
      indicators = colnames(entries)[entries[name, ] == 2]
    )
  })
}

#' Operation: the coding under which the coefficients of a factor are comparisons of its levels
#'
#' It is the generalized inverse of the hypotheses. Where they are fewer than the degrees of freedom
#' of the factor, R's `contrasts<-` adds columns that are orthogonal to them.
#'
#' @param weights Hypotheses by levels, row by row.
#' @param names The names of the hypotheses.
#' @param levels The levels.
#' @return `rank` of the hypotheses; if they do not depend on each other `values` (levels by
#'   columns) and `columns`.
coding_of_hypotheses <- function(weights, names, levels) {
  hypotheses <- matrix(weights, length(names), byrow = TRUE)
  rank <- qr(hypotheses)$rank
  if (rank < length(names)) {
    return(list(rank = rank))
  }
  coding <- MASS::ginv(hypotheses)
  column <- factor(levels, levels)
  stats::contrasts(column) <- coding
  coding <- stats::contrasts(column)
  rest <- seq_len(ncol(coding) - length(names))
  list(rank = rank, values = as.double(coding), columns = make.unique(c(names, sprintf("rest%d", rest))))
}
