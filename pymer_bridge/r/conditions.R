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

#' Limits of what is kept from one operation: characters of one message, conditions of one
#' kind, and characters of all conditions of that kind
longest_message <- 100000L
most_conditions <- 10000L
most_text <- 2^22

#' What a condition holds, as one string that can go to Python
#'
#' @param made The message, unevaluated: the condition's own method may fail.
message_text <- function(made) {
  text <- tryCatch(paste(as.character(made), collapse = "\n"), error = function(condition) {
    paste0("(R could not tell the message: ", simple_text(conditionMessage(condition)), ")")
  })
  simple_text(text)
}

#' A string in UTF-8, with other bytes written as <e9>, and not too long
simple_text <- function(text) {
  text <- enc2utf8(text)
  if (!validUTF8(text)) {
    text <- iconv(text, "UTF-8", "UTF-8", sub = "byte")
  }
  length <- nchar(text)
  if (length > longest_message) {
    text <- paste0(
      substr(text, 1L, longest_message), " [... ", length - longest_message, " more characters]"
    )
  }
  text
}

#' A call as errors show it: of a long one, or one with data in it, the name of the function
short_call <- function(call) {
  text <- call_text(call)
  if (nchar(text) <= 80L) {
    return(text)
  }
  if (is.name(call[[1L]]) || is_qualified_name(call[[1L]])) paste0(call_text(call[[1L]]), "(...)") else ""
}

#' A condition as a list of character vectors
describe_condition <- function(condition) {
  call <- tryCatch(short_call(conditionCall(condition)), error = function(unused) "")
  list(
    message = message_text(conditionMessage(condition)),
    classes = as.character(class(condition)),
    call = simple_text(call)
  )
}

#' A store that keeps conditions in order, up to the limits
condition_shelf <- function() {
  # Not a list, which would be copied at each addition.
  kept <- new.env(parent = emptyenv())
  n <- 0L
  text <- 0
  more <- 0L
  list(
    any = function() n > 0L,
    add = function(condition) {
      if (n >= most_conditions || text >= most_text) {
        more <<- more + 1L
        return()
      }
      described <- describe_condition(condition)
      if (inherits(condition, "message")) described$message <- sub("\n$", "", described$message)
      text <<- text + nchar(described$message)
      n <<- n + 1L
      assign(as.character(n), described, envir = kept)
    },
    all = function() {
      kept <- unname(mget(as.character(seq_len(n)), envir = kept))
      if (more == 0L) {
        return(kept)
      }
      c(kept, list(list(message = paste("... and", more, "more"), classes = "condition", call = "")))
    }
  )
}

#' R's default values of the options on which figures and texts can depend
pinned_options <- list(
  OutDec = ".", contrasts = c(unordered = "contr.treatment", ordered = "contr.poly"),
  deparse.max.lines = NULL, digits = 7L, digits.secs = NULL, emmeans = NULL, error = NULL,
  expressions = 5000L, matprod = "default", max.print = 99999L, na.action = "na.omit", scipen = 0L,
  show.error.messages = TRUE, ts.eps = 1e-05, ts.S.compat = FALSE, useFancyQuotes = TRUE,
  warn = 0L, warning.expression = NULL, warning.length = 1000L,
  warnPartialMatchArgs = FALSE, warnPartialMatchAttr = FALSE, warnPartialMatchDollar = FALSE,
  width = 80L
)

#' The calls that led to an error, without the frames of this file
#'
#' @param calls The value of `sys.calls()` in an error handler.
describe_calls <- function(calls) {
  text <- vapply(calls, call_text, "")
  first <- max(0L, which(text == "eval(operation_call, frame)"))
  handler <- grepl("^\\.handleSimpleError|^h\\(simpleError", text)
  last <- if (any(handler)) which(handler)[1L] - 1L else length(text)
  text[seq_len(last)][seq_len(last) > first]
}

#' The operations' own random number generator: R's default one, separate from other users' of R
own_generator <- new.env(parent = emptyenv())

#' Operation: another generator, for a statistic in Python; this one stays as it is
new_generator <- function(seed) {
  made <- new.env(parent = emptyenv())
  before <- take_generator(made)
  set.seed(seed)
  give_generator_back(made, before, failed = FALSE)
  made
}

#' Put the operations' generator in place
#'
#' @param generator An environment that holds its state.
#' @return The state of other users of this R; NULL if nobody has drawn yet.
take_generator <- function(generator) {
  theirs <- globalenv()$.Random.seed
  if (!is.null(generator$state)) {
    assign(".Random.seed", generator$state, envir = globalenv())
  } else if (!is.null(theirs)) {
    rm(".Random.seed", envir = globalenv())
    RNGkind("default", "default", "default")
  }
  theirs
}

#' Keep the state of the operations' generator, and restore the other one's
#'
#' @param failed Did the operation fail? Then its generator is as it was before.
give_generator_back <- function(generator, theirs, failed) {
  if (!failed) generator$state <- globalenv()$.Random.seed
  put_seed(theirs)
}

#' Put a state of R's generator in its place; NULL is that of an R in which nobody has drawn yet
put_seed <- function(state) {
  if (!is.null(state)) {
    assign(".Random.seed", state, envir = globalenv())
  } else if (exists(".Random.seed", envir = globalenv(), inherits = FALSE)) {
    rm(".Random.seed", envir = globalenv())
  }
}

#' Evaluate with the generator at a seed, and put its state back, as simulate() does
#'
#' @param seed An integer for set.seed(); NULL to draw on.
with_seed <- function(seed, value) {
  if (!is.null(seed)) {
    before <- globalenv()$.Random.seed
    on.exit(put_seed(before))
    set.seed(seed)
  }
  value
}

#' Make R's session ready for an operation
#'
#' @param generator See `take_generator()`.
#' @return What other users of this R have set, for `give_session_back()`.
take_session <- function(generator) {
  theirs <- list(
    options = options(pinned_options), seed = take_generator(generator),
    compiles = compiler::enableJIT(0L), # see `compiled()`
    level = jit$level
  )
  # Of an operation within another one it is not the user's.
  if (is.null(jit$level)) jit$level <- theirs$compiles
  theirs
}

#' Restore what other users of this R have set
#'
#' @param generator,failed See `give_generator_back()`.
give_session_back <- function(theirs, generator, failed) {
  compiler::enableJIT(theirs$compiles)
  jit$level <- theirs$level
  options(theirs$options)
  give_generator_back(generator, theirs$seed, failed)
}

#' Describe that R left an operation without a word that is an error
#'
#' @param said_before What R said before as an error.
describe_abort <- function(said_before) {
  message <- "R was told to leave what it was doing (restart 'abort')"
  # After a stop() with a condition that is not an error, R says so here.
  said <- geterrmessage()
  if (!identical(said, said_before)) {
    message <- paste0(message, ": ", message_text(sub("\n$", "", said)))
  }
  classes <- c("abort", "error", "condition")
  list(message = message, classes = classes, call = "", traceback = character())
}

#' The level of R's compiler that the user has set, while an operation runs
jit <- new.env()

#' Evaluate with R's compiler at work, as far as the user lets it, for what is done hundreds of times
#'
#' It compiles a function at its second call, which takes longer than a hundred calls of it gain.
#' So operations run without: a fit, its table and a plot call functions of ours a few times.
compiled <- function(value) {
  if (is.null(jit$level)) return(value) # in plain R nobody has sent the compiler away
  before <- compiler::enableJIT(jit$level)
  on.exit(compiler::enableJIT(before))
  value
}

#' Run one operation, keeping warnings, messages, errors and interrupts
#'
#' @param operation The name of a function in `operations`.
#' @param arguments A named list of its arguments.
#' @param operations The environment that holds the functions.
#' @param generator What the operation draws from; a statistic in Python has one of its own.
#' @return A list of `value`, `error` or `interrupted`, and of `warnings` and `messages` where
#'   there were any: what is not there need not cross to Python.
run_operation <- function(operation, arguments, operations, generator = own_generator) {
  # The operation itself can be interrupted; what is set up and put back around it cannot.
  suspendInterrupts(perform_operation(operation, arguments, operations, generator))
}

perform_operation <- function(operation, arguments, operations, generator) {
  theirs <- take_session(generator)
  on.exit(give_session_back(theirs, generator, failed))
  failed <- TRUE
  said_before <- geterrmessage()
  warnings <- condition_shelf()
  messages <- condition_shelf()
  traceback <- character()
  # Arguments are passed by name, not by value, so that a traceback stays short.
  frame <- list2env(arguments, parent = operations)
  names <- lapply(names(arguments), as.name)
  names(names) <- names(arguments)
  operation_call <- as.call(c(as.name(operation), names))

  outcome <- withRestarts(tryCatch(
    withCallingHandlers(
      list(value = allowInterrupts(eval(operation_call, frame))),
      warning = function(condition) {
        warnings$add(condition)
        invokeRestart("muffleWarning")
      },
      message = function(condition) {
        messages$add(condition)
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
  ), abort = function(...) list(error = describe_abort(said_before)))
  failed <- !identical(names(outcome), "value")
  if (warnings$any()) outcome$warnings <- warnings$all()
  if (messages$any()) outcome$messages <- messages$all()
  outcome
}
