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

#' Has a predictor or a group a name that R must quote?
#'
#' @param columns The names of the data's columns.
has_odd_names <- function(model, columns) {
  right <- all.vars(model$call$formula[[3L]])
  used <- if ("." %in% right) columns else intersect(right, columns)
  any(make.names(used) != used)
}

#' The same model of columns that have plain names, where predictors or groups have others
#'
#' It is fitted anew, and refitted by the same steps; its figures are the same to the last bit.
#'
#' @return A list of `model` and `plain`, NULL where the model is the one that was given.
plain_model <- function(model) {
  first_env <- if (is.null(model$refits)) model$frame_env else model$refits$env
  data <- get(as.character(model$call$data), first_env)
  steps <- model$refits$steps
  forgotten <- !is.null(model$refits) && is.null(steps)
  if (forgotten || !has_odd_names(model, names(data))) {
    return(list(model = model))
  }
  plain <- plain_names(names(data))
  names(data) <- plain
  call <- renamed_call(model$call, plain)
  if (any(vapply(steps, identical, NA, "likelihood"))) call$REML <- NULL
  env <- list2env(as.list(first_env, all.names = TRUE), parent = parent.env(first_env))
  assign(as.character(call$data), data, envir = env)
  # What R says of these fits it has said of the user's.
  made <- suppressMessages(suppressWarnings(Reduce(function(made, step) {
    if (identical(step, "likelihood")) refit_ml(made) else refit_to(made, step, model_data(made))
  }, steps, new_model(eval(call, env), env, call))))
  list(model = made, plain = plain)
}

#' Does predict() of lme4 look in vain for a variable, without whose backticks it looks for it?
#'
#' Of I(`my x`^2), for example.
loses_variables <- function(fit) {
  if (lme4::isNLMM(fit)) {
    return(FALSE)
  }
  frame <- stats::model.frame(fit)
  terms <- stats::terms(stats::formula(fit, fixed.only = TRUE), data = frame)
  variables <- rownames(attr(terms, "factors"))
  !all(gsub("`", "", variables, fixed = TRUE) %in% names(frame))
}

#' A model whose variables predict() finds, with new data and random part to go with it
#'
#' @param frame New data, or NULL for the data themselves, where nothing is lost.
readable_model <- function(model, frame, re_form = NULL) {
  plain <- NULL
  if (!is.null(frame) && loses_variables(model$fit)) {
    used <- plain_model(model)
    model <- used$model
    plain <- used$plain
  }
  known <- names(frame) %in% names(plain)
  names(frame)[known] <- plain[names(frame)[known]]
  list(
    model = model, frame = frame,
    re_form = if (!is.null(re_form)) plain_text(re_form, plain)
  )
}

#' Texts of a record with the user's own names again
own_names <- function(record, plain) {
  rapply(record, plain_text, "character", how = "replace", plain = plain, back = TRUE)
}
