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
  found <- rows_of_call(call, data, model$frame_env)
  rows <- seq_len(nrow(data))
  n_used <- facts_of(fit)$n_obs
  if (methods::is(fit, "lmList4")) {
    chosen <- found$chosen
    dropped <- chosen & found$missing
    n_framed <- sum(chosen & !dropped)
  } else {
    frame <- stats::model.frame(fit)
    dropped <- rows %in% name_numbers(names(stats::na.action(frame)))
    chosen <- dropped | rows %in% row_numbers(frame)
    n_framed <- nrow(frame)
  }
  lacking <- lacking_columns(found$variables, dropped)
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

#' A number for the data of a new model; what update() makes of the model has it too
new_origin <- local({
  last <- 0L
  function() {
    last <<- last + 1L
    last
  }
})

#' A fit, changed, and to the rows of another one
#'
#' The rows are found where the data are, under a name that no column has: functions that
#' evaluate the call of the fit again need them.
#'
#' @param rows Their numbers in the data.
#' @param change A change of the formula, or NULL.
fit_to_rows <- function(model, rows, change = NULL) {
  n_rows <- nrow(get(as.character(stats::getCall(model$fit)$data), model$frame_env))
  assign(".pymer_bridge_rows", seq_len(n_rows) %in% rows, envir = model$frame_env)
  within_model(model, if (is.null(change)) {
    quote(stats::update(.fit, subset = .pymer_bridge_rows))
  } else {
    bquote(stats::update(.fit, .(change), subset = .pymer_bridge_rows))
  })
}

#' A model with a smaller formula, to the rows of the model
#'
#' update() of R would also use rows that only lack what the smaller formula does not have, so
#' that the two could not be compared.
#'
#' @param change A change of the formula, in the environment of the model.
smaller_fit <- function(model, change) {
  frame <- stats::model.frame(model$fit)
  rows <- row_numbers(frame)
  dropped <- name_numbers(names(stats::na.action(frame)))
  returning <- sum(!lacks_values(model, change)[dropped], na.rm = TRUE)
  small <- if (returning == 0L) {
    within_model(model, bquote(stats::update(.fit, .(change))))
  } else {
    tell_of_rows("the smaller model", length(rows), "the larger model", returning)
    fit_to_rows(model, rows, change)
  }
  stop_for_other_rows(list(model$fit, small), c("the larger model", "the smaller model"))
  small
}

#' As `self_contained_fit()`, with the data's rows that the fit uses, and no others
#'
#' From pbkrtest 0.5.5 on, PBmodcomp() stops where the data have more.
fit_of_its_rows <- function(model) {
  fit <- self_contained_fit(model)
  call <- stats::getCall(fit)
  used <- seq_len(nrow(call$data)) %in% row_numbers(stats::model.frame(fit))
  if (all(used)) {
    return(fit)
  }
  for (name in c("weights", "offset")) {
    if (is.numeric(call[[name]])) call[[name]] <- call[[name]][used]
  }
  call$data <- call$data[used, , drop = FALSE]
  call$subset <- NULL
  with_call(fit, call)
}

#' Which rows of the data lack a value in what a changed formula has?
lacks_values <- function(model, change) {
  call <- model$call
  call$formula <- stats::update.formula(stats::formula(model$fit), change)
  data <- get(as.character(call$data), model$frame_env)
  rows_of_call(call, data, model$frame_env)$missing
}

#' Say which model is fitted to the rows of another one
tell_of_rows <- function(who, n_rows, whose, more) {
  message(who, " is fitted to the ", n_rows, " rows of ", whose, "; alone it would use ", more, " more")
}

#' Stop where fits use different numbers of rows
#'
#' @param names What they are called.
stop_for_other_rows <- function(fits, names) {
  sizes <- vapply(fits, function(fit) nrow(stats::model.frame(fit)), 1L)
  if (length(unique(sizes)) > 1L) {
    stop("models were not all fitted to the same size of dataset: ",
      paste(names, "uses", sizes, "rows", collapse = ", "),
      call. = FALSE
    )
  }
}

#' The fits of models that are compared, all to the rows of the one that uses fewest
#'
#' Only a model that update() made of the same data, with the same subset, is fitted again: there
#' the rows differ because a term is gone, and not because of what the user chose.
#'
#' @param names What the models are called.
fits_to_compare <- function(models, names) {
  fits <- lapply(models, `[[`, "fit")
  rows <- lapply(fits, function(fit) row_numbers(stats::model.frame(fit)))
  least <- which.min(lengths(rows))
  sizes <- vapply(fits, function(fit) as.double(attr(stats::logLik(fit), "df")), 1)
  for (i in which(lengths(rows) > length(rows[[least]]))) {
    own <- models[[i]]
    same <- !is.null(own$origin) && identical(own$origin, models[[least]]$origin) &&
      identical(own$call$subset, models[[least]]$call$subset)
    if (same && sizes[i] < sizes[least] && all(rows[[least]] %in% rows[[i]])) {
      more <- length(rows[[i]]) - length(rows[[least]])
      tell_of_rows(names[i], length(rows[[least]]), names[least], more)
      fits[[i]] <- fit_to_rows(own, rows[[least]])
    }
  }
  stop_for_other_rows(fits, names)
  check_same_data(fits)
  fits
}

#' A fit whose call has the subset of a model's own
with_subset_of <- function(fit, model) {
  call <- stats::getCall(fit)
  call$subset <- stats::getCall(model$fit)$subset
  if (identical(call, stats::getCall(fit))) fit else with_call(fit, call)
}
