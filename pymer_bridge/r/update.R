# Models made from a fitted one.

#' Operation: the updated formula of a model
#'
#' @param change A formula as text, in which dots stand for the old parts.
#' @param nonlinear Is it a formula in three parts? R cannot update those.
merged_formula <- function(model, change, nonlinear) {
  changed <- str2lang(change)
  if (!nonlinear) {
    changed <- stats::update.formula(stats::formula(model$fit), stats::as.formula(changed))
  } else if ("." %in% all.vars(changed)) {
    stop("a nonlinear formula in three parts cannot be changed by dots; write it out",
      call. = FALSE
    )
  }
  paste(deparse(changed, width.cutoff = 500L), collapse = " ")
}

#' Operation: the number of rows that the fit uses
n_used <- function(model) nrow(stats::model.frame(model$fit))

#' Operation: fit the model to another response
#'
#' @param response The parts of a data frame of one or two columns, with the rows of
#'   the data or those used.
refit_response <- function(model, response) {
  if (methods::is(model$fit, "merMod")) warn_of_refit_defect(model$fit, "this fit is")
  columns <- frame_from_parts(response)
  data <- model_data(model)
  if (nrow(columns) != length(data$used) || nrow(columns) == nrow(data$frame)) {
    columns <- columns[data$used, , drop = FALSE]
  }
  values <- if (length(columns) == 1L) columns[[1L]] else unname(as.matrix(columns))
  if (is.logical(values)) values <- as.integer(values)
  frame <- stats::model.frame(model$fit)
  used <- frame[[attr(attr(frame, "terms"), "response")]] # model.response() would name all values
  if (is.factor(used)) values <- successes(values, levels(used))
  # R takes proportions for it.
  if (is.matrix(used) && is.numeric(values) && !is.matrix(values) && any(values > 1, na.rm = TRUE)) {
    stop("the response of this model has two columns, successes and failures, and the new one ",
      "has one; give both, as in numpy.column_stack([successes, failures])",
      call. = FALSE
    )
  }
  made <- refit_to(model, values, data)
  list(model = made, facts = facts_of(made$fit))
}

#' The model refitted to the response of the rows used
#'
#' @param data See `model_data()`; not evaluated where it is not needed.
refit_to <- function(model, values, data) {
  made <- model_with_response(model, refit_used(model, values, NULL), values, data)
  made$refits <- refits_and(model, values)
  made
}

most_refits <- 20L

#' How a refit came about: where it began, and the response of each refit since
#'
#' A refit starts at the estimates of the one before, so that only the same steps give the
#' same bits.
#'
#' @param step A response of the rows used, or "likelihood".
#' @return A list of `env`, the data environment of the first fit, and `steps`; the steps are
#'   NULL where they were too many to keep.
refits_and <- function(model, step) {
  known <- model$refits
  if (is.null(known)) known <- list(env = model$frame_env, steps = list())
  forgotten <- is.null(known$steps) || length(known$steps) == most_refits
  list(env = known$env, steps = if (!forgotten) c(known$steps, list(step)))
}

#' The response of a binomial model that was fitted to a factor: the first level is a failure
#'
#' @param values Labels, the numbers that simulate() gives to levels, or zeros and ones.
successes <- function(values, levels) {
  if (is.numeric(values)) {
    there <- unique(values[!is.na(values)])
    if (identical(there, 1)) {
      stop("a response of ones alone may be the number of the first level, ", dQuote(levels[1L], FALSE),
        ", or successes; give the levels themselves",
        call. = FALSE
      )
    }
    return(if (2 %in% there && all(there %in% 1:2)) values - 1 else values)
  }
  given <- as.character(values)
  unknown <- setdiff(given, c(levels, NA))
  if (length(unknown) > 0L) {
    stop("the new response has the level ", dQuote(unknown[1L], FALSE), "; the model was fitted to ",
      paste(dQuote(levels, FALSE), collapse = ", "),
      call. = FALSE
    )
  }
  as.double(given != levels[1L])
}

#' lme4's refit() to a response of the rows used; a fit without random effects is fitted anew
#'
#' @param control The control object that refit() is given, or NULL.
refit_used <- function(model, values, control) {
  if (inherits(model$fit, "lm")) return(linear_refitter(model)(values))
  # Otherwise refit() removes rows that the response does not have.
  dropped <- stats::na.action(stats::model.frame(model$fit))
  if (!is.null(dropped)) attr(values, "na.action") <- dropped
  lme4::refit(model$fit, values, control = control)
}

#' A model whose data hold the response that it was refitted to
#'
#' Functions that look for the data of the fit then find the right ones. If the response
#' is not a plain column, this is impossible, and the model is marked.
#'
#' @param data See `model_data()`; not evaluated where it is not needed.
model_with_response <- function(model, fit, values, data) {
  force(fit) # before there are copies of the data
  left <- stats::formula(model$fit)[[2L]]
  columns <- if (isTRUE(model$other_response)) {
    NULL
  } else if (is.name(left)) {
    as.character(left)
  } else if (is.matrix(values) && is.call(left) && identical(left[[1L]], quote(cbind)) &&
    all(vapply(as.list(left)[-1L], is.name, NA))) {
    vapply(as.list(left)[-1L], as.character, "")
  }
  if (is.null(columns)) {
    if (inherits(fit, "lm")) fit <- with_response_named(fit, left)
    made <- new_model(fit, model$frame_env, model$call)
    made$other_response <- TRUE
    return(made)
  }
  one <- length(columns) == 1L
  values <- if (one) as.vector(values) else matrix(as.vector(values), ncol = length(columns))
  for (i in seq_along(columns)) {
    column <- data$frame[[columns[i]]]
    new <- if (one) values else values[, i]
    plain <- is.double(column) && is.double(new) && is.null(attributes(column))
    if (plain && identical(data$used, seq_along(column))) {
      column <- new # as below, without copies
    } else {
      # Of two levels, the first is a failure.
      column[data$used] <- if (is.factor(column)) levels(column)[1L + new] else new
    }
    data$frame[[columns[i]]] <- column
  }
  env <- list2env(as.list(model$frame_env, all.names = TRUE), parent = parent.env(model$frame_env))
  assign(as.character(stats::getCall(model$fit)$data), data$frame, envir = env)
  if (inherits(model$fit, "lm")) {
    return(new_model(eval(model$call, env), env, model$call))
  }
  # There is no accessor that sets the environment of a fit's formula.
  frame <- stats::model.frame(fit)
  environment(attr(frame, "formula")) <- env
  methods::slot(fit, "frame") <- frame
  new_model(fit, env, model$call)
}

#' A function that makes a model of a refit to another response, for statistics in Python
response_model <- function(model) {
  n_rows <- nrow(stats::model.frame(model$fit))
  function(fit, values) {
    response <- as_response(values, n_rows)
    made <- model_with_response(model, fit, response, model_data(model))
    made$refits <- refits_and(model, response)
    list(model = made)
  }
}

#' Operation: refit by maximum likelihood
refit_by_likelihood <- function(model) {
  made <- refit_ml(model)
  list(model = made, facts = facts_of(made$fit))
}

#' The model refitted by maximum likelihood
refit_ml <- function(model) {
  call <- model$call
  call$REML <- FALSE
  made <- new_model(lme4::refitML(model$fit), model$frame_env, call)
  made$other_response <- model$other_response
  made$refits <- refits_and(model, "likelihood")
  made
}

#' A fit without random effects to a response of ours, with the name of the model's own response
#'
#' @param left The left side of the model's formula.
with_response_named <- function(fit, left) {
  text <- deparse1(left)
  renamed <- function(terms) {
    terms[[2L]] <- left
    variables <- attr(terms, "variables")
    variables[[2L]] <- left
    attr(terms, "variables") <- variables
    factors <- attr(terms, "factors")
    if (is.matrix(factors)) rownames(attr(terms, "factors"))[1L] <- text
    terms
  }
  fit$terms <- renamed(fit$terms)
  attr(fit$model, "terms") <- fit$terms
  names(fit$model)[1L] <- text
  fit$call$formula <- stats::formula(fit$terms)
  fit
}
