# A model refitted to standardized data, by datawizard.

#' The data that datawizard::standardize() would refit a model to
#'
#' It makes them, and calls update() of the fit with them: the fit that it is given calls a function that
#' keeps them, and fits nothing.
#'
#' @param two_sd,response As its `two_sd` and `include_response`.
#' @return A data frame of the rows used, whose columns have the attributes `center` and `scale`.
standardized_data <- function(fit, two_sd, response) {
  kept <- NULL
  keep <- function(data) {
    kept <<- data
    fit
  }
  call <- stats::getCall(fit)
  # In one line: insight writes the call as text, and reads that.
  call[[1L]] <- function(..., data) keep(data)
  datawizard::standardize(with_call(fit, call), two_sd = two_sd, include_response = response)
  kept
}

#' Operation: the model refitted to standardized data
#'
#' @return A list of `model` and `facts`, and of the `columns` that were scaled with what was taken off
#'   and divided by.
standardized_model <- function(model, two_sd, response) {
  # Names in backticks confuse insight.
  used <- plain_model(model)
  data <- within_model(used$model, bquote(.(standardized_data)(.fit, .(two_sd), .(response))))
  if (is.null(data)) stop("datawizard finds nothing to standardize", call. = FALSE)
  renamed <- names(data) %in% used$plain
  names(data)[renamed] <- names(used$plain)[match(names(data)[renamed], used$plain)]
  fit <- model$fit
  source <- model_data(model)
  env <- list2env(as.list(model$frame_env, all.names = TRUE), parent = parent.env(model$frame_env))
  call <- stats::getCall(fit)
  call$formula <- stats::formula(fit)
  environment(call$formula) <- env
  assign(as.character(call$data), data, envir = env)
  for (name in intersect(c("weights", "offset"), names(call))) {
    if (is_own_vector(call[[name]], model)) {
      own <- as.character(call[[name]])
      assign(own, get(own, env)[source$used], envir = env)
    }
  }
  made <- new_model(eval(call, env), env, call)
  # Of I(2 * x) insight takes the 2 for a column.
  scaled <- data[intersect(names(data), names(source$frame))]
  scaled <- Filter(function(column) !is.null(attr(column, "scale")), scaled)
  figure <- function(name) vapply(scaled, function(column) as.double(attr(column, name)), 1)
  list(
    model = made, facts = facts_of(made$fit), columns = names(scaled), center = figure("center"),
    scale = figure("scale")
  )
}
