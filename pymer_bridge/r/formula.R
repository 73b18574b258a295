# Formulas: parsed, never run. What may be called is decided in Python.

#' Every call head and every variable of an expression
#'
#' The walk keeps its own stack, so that a formula of many terms cannot exhaust
#' R's. A head that is not a plain name, or `package::name`, is given as its
#' text in angle brackets, which no list of allowed functions contains.
#'
#' @param expression A call, a name or a constant.
#' @return A list of `calls` and `variables`, each unique, `misread` (see
#'   `misread_group()`) and `depth`, how deep it nests.
walk_expression <- function(expression) {
  calls <- new.env(parent = emptyenv())
  variables <- new.env(parent = emptyenv())
  order <- character()
  misread <- character()
  stack <- list(expression)
  depths <- 0L
  deepest <- 0L
  top <- 1L
  while (top > 0L) {
    here <- stack[[top]]
    depth <- depths[top] + 1L
    deepest <- max(deepest, depth)
    top <- top - 1L
    if (is.call(here)) {
      head <- here[[1L]]
      name <- head_name(head)
      plain <- is.name(head) || is_qualified_name(head)
      assign(name, TRUE, envir = calls)
      if (name == "||") {
        misread <- c(misread, misread_group(here))
      }
      # Not as.list(): it copies all that is below, and a long sum nests deep.
      for (i in rev(seq_along(here)[c(!plain, rep(TRUE, length(here) - 1L))])) {
        if (!identical(here[[i]], quote(expr = ))) { # x[, 1] leaves one out
          top <- top + 1L
          stack[top] <- list(here[[i]])
          depths[top] <- depth
        }
      }
    } else if (is.name(here)) {
      name <- as.character(here)
      if (!exists(name, envir = variables, inherits = FALSE)) {
        assign(name, TRUE, envir = variables)
        order <- c(order, name)
      }
    } else if (!is.null(here) && !is.atomic(here)) {
      assign(paste0("<", typeof(here), ">"), TRUE, envir = calls)
    }
  }
  list(
    calls = ls(calls, all.names = TRUE), variables = order, misread = unique(misread),
    depth = deepest
  )
}

#' The name of a call's head: plain, `package::name`, or its text in angle brackets
head_name <- function(head) {
  if (is.name(head)) {
    as.character(head)
  } else if (is_qualified_name(head)) {
    paste0(as.character(head[[2L]]), "::", as.character(head[[3L]]))
  } else {
    paste0("<", call_text(head), ">")
  }
}

#' Is the group of `(terms || group)` another expression once lme4 has read it?
#'
#' To split such a term, lme4 writes the group as text and parses the text: a column
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

#' What column names would call if they were read as code
#'
#' Some functions write a name without its backticks and parse that again
#' (lme4's `||`, lmerTest's ranova() and step()): a column named `system("x")`
#' would run. Calls of functions that do not exist are harmless: `income (CHF)`.
#'
#' @param names Names of variables.
#' @return A list of two character vectors: `names`, and for each the `calls` that it
#'   would make.
calls_in_names <- function(names) {
  found <- list(names = character(), calls = character())
  for (name in names[make.names(names) != names]) {
    unread <- name
    while (length(unread) > 0L) {
      code <- tryCatch(str2lang(unread[1L]), error = function(condition) NULL)
      walked <- walk_expression(code)
      plain <- grepl("^[^<:]+$|^[<:]+=?$", walked$calls)
      absent <- plain & !vapply(walked$calls, exists, NA, envir = toolbox, mode = "function")
      found$names <- c(found$names, rep(name, sum(!absent)))
      found$calls <- c(found$calls, walked$calls[!absent])
      # Each text is shorter than the one it came from, or is left alone.
      unread <- c(unread[-1L], setdiff(walked$variables, unread[1L]))
    }
  }
  found
}

#' Is this `package::name`, both plain?
is_qualified_name <- function(head) {
  is.call(head) && identical(head[[1L]], quote(`::`)) && length(head) == 3L &&
    (is.name(head[[2L]]) || is.character(head[[2L]])) &&
    (is.name(head[[3L]]) || is.character(head[[3L]]))
}

#' The most characters that a text may have: R's own functions recurse into an
#' expression, and a sum of a million terms would exhaust the stack.
longest_text <- 100000L

#' How deeply it may nest: each term of a sum is one more level, and lme4 needs much of R's
#' stack for each.
deepest_text <- 2000L

#' Operation: what kind of expression an R text is, and what it calls and names
#'
#' @param text One expression as text.
#' @return A list of `calls`, `variables`, `misread`, `in_names` (see
#'   `calls_in_names()`), `is_formula`, `has_response` and `text` (R's own
#'   spelling of it).
describe_expression <- function(text) {
  if (nchar(text) > longest_text) {
    stop("it is longer than ", longest_text, " characters", call. = FALSE)
  }
  parsed <- str2lang(text)
  walked <- walk_expression(parsed)
  if (walked$depth > deepest_text) {
    stop(
      "it nests ", walked$depth, " deep, as a sum of so many terms does, and R's own functions ",
      "for formulas fail at about ", deepest_text, "; select the columns that you need and ",
      "write '.' for them", call. = FALSE
    )
  }
  is_formula <- is.call(parsed) && identical(parsed[[1L]], quote(`~`))
  c(walked, list(
    in_names = calls_in_names(walked$variables),
    is_formula = is_formula,
    has_response = is_formula && length(parsed) == 3L,
    text = paste(deparse(parsed, width.cutoff = 500L), collapse = " ")
  ))
}

#' Operation: what a function given as R text calls
#'
#' @param text A function of one argument, as text.
#' @return A list of `is_function` and `calls`.
describe_function <- function(text) {
  if (nchar(text) > longest_text) {
    stop("it is longer than ", longest_text, " characters", call. = FALSE)
  }
  parsed <- str2lang(text)
  if (!is.call(parsed) || !identical(parsed[[1L]], quote(`function`))) {
    return(list(is_function = FALSE, calls = character()))
  }
  defaults <- Filter(function(value) !identical(value, quote(expr = )), as.list(parsed[[2L]]))
  walked <- lapply(c(unname(defaults), list(parsed[[3L]])), walk_expression)
  list(is_function = TRUE, calls = unique(unlist(lapply(walked, `[[`, "calls"))))
}
