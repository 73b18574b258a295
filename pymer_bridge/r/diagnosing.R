# Why a fit failed: facts about its data, looked for after R has stopped. The words are Python's.

#' The most rows of one finding that are reported
most_rows <- 5L

#' Operation: what in the data may have stopped a fit
#'
#' @param spec,frame As for `fit_model()`.
#' @return A list of findings, the gravest first; see `finding()`.
diagnose_fit <- function(spec, frame) {
  suppressWarnings(suppressMessages({
    rows <- rows_of_fit(spec, frame)
    kept <- rows$kept
    variables <- rows$variables
    chosen <- rows$chosen
    if (is.numeric(kept$value)) {
      return(list(finding("no_condition", kept)))
    }
    complete <- rows$complete
    passed <- spec$na_action == "na.pass"
    if (!any(complete) && !passed) {
      findings_of_no_rows(variables, chosen)
    } else {
      used <- if (passed) chosen else complete
      findings <- lapply(variables, variable_findings, used, spec)
      findings <- c(findings, lapply(variables, missing_findings, chosen, spec$na_action))
      unlist(findings, recursive = FALSE)
    }
  }))
}

#' The variables of a fit over the rows of its data, and which rows are used
#'
#' @param spec,frame As for `fit_model()`.
#' @return What `rows_of_call()` gives, `data`, and `complete` (which rows of the subset lack no
#'   value).
rows_of_fit <- function(spec, frame) {
  data <- if (is.environment(frame)) model_data(frame)$frame else frame_from_parts(frame)
  built <- model_call(spec, names(data))
  env <- model_environment(data, spec$data_name, built$extras)
  rows <- rows_of_call(built$call, data, env)
  c(rows, list(data = data, complete = rows$chosen & !rows$missing))
}

#' The variables of a call over the rows of its data
#'
#' @return A list of `variables`, `kept` (the subset; see `evaluated_variable()` for both),
#'   `chosen` (which rows are in the subset) and `missing` (which lack a value of a variable).
rows_of_call <- function(call, data, env) {
  suppressWarnings(suppressMessages({
    variables <- lapply(model_variables(call, data), evaluated_variable, data, env)
    kept <- evaluated_variable(list(role = "subset", expression = call$subset), data, env)
  }))
  list(
    variables = variables, kept = kept,
    chosen = if (is.logical(kept$value)) kept$value %in% TRUE else rep(TRUE, nrow(data)),
    missing = Reduce(`|`, lapply(variables, `[[`, "missing"), logical(nrow(data)))
  )
}

#' One fact
#'
#' @param kind What is wrong, as Python's table has it.
#' @param variable See `evaluated_variable()`.
#' @param rows Is it wrong there?
#' @param detail What is to be said besides.
finding <- function(kind, variable, rows = logical(), detail = "") {
  list(
    kind = kind, role = variable$role, what = variable$text, detail = detail,
    rows = utils::head(which(rows), most_rows), n_rows = sum(rows)
  )
}

#' The variables of a call that fits: a list of lists of `role` and `expression`
model_variables <- function(call, data) {
  formula <- call$formula
  nonlinear <- is.call(formula[[2L]]) && identical(formula[[2L]][[1L]], quote(`~`))
  groups <- list()
  without_bars <- function(expression) {
    if (!is.call(expression)) {
      return(expression)
    }
    head <- head_name(expression[[1L]])
    if (head %in% c("|", "||")) {
      groups <<- c(groups, expression[[3L]])
      return(expression[[2L]])
    }
    if (head %in% c("us", "diag", "cs", "ar1")) {
      return(without_bars(expression[[2L]]))
    }
    if (head %in% c("+", "-", "*", "/", ":", "(", "^", "%in%", "~")) {
      expression[-1L] <- lapply(as.list(expression)[-1L], without_bars)
    }
    expression
  }
  right <- without_bars(formula[[3L]])
  response <- if (nonlinear) formula[[2L]][[2L]] else formula[[2L]]
  predictors <- if (nonlinear) {
    lapply(intersect(all.vars(call("+", formula[[2L]][[3L]], right)), names(data)), as.name)
  } else {
    setdiff(term_variables(right, data), list(response))
  }
  groups <- unlist(lapply(groups, term_variables, data), recursive = FALSE)
  as_role <- function(role, expressions) {
    lapply(expressions, function(expression) list(role = role, expression = expression))
  }
  c(
    as_role("response", list(response)), as_role("predictor", predictors),
    as_role("group", setdiff(groups, predictors)), as_role("weights", list(call$weights)),
    as_role("offset", list(call$offset))
  )
}

#' The variables of the right side of a formula, as R takes it apart
term_variables <- function(right, data) {
  columns <- lapply(intersect(all.vars(right), names(data)), as.name)
  tryCatch(
    as.list(attr(stats::terms(stats::as.formula(call("~", right)), data = data), "variables"))[-1L],
    error = function(condition) columns
  )
}

#' A variable with its `value` over the rows, NULL where there is none, and what is known of it
#'
#' @return The variable with `text`, `value`, `columns` (its columns), `missing` (in which rows)
#'   and `failed` (could it not be evaluated?).
evaluated_variable <- function(variable, data, env) {
  expression <- variable$expression
  value <- tryCatch(
    if (!is.null(expression)) eval(expression, data, env),
    error = function(condition) structure(list(), class = "failed")
  )
  failed <- inherits(value, "failed")
  rows <- function(x) if (is.matrix(x)) nrow(x) else length(x)
  if (failed || rows(value) != nrow(data)) value <- NULL
  columns <- data[intersect(all.vars(expression), names(data))]
  missing <- logical(nrow(data))
  if (!is.null(value)) missing <- !stats::complete.cases(value)
  text <- if (is.name(expression)) as.character(expression) else call_text(expression)
  if (text %in% setdiff(paste0(".", variable$role), names(data))) text <- variable$role
  c(variable, list(
    text = text, value = value, columns = columns, missing = missing, failed = failed
  ))
}

#' What is wrong where no row is left
findings_of_no_rows <- function(variables, chosen) {
  whole <- list(role = "data", text = "")
  if (!any(chosen)) {
    return(list(finding("no_subset", whole)))
  }
  lacking <- Filter(function(variable) any(variable$missing & chosen), variables)
  without <- Filter(function(variable) all(variable$missing[chosen]), lacking)
  if (length(without) > 0L) {
    return(lapply(without, function(variable) finding("all_missing", variable)))
  }
  texts <- vapply(lacking, `[[`, "", "text")
  counts <- vapply(lacking, function(variable) sum(variable$missing & chosen), 0L)
  list(finding("no_overlap", whole, chosen, paste0(texts, " in ", counts, collapse = ", ")))
}

#' What is wrong with one variable
#'
#' @param used Which rows are used?
variable_findings <- function(variable, used, spec) {
  value <- variable$value
  if (is.null(value)) {
    return(if (variable$failed) failed_findings(variable))
  }
  as_text <- is.character(value) || is.factor(value)
  found <- list()
  add <- function(...) found[[length(found) + 1L]] <<- finding(...)
  if (is.numeric(value) && variable$role != "group") {
    infinite <- used & rowSums(is.infinite(as.matrix(value))) > 0L
    if (any(infinite)) add("infinite", variable, infinite, constant_there(variable, infinite))
  }
  levels <- if (as_text) unique(as.character(value[used]))
  if (as_text && variable$role %in% c("predictor", "group") && length(levels) == 1L) {
    add("one_level", variable, used, levels)
  }
  if (as_text && variable$role %in% c("weights", "offset")) {
    add("text", variable, used, class(value)[1L])
  }
  if (variable$role == "weights" && is.numeric(value)) {
    negative <- used & !is.na(value) & value < 0
    if (any(negative)) add("negative", variable, negative)
    if (all(value[used] == 0)) add("all_zero", variable, used)
  }
  c(found, if (variable$role == "response") response_findings(variable, used, spec))
}

#' Of a variable that is infinite: which value its column has there, if it is one
constant_there <- function(variable, rows) {
  if (is.name(variable$expression) || length(variable$columns) != 1L) {
    return("")
  }
  there <- unique(variable$columns[[1L]][rows])
  if (length(there) != 1L) "" else paste(names(variable$columns), "is", format(there))
}

#' What is wrong with the response
response_findings <- function(variable, used, spec) {
  value <- variable$value
  family <- c(spec$family$name, if (spec$fitter == "glmer.nb") "poisson" else "none")[1L]
  binomial <- family %in% c("binomial", "quasibinomial")
  plain <- is.numeric(value) || is.logical(value)
  if (!plain || inherits(value, c("Date", "POSIXct", "difftime"))) {
    two <- binomial && is.factor(value)
    return(if (!two) list(finding("text", variable, used, class(value)[1L])))
  }
  outside <- function(wrong, detail) {
    rows <- used & rowSums(as.matrix(wrong), na.rm = TRUE) > 0L
    if (any(rows)) list(finding("outside", variable, rows, detail))
  }
  if (binomial && is.matrix(value)) {
    outside(value < 0, "counts of at least 0")
  } else if (binomial) {
    outside(value < 0 | value > 1, "0 to 1")
  } else if (family %in% c("poisson", "quasipoisson", "negative.binomial")) {
    outside(value < 0, "at least 0")
  } else if (family %in% c("Gamma", "inverse.gaussian")) {
    outside(value <= 0, "above 0")
  } else if (family == "gaussian" && any(spec$family$link %in% c("log", "inverse"))) {
    outside(value <= 0, "above 0 for this link")
  }
}

#' Signs of conditions, which bind less than those that join terms
conditions <- c("==", "!=", "<", ">", "<=", ">=", "&", "&&", "!")

#' What is wrong with a variable that R cannot evaluate: text in it, or missing values
failed_findings <- function(variable) {
  if (is.call(variable$expression) && head_name(variable$expression[[1L]]) %in% conditions) {
    return(list(finding("condition", variable)))
  }
  columns <- lapply(names(variable$columns), function(name) {
    list(role = variable$role, text = name, value = variable$columns[[name]])
  })
  unlist(lapply(columns, function(column) {
    value <- column$value
    missing <- is.na(value)
    if (is.character(value) || is.factor(value)) {
      list(finding("text_in", column, logical(), variable$text))
    } else if (any(missing)) {
      list(finding("missing_in", column, missing, variable$text))
    }
  }), recursive = FALSE)
}

#' Missing values of a variable, where they are not left out
missing_findings <- function(variable, chosen, na_action) {
  missing <- variable$missing & chosen
  if (na_action %in% c("na.pass", "na.fail") && any(missing)) {
    list(finding("missing", variable, missing))
  }
}
