# Formulas: parsed, never run. What may be called is decided in Python.

#' Every call head and every variable of an expression
#'
#' The walk keeps its own stack, so that a formula of many terms cannot exhaust
#' R's. A head that is not a plain name, or `package::name`, is given as its
#' text in angle brackets, which no list of allowed functions contains.
#'
#' @param expression A call, a name or a constant.
#' @return A list of `calls` and `variables`, each unique, and `misread` (see
#'   `misread_group()`).
walk_expression <- function(expression) {
  calls <- new.env(parent = emptyenv())
  variables <- new.env(parent = emptyenv())
  order <- character()
  misread <- character()
  stack <- list(expression)
  top <- 1L
  while (top > 0L) {
    here <- stack[[top]]
    top <- top - 1L
    if (is.call(here)) {
      head <- here[[1L]]
      plain <- TRUE
      if (is.name(head)) {
        name <- as.character(head)
      } else if (is_qualified_name(head)) {
        name <- paste0(as.character(head[[2L]]), "::", as.character(head[[3L]]))
      } else {
        name <- paste0("<", call_text(head), ">")
        plain <- FALSE
      }
      assign(name, TRUE, envir = calls)
      if (name == "||") {
        misread <- c(misread, misread_group(here))
      }
      # Not as.list(): it copies all that is below, and a long sum nests deep.
      for (i in rev(seq_along(here)[c(!plain, rep(TRUE, length(here) - 1L))])) {
        if (!identical(here[[i]], quote(expr = ))) { # x[, 1] leaves one out
          top <- top + 1L
          stack[top] <- list(here[[i]])
        }
      }
    } else if (is.name(here)) {
      name <- as.character(here)
      if (!exists(name, envir = variables, inherits = FALSE)) {
        assign(name, TRUE, envir = variables)
        order <- c(order, name)
      }
    } else if (is.pairlist(here) || is.expression(here) || is.function(here)) {
      assign(paste0("<", typeof(here), ">"), TRUE, envir = calls)
    }
  }
  list(calls = ls(calls, all.names = TRUE), variables = order, misread = unique(misread))
}

#' Is the group of `(terms || group)` another expression once lme4 has read it?
#'
#' To split such a term, lme4 writes the group as text and parses that: a column
#' `a-b` becomes a subtraction, and one named `system("x")` a call.
#'
#' @param call A call of `||`.
#' @return The group as text where it would change, else an empty vector.
misread_group <- function(call) {
  group <- call[[length(call)]]
  text <- deparse(group)
  again <- tryCatch(str2lang(paste(text, collapse = "\n")), error = function(condition) NULL)
  if (length(text) == 1L && identical(again, group)) character() else text
}

#' Is this `package::name`, both plain?
is_qualified_name <- function(head) {
  is.call(head) && identical(head[[1L]], quote(`::`)) && length(head) == 3L &&
    (is.name(head[[2L]]) || is.character(head[[2L]])) &&
    (is.name(head[[3L]]) || is.character(head[[3L]]))
}

#' Characters that a text may have: R's own functions descend into an expression
#' as deep as it nests, and a sum of a million terms would exhaust the stack.
longest_text <- 100000L

#' Operation: what a piece of R text is and names, without running it
#'
#' @param text One expression as text.
#' @return A list of `calls`, `variables`, `misread`, `is_formula`,
#'   `has_response` and `text` (R's own spelling of it).
describe_expression <- function(text) {
  if (nchar(text) > longest_text) {
    stop("it is longer than ", longest_text, " characters", call. = FALSE)
  }
  parsed <- str2lang(text)
  walked <- walk_expression(parsed)
  is_formula <- is.call(parsed) && identical(parsed[[1L]], quote(`~`))
  c(walked, list(
    is_formula = is_formula,
    has_response = is_formula && length(parsed) == 3L,
    text = paste(deparse(parsed, width.cutoff = 500L), collapse = " ")
  ))
}
