# Fitting. A model lives in an environment of its own:
#
#   model$fit        what lme4 returned
#   model$frame_env  the environment of the formula, which holds the data under
#                    the name that the fitted call shows, so that update(),
#                    refit(), drop1(), KRmodcomp(), bootMer() and profile()
#                    find it
#   model$call       the call as it was given; in lme4's own `||` is expanded
#   model$lmertest   lmerTest's version of the fit, made when first asked for
#   model$origin     the number of its data, see `fits_to_compare()`
#   model$leverage   its hat values, made when first asked for
#   model$summaries  R's summaries, by method of degrees of freedom, made when first asked for
#   model$matrices   the covariance of its fixed effects, the same

#' The functions that a fitted call may find beside its data: lme4's, and splines' bases
#'
#' Its parents are R's own packages, without the workspace and without what another
#' user of this R attached, so that nothing of theirs can enter a model.
toolbox <- local({
  for (package in setdiff(
    c("methods", "datasets", "utils", "grDevices", "graphics", "stats"), .packages()
  )) {
    library(package, character.only = TRUE, pos = 2L)
  }
  env <- new.env(parent = as.environment("package:stats"))
  delayedAssign("ns", splines::ns, assign.env = env)
  delayedAssign("bs", splines::bs, assign.env = env)
  env
})

#' Put lme4's exported functions into the toolbox, once
fill_toolbox <- function() {
  if (!exists("lmList", toolbox, inherits = FALSE)) {
    namespace <- asNamespace("lme4")
    lapply(getNamespaceExports(namespace), function(name) {
      # Loaded when it is first called.
      delayedAssign(name, get(name, envir = namespace), assign.env = toolbox)
    })
  }
  toolbox$lmer <- lmer_here()
  toolbox
}

#' The environment of a model's formula
#'
#' @param frame A data frame.
#' @param data_name The name it gets there.
#' @param extras A named list of further vectors (weights, offset, subset).
model_environment <- function(frame, data_name, extras) {
  env <- new.env(parent = fill_toolbox())
  assign(data_name, frame, envir = env)
  for (name in names(extras)) {
    assign(name, extras[[name]], envir = env)
  }
  env
}

#' A name of our own that none of the given ones is: in a model, columns hide other variables
free_name <- function(name, taken) {
  while (name %in% taken) name <- paste0(name, "_")
  name
}

#' Is an argument of a call one of our vectors, rather than a column of the data?
is_own_vector <- function(argument, model) {
  is.name(argument) && exists(as.character(argument), model$frame_env, inherits = FALSE) &&
    !as.character(argument) %in% names(get(as.character(model$call$data), model$frame_env))
}

#' An argument of a model call: text is parsed, a vector is named
#'
#' @param given Text, a vector or NULL.
#' @param name The name that the vector gets in the data's environment.
#' @param columns The names of the data's columns.
#' @return A list of `argument` (language) and `extra` (a named list).
model_argument <- function(given, name, columns) {
  name <- free_name(name, columns)
  if (is.null(given)) {
    list(argument = NULL, extra = list())
  } else if (is.character(given)) {
    list(argument = str2lang(given), extra = list())
  } else {
    list(argument = as.name(name), extra = structure(list(given), names = name))
  }
}

#' The call of a control function, as an R user would write it
#'
#' A check given as a list becomes `.makeCC()`, as lme4's help asks.
control_call <- function(control) {
  arguments <- lapply(control$arguments, function(value) {
    if (is.list(value) && !is.null(value$action)) {
      as.call(c(quote(lme4::.makeCC), value))
    } else if (is.list(value)) {
      as.call(c(quote(list), value))
    } else {
      value
    }
  })
  as.call(c(as.name(control$constructor), arguments))
}

#' Contrasts as lme4 takes them: names of functions, or matrices
contrast_argument <- function(contrasts) {
  as.call(c(quote(list), lapply(contrasts, function(given) {
    if (is.character(given)) {
      given
    } else {
      matrix(given$values,
        nrow = given$n_rows,
        dimnames = list(given$row_names, given$column_names)
      )
    }
  })))
}

#' The family of a generalized model, as an R user would write it
#'
#' @param family A list of `name`, `link` and `theta`.
family_call <- function(family) {
  head <- as.name(family$name)
  arguments <- list()
  if (!is.null(family$theta)) {
    head <- quote(MASS::negative.binomial)
    arguments$theta <- family$theta
  }
  arguments$link <- family$link
  if (length(arguments) == 0L) head else as.call(c(head, arguments))
}

#' Starting values: a vector, which has names for parameters of a nonlinear model
start_argument <- function(start) {
  if (is.list(start) && !any(names(start) %in% c("theta", "fixef"))) unlist(start) else start
}

#' The call that fits a model
#'
#' Only arguments that differ from R's defaults are written, so that the call reads
#' like one that a user would type.
#'
#' @param spec A list: fitter, formula, data_name, family, reml, n_agq, weights,
#'   offset, subset, contrasts, control, na_action, start; NULL for what is not given.
#' @param columns The names of the data's columns.
#' @return A list of `call` and `extras`.
model_call <- function(spec, columns) {
  vectors <- list(
    weights = model_argument(spec$weights, ".weights", columns),
    offset = model_argument(spec$offset, ".offset", columns),
    subset = model_argument(spec$subset, ".subset", columns)
  )
  call <- as.call(list(as.name(spec$fitter),
    formula = str2lang(spec$formula), data = as.name(spec$data_name)
  ))
  if (!is.null(spec$family)) {
    call$family <- family_call(spec$family)
  }
  if (identical(spec$reml, FALSE)) {
    call$REML <- FALSE
  }
  if (!is.null(spec$n_agq)) {
    call$nAGQ <- spec$n_agq
  }
  given <- Filter(Negate(is.null), lapply(vectors, `[[`, "argument"))
  call[names(given)] <- given
  if (spec$na_action != "na.omit") {
    call$na.action <- as.name(spec$na_action)
  }
  if (length(spec$contrasts) > 0L) {
    call$contrasts <- contrast_argument(spec$contrasts)
  }
  if (!is.null(spec$control)) {
    call$control <- control_call(spec$control)
  }
  if (!is.null(spec$start)) {
    call$start <- start_argument(spec$start)
  }
  list(call = call, extras = unlist(unname(lapply(vectors, `[[`, "extra")), recursive = FALSE))
}

#' A model, from its parts
#'
#' @param fit,frame_env,call See above.
new_model <- function(fit, frame_env, call) {
  list2env(list(fit = fit, frame_env = frame_env, call = call), parent = emptyenv())
}

#' The data of a model, and which of its rows the fit uses
model_data <- function(model) {
  if (isTRUE(model$other_response)) {
    stop("the model was refitted to a response that is not a column of its data; fit a new model ",
      "to data that hold that response",
      call. = FALSE
    )
  }
  frame <- get(as.character(stats::getCall(model$fit)$data), model$frame_env)
  # rownames() would turn them into text.
  all <- attr(frame, "row.names")
  used <- attr(stats::model.frame(model$fit), "row.names")
  list(frame = frame, used = if (identical(used, all)) seq_along(all) else match(used, all))
}

#' Operation: fit a model
#'
#' @param spec See `model_call()`.
#' @param frame The parts of a data frame, see `frame_from_parts()`, or a model
#'   whose data are taken.
#' @return A list of `model` (an environment, see above) and `facts`.
fit_model <- function(spec, frame) {
  data <- if (is.environment(frame)) model_data(frame)$frame else frame_from_parts(frame)
  built <- model_call(spec, names(data))
  stop_without_structures(built$call$formula)
  env <- model_environment(data, spec$data_name, built$extras)
  model <- new_model(eval(built$call, env), env, built$call)
  if (inherits(model$fit, "mlm")) {
    stop("lm() fits one response here: fit each of them, or take a sum or a difference",
      call. = FALSE
    )
  }
  model$origin <- if (is.environment(frame)) frame$origin else new_origin()
  list(model = model, facts = facts_of(model$fit))
}

#' Stop if a formula has structured covariances and this lme4 has none
#'
#' An older lme4 would take `diag(x | g)` for a predictor.
stop_without_structures <- function(formula) {
  if ("getReCovs" %in% getNamespaceExports("lme4")) {
    return(invisible())
  }
  structured <- function(expression) {
    is.call(expression) && (
      (as.character(expression[[1L]])[1L] %in% c("us", "diag", "cs", "ar1") &&
        length(expression) > 1L && is.call(expression[[2L]]) &&
        identical(expression[[2L]][[1L]], quote(`|`))) ||
        any(vapply(as.list(expression)[-1L], structured, NA))
    )
  }
  if (structured(formula)) stop_for_newer_lme4("structured covariances", "2.0-1")
}

#' Facts about a fit that cost nothing
facts_of <- function(fit) {
  if (methods::is(fit, "lmList4")) {
    return(separate_facts(fit))
  }
  c(
    model_facts(fit), if (methods::is(fit, "merMod")) mixed_facts(fit),
    if (methods::is(fit, "glmerMod") || inherits(fit, "glm")) family_facts(fit)
  )
}

#' Facts about any fit that cost nothing
model_facts <- function(fit) {
  # By name: the numbers count only the rows that `subset` kept.
  dropped <- names(stats::na.action(stats::model.frame(fit)))
  list(
    formula = paste(deparse(stats::formula(fit), width.cutoff = 500L), collapse = " "),
    n_obs = stats::nobs(fit),
    sigma = stats::sigma(fit),
    dropped_rows = as.integer(dropped[is_row(dropped)])
  )
}

#' Further facts about a mixed model
mixed_facts <- function(fit) {
  groups <- lme4::ngrps(fit)
  list(
    group_names = names(groups),
    group_counts = as.integer(groups),
    reml = lme4::isREML(fit),
    dropped_columns = names(attr(lme4::getME(fit, "X"), "col.dropped"))
  )
}

#' Further facts about a generalized model
family_facts <- function(fit) {
  family <- stats::family(fit)
  size <- family$family
  list(
    family = family$family, link = family$link,
    # Only this value is exact; the name of the family shows a few digits.
    size = if (startsWith(size, "Negative Binomial")) environment(family$variance)$.Theta
  )
}
