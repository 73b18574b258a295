# Effects of predictors, by the package effects.

#' The fit in a form that the package effects can use
#'
#' effects fits the formula of a mixed model once more by glm(). Both effects and
#' expand.model.frame() evaluate parts of the call where they cannot see the
#' environment of the formula. So the call holds the data themselves, and the
#' vectors that were given. There is no accessor that sets a call.
fit_for_effects <- function(model, data) {
  fit <- model$fit
  call <- stats::getCall(fit)
  call$data <- data
  for (name in c("subset", "offset")) {
    if (is_own_vector(call[[name]], model)) {
      call[[name]] <- get(as.character(call[[name]]), model$frame_env)
    }
  }
  if (methods::is(fit, "merMod")) {
    methods::slot(fit, "call") <- call
  } else {
    fit$call <- call
  }
  fit
}

#' The fit for effects, with plain names
#'
#' A model without random effects is fitted again. Of a mixed model effects takes what its
#' own method would look up; formula, data, coefficients and their covariances.
#'
#' @param plain See `plain_names()`.
#' @return A list of `fit` and, of a mixed model, `sources`.
plain_fit_for_effects <- function(model, data, plain) {
  names(data) <- plain[names(data)]
  fit <- fit_for_effects(model, data)
  call <- renamed_call(stats::getCall(fit), plain)
  if (!methods::is(fit, "merMod")) {
    return(list(fit = eval(call, model$frame_env)))
  }
  coefficients <- lme4::fixef(fit)
  names(coefficients) <- plain_text(names(coefficients), plain)
  formula <- do.call(substitute, list(stats::formula(fit, fixed.only = TRUE), lapply(plain, as.name)))
  formula <- stats::as.formula(formula, model$frame_env)
  list(fit = structure(list(formula = formula), class = "pymer_renamed"), sources = list(
    call = call, formula = formula, family = stats::family(fit), coefficients = coefficients, vcov = as.matrix(stats::vcov(fit))
  ))
}

#' Evaluate with splines on the search path, where a formula calls ns() or bs()
#'
#' expand.model.frame() looks for functions there only.
with_splines <- function(fit, expression) {
  used <- any(c("ns", "bs") %in% all.names(stats::formula(fit)))
  if (used && !"package:splines" %in% search()) {
    attachNamespace("splines")
    on.exit(detach("package:splines", character.only = TRUE))
  }
  expression
}

#' Operation: the predictors whose effects can be asked for
#'
#' @return Their `names`; the `levels` of each, NULL for a number; and the
#'   `columns` of the design, which effects can hold at given values.
effect_predictors <- function(model) {
  data <- model_data(model)
  # Only variables of terms: those of an offset have no effect.
  labels <- attr(stats::terms(model$fit, data = data$frame), "term.labels")
  found <- intersect(
    as.character(unlist(lapply(labels, function(label) all.vars(str2lang(label))))),
    names(data$frame)
  )
  levels <- lapply(found, function(name) {
    values <- data$frame[[name]][data$used]
    if (!is.numeric(values)) levels(droplevels(as.factor(values)))
  })
  columns <- colnames(stats::model.matrix(model$fit))
  list(names = found, levels = levels, columns = columns)
}

#' The values of numeric predictors, in the form that effects takes
#'
#' effects would take a single number as the number of values.
#'
#' @param moderators Values of those that the user gave none for, see `moderator_values()`.
effect_values <- function(data, terms, numeric, at, moderators, n_points) {
  values <- lapply(c(at, moderators), function(given) {
    if (length(given) == 1L) rep(given, 2L) else given
  })
  first <- terms[1L]
  if (!is.null(n_points) && first %in% numeric && is.null(values[[first]])) {
    ends <- range(data$frame[[first]][data$used])
    values[[first]] <- seq(ends[1L], ends[2L], length.out = n_points)
  }
  values
}

#' The values of numeric moderators: the mean, and one standard deviation to each side
#'
#' Of a predictor with two values, such as 0 and 1, these are its values.
moderator_values <- function(data, names) {
  lapply(stats::setNames(nm = names), function(name) {
    values <- data$frame[[name]][data$used]
    found <- sort(unique(values))
    if (length(found) > 2L) mean(values) + c(-1, 0, 1) * stats::sd(values) else as.double(found)
  })
}

#' What an effect does with the other predictors, in words
#'
#' @param given Values for columns of the design.
#' @return Texts, such as "averaged over sex" and "age at its mean".
other_predictors <- function(model, data, terms, given) {
  frame <- stats::model.frame(model$fit)
  pattern <- attr(stats::terms(model$fit, data = data$frame), "factors")
  used <- if (length(pattern) > 0L) rownames(pattern)[rowSums(pattern) > 0]
  own <- vapply(used, function(name) written_response(str2lang(name)), "", USE.NAMES = FALSE)
  values <- lapply(ifelse(own %in% names(frame), own, used), function(name) frame[[name]])
  numeric <- vapply(values, is.numeric, NA)
  kept <- vapply(seq_along(used), function(i) {
    columns <- if (numeric[i]) used[i] else paste0(used[i], levels(as.factor(values[[i]]))[-1L])
    !any(all.vars(str2lang(used[i])) %in% terms) && !all(columns %in% names(given))
  }, NA)
  # Where a main effect is missing, effects knows the columns of interactions by no mean.
  alone <- vapply(used, function(name) !name %in% colnames(pattern) || any(pattern[name, ] == 2), NA)
  averaged <- own[kept & !numeric & !alone]
  first <- which(kept & !numeric & alone)
  c(
    if (length(averaged) > 0L) paste("averaged over", paste(averaged, collapse = ", ")),
    sprintf("%s in interactions at its first level", own[first]),
    sprintf("%s at its mean", own[kept & numeric]),
    sprintf("%s at %s", names(given), vapply(given, format, "", digits = 4L))
  )
}

#' Operation: the effect of one predictor, or of several together
#'
#' @param terms Names of predictors.
#' @param at Values of numeric ones among them, by name.
#' @param levels The wanted levels of the other ones, by name.
#' @param given Values for columns of the design that belong to other predictors.
#' @param n_points How many values of the first predictor, if it is numeric, evenly over its
#'   range; NULL to let effects choose. Further numeric ones are at the mean and one standard
#'   deviation to each side, unless there are values for them in `at`.
effect_curve <- function(model, terms, at, levels, given, n_points, conf_level,
                         partial_residuals) {
  data <- model_data(model)
  numeric <- Filter(function(name) is.numeric(data$frame[[name]]), terms)
  plain <- plain_names(names(data$frame))
  moderators <- moderator_values(data, setdiff(numeric, c(terms[1L], names(at))))
  values <- effect_values(data, terms, numeric, at, moderators, n_points)
  names(values) <- plain[names(values)]
  arguments <- list(
    quote(effects::Effect), unname(plain[terms]), quote(.effects_fit), xlevels = values,
    se = list(compute = TRUE, type = "pointwise", level = conf_level),
    residuals = partial_residuals
  )
  if (partial_residuals) arguments$x.var <- plain[[terms[1L]]]
  others <- other_predictors(model, data, terms, given)
  if (length(given) > 0L) {
    names(given) <- plain_text(names(given), plain)
    arguments$fixed.predictors <- list(given.values = unlist(given))
  }
  holder <- new.env(parent = model$frame_env)
  holder$.effects_fit <- if (identical(unname(plain), names(plain))) {
    fit_for_effects(model, data$frame)
  } else {
    renamed <- plain_fit_for_effects(model, data$frame, plain)
    arguments$sources <- renamed$sources
    renamed$fit
  }
  effect <- with_splines(model$fit, eval(as.call(arguments), holder))
  link <- as.data.frame(effect, type = "link")
  response <- as.data.frame(effect, type = "response")
  wanted <- !duplicated(effect$x)
  for (name in names(levels)) {
    wanted <- wanted & as.character(effect$x[[plain[[name]]]]) %in% levels[[name]]
  }
  figures <- function(table) {
    # By place: a predictor may be called "fit".
    lapply(1:4, function(i) as.double(table[[length(terms) + i]][wanted]))
  }
  list(
    values = plain_values(effect$x[wanted, , drop = FALSE]),
    link = figures(link), response = figures(response), response_name = response_of_effect(effect, plain),
    family = effect$family, link_name = effect$link$link, axis = response_axis(model),
    others = others, moderators = names(Filter(function(found) length(found) == 3L, moderators)),
    partial = if (!is.null(effect$residuals)) partial_residuals_of(effect, wanted)
  )
}

#' The name of the response, as effects writes it: a column's without quotes
response_of_effect <- function(effect, plain) {
  alone <- match(effect$response, plain)
  if (is.na(alone)) plain_text(effect$response, plain, back = TRUE) else names(plain)[alone]
}

#' Columns of a data frame as numbers or text, without names
plain_values <- function(frame) {
  unname(lapply(frame, function(values) {
    if (is.numeric(values)) as.double(values) else as.character(values)
  }))
}

#' Partial residuals, as plot() of an effect draws them
#'
#' A partial residual is the row's residual plus the effect at the point that has
#' the row's levels and the nearest number, on the scale of the linear predictor.
#'
#' @param wanted Which points of the effect are used.
#' @return For the rows whose levels are wanted: their numbers in the data, the
#'   values of the predictors (further numeric ones rounded to values of the
#'   effect), residuals, and partial residuals on both scales; for a single numeric
#'   predictor also the line that smooths them on the scale of the linear predictor.
partial_residuals_of <- function(effect, wanted) {
  residuals <- effect$residuals
  data <- effect$x.all[names(residuals), , drop = FALSE]
  across <- names(effect$x)[effect$x.var]
  panel_of <- function(frame) {
    others <- lapply(frame[setdiff(names(frame), across)], as.character)
    # An empty name could not be looked up.
    do.call(paste, c(list(rep("at", nrow(frame))), unname(others), sep = "\r"))
  }
  points <- which(wanted & !is.na(effect$se))
  panels <- split(points, panel_of(effect$x)[points])
  rows <- split(seq_along(residuals), panel_of(data))
  nearest <- rep(NA_integer_, length(residuals))
  for (panel in intersect(names(rows), names(panels))) {
    mine <- rows[[panel]]
    there <- panels[[panel]]
    grid <- effect$x[[across]][there]
    x <- data[[across]][mine]
    nearest[mine] <- there[if (is.numeric(x)) {
      apply(abs(outer(x, grid, `-`)), 1L, which.min)
    } else {
      match(as.character(x), as.character(grid))
    }]
  }
  kept <- !is.na(nearest) & is_row(names(residuals))
  estimate <- (as.vector(effect$fit)[nearest] + unname(residuals))[kept]
  inverse <- function(values) as.double(effect$link$linkinv(values))
  alone <- length(effect$x) == 1L && is.numeric(data[[across]]) && any(kept)
  smooth <- if (alone) stats::lowess(data[[across]][kept], estimate)
  list(
    rows = as.integer(names(residuals)[kept]),
    values = plain_values(data[kept, , drop = FALSE]),
    residual = unname(residuals)[kept], estimate = estimate,
    response_estimate = inverse(estimate),
    smooth = if (alone) list(x = smooth$x, link = smooth$y, response = inverse(smooth$y))
  )
}
