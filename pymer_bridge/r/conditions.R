# Run an operation with every condition kept as data.
#
# Each file of this folder is plain R. Together they are sourced into one
# environment, and Python asks for one operation at a time by its name.

#' The text of a call, cut to one short line
#'
#' @param call A call, or NULL.
#' @return A string, "" for NULL.
call_text <- function(call) {
  if (is.null(call)) {
    return("")
  }
  text <- deparse(call, width.cutoff = 200L, nlines = 1L)[1L]
  if (nchar(text) > 200L) paste0(substr(text, 1L, 197L), "...") else text
}

#' A condition as a list of character vectors
describe_condition <- function(condition) {
  list(
    message = conditionMessage(condition),
    classes = class(condition),
    call = call_text(conditionCall(condition))
  )
}

#' The calls that led to an error, without this file's own frames
#'
#' @param calls The value of `sys.calls()` in an error handler.
describe_calls <- function(calls) {
  text <- vapply(calls, call_text, "")
  first <- max(0L, which(text == "eval(operation_call, frame)"))
  handler <- grepl("^\\.handleSimpleError|^h\\(simpleError", text)
  last <- if (any(handler)) which(handler)[1L] - 1L else length(text)
  text[seq_len(last)][seq_len(last) > first]
}

#' Run one operation, keeping warnings, messages, errors and interrupts
#'
#' @param operation The name of a function in `operations`.
#' @param arguments A named list of its arguments.
#' @param operations The environment that holds the functions.
#' @return A list of `value`, `warnings`, `messages`, `error` (NULL when there
#'   was none) and `interrupted`.
run_operation <- function(operation, arguments, operations) {
  warnings <- list()
  messages <- list()
  traceback <- character()
  # Arguments are passed by name, not by value, so that a traceback stays short.
  frame <- list2env(arguments, parent = operations)
  names <- lapply(names(arguments), as.name)
  names(names) <- names(arguments)
  operation_call <- as.call(c(as.name(operation), names))

  outcome <- tryCatch(
    withCallingHandlers(
      list(value = eval(operation_call, frame)),
      warning = function(condition) {
        warnings[[length(warnings) + 1L]] <<- describe_condition(condition)
        invokeRestart("muffleWarning")
      },
      message = function(condition) {
        described <- describe_condition(condition)
        described$message <- sub("\n$", "", described$message)
        messages[[length(messages) + 1L]] <<- described
        invokeRestart("muffleMessage")
      },
      error = function(condition) {
        traceback <<- tryCatch(
          describe_calls(sys.calls()),
          error = function(unused) character()
        )
      }
    ),
    error = function(condition) {
      list(error = c(describe_condition(condition), list(traceback = traceback)))
    },
    interrupt = function(condition) list(interrupted = TRUE)
  )
  list(
    value = outcome$value,
    warnings = warnings,
    messages = messages,
    error = outcome$error,
    interrupted = isTRUE(outcome$interrupted)
  )
}
