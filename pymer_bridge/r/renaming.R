# Odd names, for packages that write names without their quotes and read that as code: they get
# plain ones, and what comes back has the user's own again.

#' Names that R need not quote, for columns that have others
#'
#' effects and lmerTest paste names together, without their quotes, and read that as code.
#'
#' @param names Names of columns.
#' @return The same names, of which the odd ones are ours, named by the old ones. No
#'   other name begins with one of ours, or is the beginning of one: effects looks for
#'   the columns of a factor by the beginning of their names.
plain_names <- function(names) {
  start <- ".renamed"
  while (any(startsWith(names, start))) start <- paste0(start, "_")
  odd <- which(make.names(names) != names)
  plain <- replace(names, odd, paste0(start, odd, "_"))
  stats::setNames(plain, names)
}

#' Text of R with the plain names in place of quoted ones, or back
#'
#' @param plain See `plain_names()`.
plain_text <- function(text, plain, back = FALSE) {
  for (name in names(plain)[plain != names(plain)]) {
    pair <- c(deparse(as.name(name), backtick = TRUE), plain[[name]])
    if (back) pair <- rev(pair)
    text <- gsub(pair[1L], pair[2L], text, fixed = TRUE)
  }
  text
}

#' A call that fits, with the plain names in place of the others
#'
#' @param plain See `plain_names()`.
renamed_call <- function(call, plain) {
  symbols <- lapply(plain, as.name)
  renamed <- function(code) do.call(substitute, list(code, symbols))
  others <- names(call) != "data"
  call[others] <- lapply(as.list(call)[others], renamed)
  if (!is.null(call$contrasts)) {
    names(call$contrasts)[-1L] <- plain[names(call$contrasts)[-1L]]
  }
  call
}

#' The same model of columns that have plain names, where predictors or groups have others
#'
#' It is fitted anew; its figures are the same to the last bit.
#'
#' @return A list of `model` and `plain`, NULL where the model is the one that was given.
plain_model <- function(model) {
  data <- model_data(model)$frame
  right <- all.vars(model$call$formula[[3L]])
  used <- if ("." %in% right) names(data) else intersect(right, names(data))
  if (all(make.names(used) == used)) {
    return(list(model = model))
  }
  plain <- plain_names(names(data))
  names(data) <- plain
  call <- renamed_call(model$call, plain)
  env <- list2env(as.list(model$frame_env, all.names = TRUE), parent = parent.env(model$frame_env))
  assign(as.character(call$data), data, envir = env)
  fit <- suppressMessages(suppressWarnings(eval(call, env)))
  list(model = new_model(fit, env, call), plain = plain)
}

#' Texts of a record with the user's own names again
own_names <- function(record, plain) {
  rapply(record, plain_text, "character", how = "replace", plain = plain, back = TRUE)
}
