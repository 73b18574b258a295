# Formulas: parsed, never run. What may be called is decided in Python.

#' Every call head and every variable of an expression
#'
#' The walk keeps its own stack, so that a formula of many terms cannot exhaust
#' R's. A head that is not a plain name, or `package::name`, is given as its
#' text in angle brackets, which no list of allowed functions contains.
#'
#' @param expression A call, a name or a constant.
#' @return A list of `calls` and `variables`, each unique.
walk_expression <- function(expression) {
  calls <- new.env(parent = emptyenv())
  variables <- new.env(parent = emptyenv())
  order <- character()
  stack <- list(expression)
  while (length(stack) > 0L) {
    last <- length(stack)
    here <- stack[[last]]
    stack[[last]] <- NULL
    if (is.call(here)) {
      head <- here[[1L]]
      if (is.name(head)) {
        name <- as.character(head)
      } else if (is_qualified_name(head)) {
        name <- paste0(as.character(head[[2L]]), "::", as.character(head[[3L]]))
      } else {
        name <- paste0("<", call_text(head), ">")
        stack <- c(stack, list(head))
      }
      assign(name, TRUE, envir = calls)
      arguments <- as.list(here)[-1L]
      empty <- vapply(arguments, function(x) identical(x, quote(expr = )), NA)
      stack <- c(stack, rev(arguments[!empty]))
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
  list(calls = ls(calls, all.names = TRUE), variables = order)
}

#' Is this `package::name`, both plain?
is_qualified_name <- function(head) {
  is.call(head) && identical(head[[1L]], quote(`::`)) && length(head) == 3L &&
    (is.name(head[[2L]]) || is.character(head[[2L]])) &&
    (is.name(head[[3L]]) || is.character(head[[3L]]))
}

#' Operation: what a piece of R text is and names, without running it
#'
#' @param text One expression as text.
#' @return A list of `calls`, `variables`, `is_formula`, `has_response` and
#'   `text` (R's own spelling of it).
describe_expression <- function(text) {
  parsed <- str2lang(text)
  walked <- walk_expression(parsed)
  is_formula <- is.call(parsed) && identical(parsed[[1L]], quote(`~`))
  c(walked, list(
    is_formula = is_formula,
    has_response = is_formula && length(parsed) == 3L,
    text = paste(deparse(parsed, width.cutoff = 500L), collapse = " ")
  ))
}
