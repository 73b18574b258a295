# Models in files: what Python stores of a fit, and R's own .rds.

#' Operation: what a file holds of a model
#'
#' @param model A model environment.
#' @return A list of `frame` (see `frame_to_parts()`), `refitted` (did the fit start at
#'   another's estimates?) and `figures`.
saved_model <- function(model) {
  if (isTRUE(model$adopted)) {
    stop("the model was read from an .rds file that R wrote, and need not be what its call would ",
      "fit to the data that are left; save it with save_rds()",
      call. = FALSE
    )
  }
  list(
    frame = frame_to_parts(model_data(model)$frame), refitted = isTRUE(model$refitted),
    figures = saved_figures(model)
  )
}

#' Operation: the figures by which a model that is fitted again is known
#'
#' @return For each figure `labels` (NULL where there is one value) and `values`.
saved_figures <- function(model) {
  fit <- model$fit
  mixed <- methods::is(fit, "merMod")
  fixed <- if (mixed) lme4::fixef(fit) else stats::coef(fit)
  # What R warns of here it warns of when the errors themselves are asked for.
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

#' What a model's environment may say of where the fit is from
model_marks <- c("adopted", "refitted", "other_response")

#' Operation: write the fit as R's own file
#'
#' What readRDS() gives is the fit itself, with the data in the environment of its
#' formula, where lme4's update() and its like look for them.
#'
#' @param path The file.
#' @param record Text that says what Python knows of the model.
save_rds <- function(model, path, record) {
  env <- model$frame_env
  fit <- model$fit
  attr(fit, ".pymer_bridge") <- c(
    list(record = record, call = model$call, frame_env = env),
    mget(model_marks, envir = model, ifnotfound = list(NULL))
  )
  above <- parent.env(env)
  on.exit(parent.env(env) <- above)
  # Else the toolbox, with all of lme4's functions, would be written too.
  parent.env(env) <- globalenv()
  saveRDS(fit, path)
  TRUE
}

#' Operation: read a fit that saveRDS() wrote
#'
#' @param path The file. Reading one runs whatever it says.
#' @param kinds The classes that Python has a counterpart of.
#' @return A list of `kind` (the class); where it is one of `kinds` also `model`,
#'   `facts`, `record` (NULL where another program wrote the file) and what
#'   `adopted_model()` tells.
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
  told <- list()
  if (is.null(own)) {
    told <- adopted_model(fit)
    model <- told$model
  } else {
    attr(fit, ".pymer_bridge") <- NULL
    parent.env(own$frame_env) <- fill_toolbox()
    model <- new_model(fit, own$frame_env, own$call)
    list2env(own[model_marks], envir = model)
    told$columns <- names(get(as.character(stats::getCall(fit)$data), own$frame_env))
  }
  told$model <- NULL
  c(list(kind = kind, model = model, record = own$record, facts = facts_of(model$fit)), told)
}

#' A model environment for a fit that another program made
#'
#' Its data are those that the formula's environment holds under the name in the
#' call; where there are none, the model frame.
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
    if (is.language(call[[what]])) paste(deparse(call[[what]], width.cutoff = 500L), collapse = " ")
  }
  told <- list(
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
  automatic <- .row_names_info(data) < 0L
  attr(data, "row.names") <- .set_row_names(length(rows))
  env <- model_environment(data, name, list())
  call$data <- as.name(name)
  fit <- with_rows(fit, used, match(row.names(used), rows), rows, env, call)
  model <- new_model(fit, env, call)
  model$adopted <- TRUE
  c(list(
    model = model, columns = names(data), n_rows = length(rows),
    row_names = if (!automatic) rows
  ), told)
}

#' The data frame that a call names, where the formula's environment has it
#'
#' @param used The model frame, whose rows must be among the data's.
data_of_call <- function(call, env, used) {
  if (!is.name(call$data)) {
    return(NULL)
  }
  # What lies in this R's workspace, or in a package, are other data.
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

#' A fit whose rows are known by their numbers in the data, as ours are
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
