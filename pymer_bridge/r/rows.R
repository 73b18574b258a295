# The rows of the data that a fit uses, and why it leaves out the others.

#' Operation: how many rows the fit uses, and why it leaves out the others
#'
#' @return `n_rows` of the data and `n_used`; how many are left out `by_subset`, `by_weights` of
#'   zero, `by_group` (groups to which lmList() could not fit), and for `missing` values; the
#'   `columns` that lack values in the latter, the `counts` of rows where each does, and in how
#'   many rows `several` do.
rows_used <- function(model) {
  fit <- model$fit
  call <- model$call
  data <- get(as.character(call$data), model$frame_env)
  call$formula <- stats::formula(fit)
  variables <- suppressWarnings(suppressMessages(
    lapply(model_variables(call, data), evaluated_variable, data, model$frame_env)
  ))
  rows <- seq_len(nrow(data))
  n_used <- facts_of(fit)$n_obs
  if (methods::is(fit, "lmList4")) {
    kept <- evaluated_variable(list(expression = call$subset), data, model$frame_env)$value
    chosen <- if (is.logical(kept)) kept %in% TRUE else rep(TRUE, nrow(data))
    dropped <- chosen & Reduce(`|`, lapply(variables, `[[`, "missing"), logical(nrow(data)))
    n_framed <- sum(chosen & !dropped)
  } else {
    frame <- stats::model.frame(fit)
    dropped <- rows %in% name_numbers(names(stats::na.action(frame)))
    chosen <- dropped | rows %in% row_numbers(frame)
    n_framed <- nrow(frame)
  }
  lacking <- lacking_columns(variables, dropped)
  lost <- n_framed - n_used
  list(
    n_rows = nrow(data), n_used = as.integer(n_used), by_subset = sum(!chosen),
    by_weights = if (inherits(fit, "lm")) as.integer(lost) else 0L,
    by_group = if (methods::is(fit, "lmList4")) as.integer(lost) else 0L,
    missing = sum(dropped), columns = names(lacking), counts = vapply(lacking, sum, 0L),
    several = sum(Reduce(`+`, lacking, integer(nrow(data))) > 1L)
  )
}

#' The columns that lack a value in rows that were dropped, most of them first
#'
#' A variable that lacks one where its columns do not, such as log(-1), stands for itself.
#'
#' @param variables See `evaluated_variable()`.
#' @param dropped Which rows were dropped?
#' @return A named list: for each column in which rows it does.
lacking_columns <- function(variables, dropped) {
  found <- list()
  add <- function(name, rows) {
    if (any(rows)) found[[name]] <<- if (is.null(found[[name]])) rows else found[[name]] | rows
  }
  for (variable in variables) {
    rows <- variable$missing & dropped
    if (!any(rows)) next
    given <- is.name(variable$expression) && variable$text %in% c("weights", "offset") &&
      !variable$text %in% names(variable$columns)
    unexplained <- rows
    for (name in names(variable$columns)) {
      there <- rows & !stats::complete.cases(variable$columns[[name]])
      unexplained <- unexplained & !there
      add(name, there)
    }
    add(if (given) paste0(variable$text, "=") else variable$text, unexplained)
  }
  found[order(-vapply(found, sum, 0L))]
}
