# What arrived in R, told by base R; sourced by tests/helpers/probing.py where the operations can be seen.

describe_frame <- function(frame) {
  data <- frame_from_parts(frame)
  lapply(data, function(column) {
    list(
      class = class(column), type = typeof(column), levels = levels(column),
      is_na = is.na(column), is_nan = is.nan(as.double(unclass(if (is.numeric(column)) column))),
      factor_levels = levels(factor(column)), zone = attr(column, "tzone"),
      units = attr(column, "units"), bits = if (is.double(column)) bits(column)
    )
  })
}

bits <- function(column) vapply(as.double(unclass(column)), function(x) {
  paste(rev(format(as.hexmode(as.integer(writeBin(x, raw(), endian = "little"))), width = 2L)), collapse = "")
}, "")

formatted_times <- function(frame, zone = NULL) {
  shown <- "%Y-%m-%d %H:%M:%OS6"
  times <- frame_from_parts(frame)[[1L]]
  if (is.null(zone)) format(times, shown) else format(times, shown, tz = zone)
}

recurse <- function(n) recurse(n + 1)
spin <- function() repeat n <- 1
speak <- function() {
  cat("said by cat\n")
  print("said by print")
  message("said by message")
  warning("said by warning")
  write("said to stderr", stderr())
  utils::str(1:3)
  invisible(5)
}
fail <- function(x) stop("it failed: ", x)
outer_fail <- function() fail("deep")
watched <- function() {
  env <- new.env()
  reg.finalizer(env, function(e) assign("freed", freed + 1L, envir = topenv_of_probe))
  env
}
topenv_of_probe <- environment()
freed <- 0L
count_freed <- function() {
  gc()
  freed
}
seen_threads <- function() Sys.getpid()
give_nested <- function() {
  list(none = NULL, numbers = c(1.5, NA, Inf), strings = c("\u00e9", NA, "NA"), flags = c(TRUE, NA, FALSE),
    unnamed = list(1L, "b"), deep = list(list(x = list(y = 2L))), empty = list(), none_of = character())
}
same <- function(x) x
same_strings <- function(many, alone) {
  alone <- unlist(lapply(alone, as.character))
  identical(many, alone) && identical(Encoding(many), Encoding(alone))
}
in_latin1 <- function(n) rep(c(iconv("\u00e9", "UTF-8", "latin1"), NA), n)

#' Which functions, with their methods, evaluate code, or call what they are given
#'
#' @param of Names of functions.
#' @return For each that does: its name and its method's, and what it `calls`.
evaluating <- function(of) {
  hard <- c(
    "match.fun", "do.call", "eval", "evalq", "eval.parent", "parse", "str2lang", "str2expression",
    "as.formula", "formula", "get", "get0", "mget", "Reduce", "Map", "Filter", "assign",
    "reformulate", "source", "Vectorize", "model.frame", "update", "sys.source", "lapply", "sapply"
  )
  # What a column, or a part of a fit, can be.
  classes <- c(
    "default", "data.frame", "numeric", "integer", "logical", "character", "factor", "ordered",
    "POSIXct", "POSIXt", "difftime", "matrix", "array", "list", "table", "AsIs", "poly", "ns", "bs",
    "merMod", "lmerMod", "glmerMod", "VarCorr.merMod", "ranef.mer", "coef.mer", "logLik", "formula"
  )
  found <- list(of = character(), method = character(), calls = character())
  spaces <- lapply(c("base", "stats", "splines", "lme4", "Matrix"), asNamespace)
  for (name in unique(of)) {
    for (method in c(name, paste(name, classes, sep = "."))) {
      for (space in spaces) {
        given <- get0(method, space, mode = "function", inherits = FALSE)
        if (is.null(given)) given <- get0(method, space[[".__S3MethodsTable__."]], inherits = FALSE)
        if (!is.function(given)) next
        used <- intersect(all.names(body(given)), hard)
        # Of lapply() the function is its own, unless it stands among its arguments.
        used <- setdiff(used, if (!any(c("FUN", "f", "fun") %in% names(formals(given)))) c("lapply", "sapply"))
        if (length(used) > 0L && !method %in% found$method) {
          found <- Map(c, found, list(name, method, paste(used, collapse = " ")))
        }
      }
    }
  }
  found
}

#' The data of one draw of a case bootstrap, in an environment
case_holder <- function(model, draws, number, levels, relabel) {
  source <- case_source(model, levels, relabel)
  holder <- new.env(parent = emptyenv())
  draw <- take_draws(draws, number, number)[[1L]]
  holder$data <- case_frame(source$frame, source$used, draw, source$plan)
  holder
}

# A fit that plain R made, as the package keeps its own.
wrap_fit <- function(fit) new_model(fit, environment(stats::formula(fit)), stats::getCall(fit))

# What the design at new data, behind standard errors, gives of the fixed effects.
designed_prediction <- function(model, frame) {
  as.vector(fixed_design(model$fit, frame_from_parts(frame)) %*% lme4::fixef(model$fit))
}

#' Does R code that reads a file make just this data frame, bit for bit?
reads_same <- function(code, variable, frame) {
  here <- new.env(parent = globalenv())
  eval(parse(text = code, keep.source = FALSE), here)
  identical(get(variable, here), frame_from_parts(frame), num.eq = FALSE, single.NA = FALSE)
}

#' The value of each text, by R's parser
values_of <- function(texts) {
  lapply(texts, function(text) {
    parsed <- parse(text = text, keep.source = FALSE)
    stopifnot(length(parsed) == 1L)
    eval(parsed[[1L]], baseenv())
  })
}

#' How many expressions each text holds
n_expressions <- function(texts) {
  vapply(texts, function(text) length(parse(text = text, keep.source = FALSE)), 1L)
}

#' Kind, values as exact text (NA where missing) and levels of each column of a frame
exact_frame <- function(frame) {
  data <- frame_from_parts(frame)
  columns <- lapply(unname(as.list(data)), function(column) {
    kind <- if (is.ordered(column)) {
      "ordered"
    } else if (is.factor(column)) {
      "factor"
    } else if (inherits(column, c("POSIXct", "difftime"))) {
      "time"
    } else {
      typeof(column)
    }
    plain <- unclass(column)
    values <- if (is.double(plain)) {
      bits(plain)
    } else {
      as.character(plain)
    }
    values[is.na(column)] <- NA
    list(
      kind = kind, values = values, levels = levels(column), zone = attr(column, "tzone"),
      na_bits = if (is.double(plain)) all(bits(plain)[is.na(plain)] == "7ff00000000007a2") else TRUE
    )
  })
  list(names = names(data), n_rows = nrow(data), columns = columns)
}

#' The levels that R gives a factor of numbers
number_levels <- function(values) vapply(values, function(x) levels(factor(x)), "")

#' The arguments of a function of a package
formals_of <- function(package, of) names(formals(get(of, envir = asNamespace(package))))

#' What names would call, asked as in a process that has not fitted anything
calls_before_any_model <- function(names) {
  rm(list = intersect(getNamespaceExports("lme4"), ls(toolbox)), envir = toolbox)
  calls_in_names(names)
}

#' A function of the workspace that leaves a trace
define_canary <- function(path) {
  assign("canary_called", function(...) file.create(path), envir = globalenv())
  TRUE
}

forget_canary <- function() {
  rm("canary_called", envir = globalenv())
  TRUE
}

#' How columns differ from those that R reads from the same file
#'
#' @param frame The parts of the data frame.
#' @param sep What stands between fields.
#' @return A text for each column: "" where it is identical.
unlike_read_csv <- function(path, sep, frame) {
  theirs <- utils::read.csv(path,
    sep = sep, na.strings = c("NA", ""), check.names = FALSE, encoding = "UTF-8"
  )
  ours <- frame_from_parts(frame)
  stopifnot(identical(names(ours), names(theirs)))
  mapply(function(x, y) {
    # A column without a value has no type that anyone could see.
    if (all(is.na(y)) && !is.character(y)) return(if (all(is.na(x))) "" else "not missing")
    if (identical(x, y)) "" else paste(deparse(x), "for", deparse(y))
  }, ours, theirs)
}
words_of_column <- function(frame) {
  x <- frame_from_parts(frame)$x
  list(
    class = class(x), values = ifelse(is.na(x), "NA", format_each(x)),
    levels = levels(as.factor(x))
  )
}
format_each <- function(x) if (is.numeric(x)) format_numbers(x) else as.character(x)
format_numbers <- function(x) vapply(as.double(x), format, "", digits = 15)
