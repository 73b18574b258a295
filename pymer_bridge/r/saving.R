# Models in files: the facts that Python stores, and R's own .rds.

#' Operation: what a saved model consists of
#'
#' @param model A model environment.
#' @return A list of `frame` (see `frame_to_parts()`), `refitted` (did the fit start at
#'   another fit's estimates?), `refits` (for each step of that "likelihood", or the `values` of
#'   the response and how many `columns` they are) and `figures`.
saved_model <- function(model) {
  if (isTRUE(model$adopted)) {
    stop("the model was read from an .rds file that R wrote, and may not be what its call would ",
      "fit to the data in it; save it with save_rds(), and read it with load_rds()",
      call. = FALSE
    )
  }
  steps <- model$refits$steps
  data <- if (is.null(steps)) {
    data_in_r(model)
  } else {
    get(as.character(stats::getCall(model$fit)$data), model$refits$env)
  }
  list(
    frame = frame_to_parts(data), refitted = !is.null(model$refits),
    refits = if (!is.null(steps)) lapply(steps, function(step) {
      if (identical(step, "likelihood")) {
        step
      } else {
        list(values = as.double(step), columns = as.integer(NCOL(step)))
      }
    }),
    figures = saved_figures(model)
  )
}

#' Operation: the figures that are compared when a model is fitted again
#'
#' @return For each figure `labels` (NULL for a single value) and `values`.
saved_figures <- function(model) {
  fit <- model$fit
  if (methods::is(fit, "lmList4")) {
    return(separate_figures(fit))
  }
  mixed <- methods::is(fit, "merMod")
  fixed <- if (mixed) lme4::fixef(fit) else stats::coef(fit)
  # R gives these warnings again when the standard errors themselves are asked for.
  covariance <- suppressWarnings(as.matrix(stats::vcov(fit)))
  likelihood <- stats::logLik(fit)
  figure <- function(values, labels = NULL) {
    list(labels = as.character(labels), values = as.double(values))
  }
  c(
    list(
      fixed_effects = figure(fixed, names(fixed)),
      std_errors = figure(sqrt(diag(covariance)), rownames(covariance)),
      sigma = figure(stats::sigma(fit)),
      log_likelihood = figure(likelihood),
      df = figure(attr(likelihood, "df")),
      n_obs = figure(stats::nobs(fit))
    ),
    if (mixed) {
      theta <- lme4::getME(fit, "theta")
      list(theta = figure(theta, names(theta)))
    },
    if (mixed && lme4::isREML(fit)) list(reml_criterion = figure(lme4::REMLcrit(fit)))
  )
}

#' The figures of separate fits: the coefficients of each group, as in `saved_figures()`
separate_figures <- function(fits) {
  found <- as.matrix(stats::coef(fits))
  labels <- outer(rownames(found), colnames(found), paste, sep = " ")
  list(
    coefficients = list(labels = as.character(labels), values = as.double(found)),
    n_obs = list(labels = character(), values = separate_facts(fits)$n_obs)
  )
}

#' Marks in a model's environment that say where its fit comes from
model_marks <- c("adopted", "refits", "other_response")

#' Operation: write the fit as R's own file
#'
#' readRDS() gives the fit itself, with the data in the environment of its formula,
#' where functions such as lme4's update() look for them.
#'
#' @param path The file.
#' @param record Text: what Python knows about the model.
save_rds <- function(model, path, record) {
  env <- model$frame_env
  fit <- model$fit
  attr(fit, ".pymer_bridge") <- c(
    list(record = record, call = model$call, frame_env = env),
    mget(model_marks, envir = model, ifnotfound = list(NULL))
  )
  above <- parent.env(env)
  on.exit(parent.env(env) <- above)
  # Otherwise the toolbox, with all of lme4's functions, would be written too.
  parent.env(env) <- globalenv()
  saveRDS(fit, path)
  TRUE
}

#' Operation: read a fit that saveRDS() wrote
#'
#' @param path The file. Reading it can run any code that it contains.
#' @param kinds The classes that have a counterpart in Python.
#' @return A list of `kind` (the class); if it is one of `kinds` also `model`, `facts`,
#'   `record` (NULL if another program wrote the file) and what `adopted_model()`
#'   returns.
read_rds <- function(path, kinds) {
  fit <- readRDS(path)
  if (identical(attr(class(fit), "package"), "lmerTest")) {
    loadNamespace("lmerTest")
    fit <- methods::as(fit, "lmerMod")
  }
  kind <- class(fit)[1L]
  if (!kind %in% kinds) {
    return(list(kind = paste(class(fit), collapse = "/")))
  }
  own <- attr(fit, ".pymer_bridge")
  known <- list()
  if (is.null(own)) {
    known <- adopted_model(fit)
    model <- known$model
  } else {
    attr(fit, ".pymer_bridge") <- NULL
    parent.env(own$frame_env) <- fill_toolbox()
    model <- new_model(fit, own$frame_env, own$call)
    list2env(own[model_marks], envir = model)
    known$columns <- names(get(as.character(stats::getCall(fit)$data), own$frame_env))
  }
  known$model <- NULL
  model$origin <- new_origin()
  c(list(kind = kind, model = model, record = own$record, facts = facts_of(model$fit)), known)
}

#' A model environment for a fit that another program made
#'
#' Its data are those that the formula's environment holds under the name in the
#' call; if there are none, the model frame.
#'
#' @return A list of `model`, and for Python `columns`, `n_rows`, `row_names`
#'   (NULL where they are automatic), `data_name`, `na_action`, `n_agq` and the
#'   texts `weights`, `offset` and `subset` of the call.
adopted_model <- function(fit) {
  used <- stats::model.frame(fit)
  call <- stats::getCall(fit)
  data <- data_of_call(call, environment(stats::formula(fit)), used)
  name <- if (is.name(call$data)) as.character(call$data) else "data"
  if (!grepl("^[A-Za-z][A-Za-z0-9._]*$", name)) name <- "data"
  action <- intersect(class(stats::na.action(used)), c("omit", "exclude"))
  text <- function(what) {
    if (!is.language(call[[what]])) return(NULL)
    # A name alone has no backticks otherwise.
    paste(deparse(call[[what]], width.cutoff = 500L, backtick = TRUE), collapse = " ")
  }
  known <- list(
    data_name = name, na_action = if (length(action) == 1L) action else "omit",
    weights = text("weights"), offset = text("offset"), subset = text("subset"),
    n_agq = if (is.numeric(call$nAGQ)) as.integer(call$nAGQ)
  )
  if (is.null(data)) {
    data <- as.data.frame(used)
    attr(data, "na.action") <- attr(used, "na.action") <- NULL
    attr(data, "terms") <- attr(data, "formula") <- NULL
  }
  rows <- row.names(data)
  own <- own_row_names(data)
  attr(data, "row.names") <- .set_row_names(length(rows))
  env <- model_environment(data, name, list())
  call$data <- as.name(name)
  fit <- with_rows(fit, used, match(row.names(used), rows), rows, env, call)
  model <- new_model(fit, env, call)
  model$adopted <- TRUE
  c(list(
    model = model, columns = names(data), n_rows = length(rows),
    row_names = own
  ), known)
}

#' The data frame that a call names, if the formula's environment has it
#'
#' @param used The model frame, whose rows must be among the data's.
data_of_call <- function(call, env, used) {
  if (!is.name(call$data)) {
    return(NULL)
  }
  # Data in this R's workspace, or in a package, are other data.
  while (is.environment(env) && !identical(env, globalenv()) && !isNamespace(env) &&
    !identical(env, emptyenv())) {
    found <- get0(as.character(call$data), env, inherits = FALSE)
    if (is.data.frame(found) && all(row.names(used) %in% row.names(found))) {
      return(as.data.frame(found))
    }
    env <- parent.env(env)
  }
  NULL
}

#' A fit whose rows are named by their numbers in the data, as in our fits
#'
#' @param used The model frame.
#' @param numbers The number of each of its rows in the data.
#' @param rows The names of the data's rows.
#' @param env The environment that the formula gets.
with_rows <- function(fit, used, numbers, rows, env, call) {
  attr(used, "row.names") <- as.integer(numbers)
  dropped <- attr(used, "na.action")
  if (!is.null(dropped)) names(dropped) <- match(names(dropped), rows)
  attr(used, "na.action") <- dropped
  terms <- attr(used, "terms")
  attr(terms, ".Environment") <- env
  attr(used, "terms") <- terms
  if (methods::is(fit, "merMod")) {
    formula <- stats::formula(fit)
    environment(formula) <- env
    attr(used, "formula") <- formula
    methods::slot(fit, "frame") <- used
    methods::slot(fit, "call") <- call
    return(fit)
  }
  fit$model <- used
  fit$terms <- terms
  fit$call <- call
  fit$na.action <- dropped
  if (!is.null(fit$formula)) environment(fit$formula) <- env
  rows <- c(
    "residuals", "fitted.values", "linear.predictors", "weights", "prior.weights", "y"
  )
  for (name in rows) {
    if (!is.null(names(fit[[name]]))) names(fit[[name]]) <- numbers
  }
  fit
}
