# What a script of plain R needs to know about a model, and its data in R's own format.

#' The text of an expression, which R parses back to the same expression
#'
#' Numbers are hexadecimal where the fifteen decimal digits of deparse() would lose bits.
#'
#' @param expression A call, a name or a constant; NULL for none.
exact_text <- function(expression) {
  if (is.null(expression)) {
    return(NULL)
  }
  for (control in list(c("keepNA", "keepInteger"), c("keepNA", "keepInteger", "hexNumeric"))) {
    # A name alone has no backticks otherwise.
    text <- deparse(expression, width.cutoff = 500L, backtick = TRUE, control = control)
    text <- paste(text, collapse = " ")
    again <- tryCatch(str2lang(text), error = function(condition) NULL)
    if (identical(again, expression, ignore.srcref = TRUE)) {
      return(text)
    }
  }
  stop("R cannot write ", call_text(expression), " as text that reads as the same expression",
    call. = FALSE
  )
}

#' Operation: what a script needs to know about a model
#'
#' @param data_name The name of its data.
#' @return `formula`, `weights`, `offset` and `subset` as text (NULL for a vector), the `frame`
#'   as parts, `orders` (the levels that R makes of each column of strings), `calls` and
#'   `variables` (all in the texts), and `odd_names` (see `has_odd_names()`).
script_facts <- function(model, data_name) {
  frame <- get(data_name, model$frame_env)
  texts <- lapply(c("formula", "weights", "offset", "subset"), function(name) {
    part <- model$call[[name]]
    if (name != "formula" && is_own_vector(part, model)) NULL else part
  })
  names(texts) <- c("formula", "weights", "offset", "subset")
  walked <- lapply(Filter(Negate(is.null), texts), walk_expression)
  c(lapply(texts, exact_text), list(
    frame = frame_to_parts(frame),
    orders = lapply(Filter(is.character, as.list(frame)), function(column) levels(factor(column))),
    calls = unique(unlist(lapply(walked, `[[`, "calls"))),
    variables = unique(unlist(lapply(walked, `[[`, "variables"))),
    odd_names = has_odd_names(model, names(frame)), refit = refit_facts(model, data_name)
  ))
}

#' How a model was refitted to another response
#'
#' @return NULL if it was not; else the `response` as text, the `frame` of the fit that was refitted, and
#'   whether it was refitted by `likelihood` after that.
refit_facts <- function(model, data_name) {
  steps <- model$refits$steps
  if (length(steps) == 0L || identical(steps[[1L]], "likelihood")) {
    return(NULL)
  }
  list(
    response = exact_text(stats::formula(model$fit)[[2L]]),
    frame = frame_to_parts(get(data_name, model$refits$env)),
    likelihood = identical(steps[[length(steps)]], "likelihood")
  )
}

#' Operation: what a script needs to know about a design
#'
#' @return `right`, its formula as text, the name of the `response`, the `frame` as parts with the
#'   `orders` of strings, the functions that it `calls`, and its parameters.
design_facts <- function(design) {
  formula <- design$right
  attributes(formula) <- NULL
  frame <- design$frame
  list(
    right = exact_text(formula), response = design$response, frame = frame_to_parts(frame),
    orders = lapply(Filter(is.character, as.list(frame)), function(column) levels(factor(column))),
    calls = unique(walk_expression(formula)$calls),
    coefficients = names(design$parameters$beta), beta = unname(design$parameters$beta),
    theta = design$parameters$theta, sigma = design$parameters$sigma
  )
}

#' Operation: why no script can make a model that was refitted to another response
#'
#' @return A reason; "" if one can.
refit_obstacle <- function(model) {
  steps <- model$refits$steps
  responses <- !vapply(steps, identical, NA, "likelihood")
  if (isTRUE(model$other_response)) {
    "its response is no column of the data, in which R's functions would look for it"
  } else if (inherits(model$fit, "lm")) {
    ""
  } else if (is.null(steps) || sum(responses) != 1L || !responses[1L]) {
    "it was refitted several times, each time from the estimates before"
  } else if (!is.null(model$call$subset)) {
    "it is of a subset, whose rows R's refit() does not find in a column"
  } else if (!is.numeric(stats::model.response(stats::model.frame(model$fit))) ||
    !is.numeric(eval(stats::formula(model$fit)[[2L]], model_data(model)$frame))) {
    "its response has levels, of which R's refit() takes only numbers"
  } else {
    ""
  }
}

#' Operation: the settings of R on which a model depends
#'
#' @return `contrasts`, `generator`, and `own_parameters`: does this lme4 have a function
#'   of its own that computes the parameters of intervals (from 2.0 on)?
script_settings <- function() {
  list(
    contrasts = unname(getOption("contrasts")), generator = RNGkind(),
    own_parameters = !is.null(asNamespace("lme4")$convParToProfPar)
  )
}

#' Operation: write a data frame as R's own file
#'
#' @param frame Its parts.
#' @param path Where.
write_rds <- function(frame, path) {
  saveRDS(frame_from_parts(frame), path)
}

#' Operation: an expression as R spells it, from text
#'
#' @param text One expression as text.
spelled <- function(text) exact_text(str2lang(text))
