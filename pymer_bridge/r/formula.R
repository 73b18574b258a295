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

#' Operation: what column names would call if they were read as code
#'
#' Some functions write a name without its backticks, or several after each other, and
#' parse that (lme4's `||`, lmerTest's ranova() and step(), emmeans, nlmer()): a column
#' named `system("x")` would run. So a name is read as code, and because of two names
#' (`(f()` and `1)`) that are code only together, also word by word. Calls of functions
#' that do not exist are harmless: `income (CHF)`.
#'
#' @param names Names of variables.
#' @return A list of two character vectors: `names`, and for each the `calls` that it
#'   would make.
calls_in_names <- function(names) {
  found <- list(names = character(), calls = character())
  # Between a function and its parenthesis a comment may stand, up to the end of the line.
  opening <- if (any(grepl(paste0("[\n\r]", gap, "\\("), names, perl = TRUE))) "[(#]" else "[(]"
  for (name in names[make.names(names) != names]) {
    calls <- unique(c(calls_as_code(name), calls_as_words(name, opening)))
    found$names <- c(found$names, rep(name, length(calls)))
    found$calls <- c(found$calls, calls)
  }
  found
}

#' What may stand between a function and its parenthesis, as a pattern
gap <- "[\\s\\p{Z}\\p{C}]*"

#' Which of these names does R find a function of, beside the data of a model?
#'
#' R's packages also find those in the user's workspace.
is_function_name <- function(names) {
  places <- list(fill_toolbox(), globalenv())
  is_found <- function(name, place) exists(name, envir = place, mode = "function")
  vapply(names, function(name) {
    nchar(name) < 1000L && any(vapply(places, is_found, NA, name = name)) # R allows no longer ones
  }, NA, USE.NAMES = FALSE)
}

#' Which of these heads of calls are plain names that R has no function of?
unknown_calls <- function(calls) {
  plain <- calls[!grepl("^<.+>$|::", calls)]
  plain[!is_function_name(plain)]
}

#' What a name calls that is read as code, of one or of several expressions
calls_as_code <- function(name) {
  found <- character()
  unread <- name
  while (length(unread) > 0L) {
    code <- tryCatch(parse(text = unread[1L], keep.source = FALSE), error = function(condition) NULL)
    walked <- lapply(as.list(code), walk_expression)
    calls <- as.character(unlist(lapply(walked, `[[`, "calls")))
    plain <- grepl("^[^<:]+$|^[<:]+=?$", calls)
    found <- c(found, calls[!plain | is_function_name(calls)])
    # Each text is shorter than the one it came from, or is left alone.
    variables <- unlist(lapply(walked, `[[`, "variables"))
    unread <- c(unread[-1L], setdiff(variables, unread[1L]))
  }
  found
}

#' What stands before a parenthesis in a name, and assignments, wherever they are
#'
#' @param opening A pattern of what opens the arguments of a call.
calls_as_words <- function(name, opening) {
  pick <- function(pattern) regmatches(name, gregexpr(pattern, name, perl = TRUE))[[1L]]
  word <- "[\\p{L}\\p{N}\\p{M}._]+"
  opens <- paste0("(?=", gap, opening, ")")
  qualified <- pick(paste0("(?:::|[$@])", gap, word, opens))
  words <- pick(paste0(word, opens))
  closed <- pick(paste0("[\"'`)\\]}\\\\]", opens))
  assigned <- pick("<<?-|->>?|:=|(?<![<>=!:])=(?!=)")
  c(qualified, words[is_function_name(words)], closed, assigned)
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

#' The terms of a formula that are random effects, such as `1 | g`, as text
random_terms <- function(expression) {
  if (!is.call(expression)) {
    return(character())
  }
  head <- head_name(expression[[1L]])
  if (head %in% c("|", "||")) {
    return(call_text(expression))
  }
  if (!head %in% c("~", "+", "-", "*", "/", ":", "(", "^", "%in%")) {
    return(character())
  }
  as.character(unlist(lapply(as.list(expression)[-1L], random_terms)))
}

#' Operation: what kind of expression an R text is, and what it calls and names
#'
#' @param text One expression as text.
#' @return A list of `calls`, those of them that are `unknown` to R, `variables`, `misread`,
#'   `is_formula`, `bars` (see `random_terms()`), `has_response` and `text` (R's own
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
    unknown = unknown_calls(walked$calls),
    is_formula = is_formula,
    bars = if (is_formula) random_terms(parsed),
    has_response = is_formula && length(parsed) == 3L,
    text = paste(deparse(parsed, width.cutoff = 500L), collapse = " ")
  ))
}

#' Operation: what a function given as R text calls, and what it gives names to
#'
#' Assignments are told apart from calls: of `names(x)[2] <- v` the target is `x`, and what
#' replaces is `names` and `[`.
#'
#' @param text A function of one argument, as text.
#' @return A list of `is_function`, `parameters`, the heads of `calls`, names that are
#'   `assigned` a value (by a loop, too), functions that have `replaced` parts of them,
#'   `variables` in the place of a value, and `arguments` (see `describe_arguments()`).
describe_function <- function(text) {
  if (nchar(text) > longest_text) {
    stop("it is longer than ", longest_text, " characters", call. = FALSE)
  }
  parsed <- str2lang(text)
  if (!is.call(parsed) || !identical(parsed[[1L]], quote(`function`))) {
    return(list(is_function = FALSE))
  }
  variables <- others <- character()
  calls <- list()
  stack <- present(c(unname(as.list(parsed[[2L]])), list(parsed[[3L]])))
  top <- length(stack)
  while (top > 0L) { # one place after another, as c() would copy all that is there
    here <- stack[[top]]
    top <- top - 1L
    if (is.name(here)) {
      variables[length(variables) + 1L] <- as.character(here)
    } else if (is.call(here)) {
      calls[[length(calls) + 1L]] <- call <- describe_call(here)
      stack[top + seq_along(call$values)] <- call$values
      top <- top + length(call$values)
    } else if (!is.null(here) && !is.atomic(here)) {
      others <- paste0("<", typeof(here), ">")
    }
  }
  pick <- function(name) as.character(unlist(lapply(calls, `[[`, name)))
  heads <- pick("head")
  n_arguments <- lengths(lapply(calls, `[[`, "names"))
  list(
    is_function = TRUE, parameters = names(parsed[[2L]]), calls = unique(c(heads, others)),
    assigned = unique(pick("assigned")), replaced = unique(pick("replaced")),
    variables = unique(variables),
    arguments = list(
      call = rep(seq_along(calls), n_arguments), head = rep(heads, n_arguments),
      name = pick("names"), value = pick("texts")
    )
  )
}

#' One call of a function's text: its head, what it gives names to, and what it evaluates
#'
#' @return A list of `head`, `assigned`, `replaced`, the `names` and `texts` of its
#'   arguments (see `argument_text()`), and `values`: the expressions in it that are evaluated.
describe_call <- function(call) {
  head <- head_name(call[[1L]])
  values <- as.list(call)[-1L]
  assigned <- replaced <- character()
  if (head %in% c("<-", "=", "for") && length(values) > 0L) {
    target <- values[[1L]]
    values <- values[-1L]
    while (is.call(target) && length(target) > 1L) {
      replaced <- c(replaced, head_name(target[[1L]]))
      # What stands behind $ is a name, and is not evaluated.
      inside <- if (head_name(target[[1L]]) %in% c("$", "@")) 1:3 else 1:2
      values <- c(values, as.list(target)[-inside])
      target <- target[[2L]]
    }
    assigned <- if (is.name(target) || is.character(target)) as.character(target) else "<value>"
  }
  names <- if (is.null(names(values))) rep("", length(values)) else names(values)
  texts <- vapply(values, argument_text, "", USE.NAMES = FALSE)
  values <- if (head %in% c("$", "@") && length(values) == 2L && is.name(values[[2L]])) {
    values[1L]
  } else {
    values[!(names == "re.form" & texts == "~0")]
  }
  if (!is.name(call[[1L]]) && !is_qualified_name(call[[1L]])) values <- c(values, call[[1L]])
  list(
    head = head, assigned = assigned, replaced = replaced, names = names, texts = texts,
    values = present(unname(values))
  )
}

#' Expressions without those that are left out: x[, 1] leaves one out
present <- function(expressions) {
  Filter(function(expression) !identical(expression, quote(expr = )), expressions)
}

#' An argument as text; of one that is a call only if it is `~0`, or c() of texts
argument_text <- function(value) {
  texts <- is.call(value) && identical(value[[1L]], quote(c)) &&
    all(vapply(as.list(value)[-1L], is.character, NA))
  if (is.call(value) && !texts && !identical(value, quote(~0))) return("<call>")
  paste(deparse(value), collapse = " ")
}
