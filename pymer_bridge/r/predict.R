# Predictions and simulations of a mixed model, by lme4's own methods.

#' Operation: the columns that predictions need
#'
#' @return A list of `fixed`, `random` and `slopes`: the variables of the fixed part with its
#'   offsets, of the random part, and of that without its groups; and `read`: what R also evaluates
#'   where new data have it, because the formula takes it away again, or has a dot.
predictor_names <- function(model) {
  variables <- function(...) {
    # With the data: a formula may have a dot, for all columns.
    terms <- stats::terms(model$fit, ..., data = model_data(model)$frame)
    offsets <- as.list(attr(terms, "variables"))[attr(terms, "offset") + 1L]
    labels <- parse(text = attr(terms, "term.labels"), keep.source = FALSE)
    unique(c(all.vars(labels), unlist(lapply(offsets, all.vars))))
  }
  formula <- stats::formula(model$fit)
  frame <- model_data(model)$frame
  fixed <- stats::delete.response(stats::terms(model$fit, fixed.only = TRUE, data = frame))
  read <- if ("." %in% all.vars(formula)) names(frame) else all.vars(attr(fixed, "variables"))
  bars <- bars_of(formula)
  list(
    read = read, fixed = variables(fixed.only = TRUE), random = variables(random.only = TRUE),
    slopes = unique(unlist(lapply(bars, function(bar) all.vars(bar[[2L]]))))
  )
}

#' The random effects that a prediction includes, as R's `re.form`
#'
#' @param re_form NULL for all, "population" for none, or the text of a formula.
random_part <- function(model, re_form) {
  if (is.null(re_form)) {
    NULL
  } else if (re_form == "population") {
    NA
  } else {
    stats::as.formula(str2lang(re_form), env = model$frame_env)
  }
}

#' Stop where lme4 would add random effects to the wrong rows
#'
#' For a formula of random effects lme4 uses all rows of the data. Up to 1.1-35.3 it
#' keeps the rows that `na.action` dropped, and in all versions those that `subset`
#' dropped, and recycles the shorter vector.
#' @param remedy What to do instead.
stop_if_rows_slip <- function(model, remedy = "give the rows as new data") {
  fit <- model$fit
  n_used <- stats::nobs(fit)
  n_rows <- nrow(model_data(model)$frame)
  dropped <- length(stats::na.action(stats::model.frame(fit)))
  old <- utils::packageVersion("lme4") < "1.1-35.4"
  if (n_rows != n_used && (old || n_rows - dropped != n_used)) {
    stop("lme4 ", utils::packageVersion("lme4"), " takes the random effects of all rows of the ",
      "data for those of the rows used, where some were left out; ", remedy,
      call. = FALSE
    )
  }
}

#' Warn where predictions leave out an offset
warn_of_lost_offset <- function(fit) {
  if (!is.null(stats::getCall(fit)$offset)) {
    warning("predictions at new data leave out the offset that was given as an argument; ",
      "one in the formula, offset(...), is included",
      call. = FALSE
    )
  }
}

#' Has lme4's predict() standard errors?
has_std_errors <- function() {
  "se.fit" %in% names(formals(utils::getS3method("predict", "merMod", envir = asNamespace("lme4"))))
}

#' Does the Cholesky factor have the random effects in another order?
is_permuted <- function(fit) {
  order <- methods::slot(lme4::getME(fit, "L"), "perm")
  is.unsorted(order)
}

#' Warn where lme4's standard errors are wrong
#'
#' Its vcov_full() solves with the Cholesky factor, but does not first put the random
#' effects into the factor's order.
warn_of_wrong_std_errors <- function(fit, part) {
  population <- identical(part, NA)
  full <- get0("vcov_full", envir = asNamespace("lme4"))
  # The missing step is solve(L, ..., system = "P").
  repaired <- is.null(full) || any(grepl("\"P\"", deparse(body(full)), fixed = TRUE))
  if (!population && !repaired && is_permuted(fit)) {
    warning("lme4 ", utils::packageVersion("lme4"), " computes standard errors of predictions ",
      "with random effects wrongly for models like this one, whose random effects it reorders ",
      "(several grouping factors): do not use them; those of population predictions are right",
      call. = FALSE
    )
  }
}

#' The variables of the fixed effects at new data, with the levels of the data
#'
#' @return A model frame; R stops where a factor has a new level.
fixed_frame <- function(fit, frame) {
  terms <- stats::delete.response(stats::terms(fit, fixed.only = TRUE, data = frame))
  levels <- stats::.getXlevels(terms, stats::model.frame(fit))
  levels <- levels[!vapply(names(levels), function(name) has_levels(frame[[name]], levels[[name]]), NA)]
  stats::model.frame(terms, frame, na.action = stats::na.pass, xlev = levels)
}

#' The terms of random effects in a formula, such as `1 | g`, also in structured ones
bars_of <- function(expression) {
  if (!is.call(expression)) {
    return(list())
  }
  if (as.character(expression[[1L]])[1L] %in% c("|", "||")) {
    return(list(expression))
  }
  unlist(lapply(as.list(expression)[-1L], bars_of), recursive = FALSE)
}

#' Which rows of new data predict() can take
#'
#' For a missing number it gives NA, but for a missing level it stops: of a predictor always, of a
#' grouping factor unless new levels are allowed.
#'
#' @param part See `random_part()`.
#' @return A logical vector over the rows.
predictable_rows <- function(model, frame, part, allow_new_levels) {
  lacking <- function(names) {
    columns <- lapply(intersect(names, names(frame)), function(name) is.na(frame[[name]]))
    Reduce(`|`, columns, logical(nrow(frame)))
  }
  bars <- if (!identical(part, NA)) {
    bars_of(if (is.null(part)) stats::formula(model$fit) else part)
  }
  side <- function(i) unlist(lapply(bars, function(bar) all.vars(bar[[i]])))
  predictors <- c(predictor_names(model)$fixed, side(2L))
  with_levels <- names(frame)[vapply(frame, function(x) is.factor(x) || is.character(x), NA)]
  groups <- if (!allow_new_levels) side(3L)
  complete <- !lacking(c(predictors, groups))
  # Splines stop where no number is known.
  if (any(complete)) !lacking(c(intersect(predictors, with_levels), groups)) else complete
}

#' predict() of the rows of new data that it can take, with NA for the others
#'
#' @param frame The new data, or NULL: then predict() takes the data themselves.
#' @param figures Names of vectors.
#' @param value A function of the rows that gives a list of these vectors over them.
at_predictable_rows <- function(model, frame, part, allow_new_levels, figures, value) {
  whole <- is.null(frame) || !anyNA(frame, recursive = TRUE)
  known <- if (!whole) predictable_rows(model, frame, part, allow_new_levels)
  if (all(known)) {
    return(value(frame))
  }
  nothing <- stats::setNames(rep(NA_real_, length(known)), row.names(frame))
  made <- if (any(known)) value(frame[known, , drop = FALSE])
  sapply(figures, function(figure) replace(nothing, known, made[[figure]]), simplify = FALSE)
}

#' Evaluate; if that fails at new data, stop with R's message about new levels
#'
#' For a new level of a fixed factor lme4 only says that matrices are "non-conformable".
at_new_data <- function(value, fit, frame) {
  tryCatch(value, error = function(condition) {
    if (!is.null(frame) && !inherits(condition, "needs_newer_lme4")) fixed_frame(fit, frame)
    stop(condition)
  })
}

#' The design matrix of the fixed effects at new data, as predict() makes it
#'
#' @param frame A data frame; NULL for the rows used.
fixed_design <- function(fit, frame) {
  used <- lme4::getME(fit, "X")
  if (is.null(frame)) {
    return(used)
  }
  rows <- fixed_frame(fit, frame)
  terms <- stats::terms(rows)
  design <- stats::model.matrix(terms, rows, contrasts.arg = attr(used, "contrasts"))
  dropped <- attr(used, "col.dropped")
  if (length(dropped) > 0L) design[, -dropped, drop = FALSE] else design
}

#' Predictions on the link scale with their standard errors
#'
#' @param part See `random_part()`.
#' @param known The predictions on the link scale, or NULL.
#' @return A list of `fit` and `se.fit`, as R's predict().
link_with_std_errors <- function(fit, frame, part, allow_new_levels, known = NULL) {
  if (has_std_errors()) {
    return(tryCatch(
      stats::predict(fit,
        newdata = frame, re.form = part, type = "link", allow.new.levels = allow_new_levels,
        se.fit = TRUE
      ),
      error = function(condition) {
        if (utils::packageVersion("lme4") < "1.1-38" &&
          grepl("non-conformable", conditionMessage(condition))) {
          stop_for_newer_lme4("standard errors of these predictions", "1.1-38")
        }
        stop(condition)
      }
    ))
  }
  if (!identical(part, NA)) {
    stop_for_newer_lme4("standard errors of predictions with random effects", "1.1-35")
  }
  if (is.null(known)) known <- stats::predict(fit, newdata = frame, re.form = NA, type = "link")
  design <- fixed_design(fit, frame)
  covariance <- as.matrix(stats::vcov(fit))
  list(
    fit = known,
    se.fit = sqrt(rowSums((design %*% covariance) * design))
  )
}

#' Stop where R's predict() of a nonlinear model gives its parameters, or stops
stop_if_not_predictable <- function(further, with_errors) {
  if (with_errors) {
    stop("R has no standard errors of predictions of a nonlinear mixed model (std_error)",
      call. = FALSE
    )
  }
  if (further) {
    stop("R predicts a nonlinear mixed model only at its own data with all random effects: ",
      "predict() without further arguments; elsewhere, evaluate its function at ",
      "fixed_effects() or group_coefficients",
      call. = FALSE
    )
  }
}

#' Operation: predictions
#'
#' @param new_data The parts of a data frame; NULL for the data themselves.
#' @param re_form See `random_part()`.
#' @param type "link" or "response".
#' @param std_error,interval Compute standard errors and Wald intervals?
#' @param conf_level The level of the intervals.
#' @param random_only Leave out the fixed effects?
#' @param new_params A list of `beta`, `theta` and `sigma`, or some of them; or NULL.
#' @return Vectors over the rows, with the numbers of those rows in the data.
predict_model <- function(model, new_data, re_form, type, allow_new_levels, std_error, interval,
                          conf_level, random_only, new_params) {
  wanted <- c(if (std_error) "std_error", if (interval) c("conf_low", "conf_high"))
  further <- !is.null(new_data) || !is.null(re_form) || random_only || !is.null(new_params)
  if (lme4::isNLMM(model$fit)) stop_if_not_predictable(further, length(wanted) > 0L)
  frame <- if (!is.null(new_data)) frame_from_parts(new_data)
  axis <- response_axis(model)
  readable <- readable_model(model, frame, re_form)
  model <- readable$model
  frame <- readable$frame
  re_form <- readable$re_form
  fit <- model$fit
  part <- random_part(model, re_form)
  plain <- !inherits(part, "formula") && !random_only && is.null(new_params)
  if (is.null(frame) && !plain) stop_if_rows_slip(model)
  if (!is.null(frame)) warn_of_lost_offset(fit)
  names <- c("estimate", wanted)
  figures <- at_predictable_rows(model, frame, part, allow_new_levels, names, function(rows) {
    estimate <- at_new_data(predicted(fit,
      newdata = rows, newparams = whole_parameters(fit, new_params), re.form = part,
      random.only = random_only, type = type, allow.new.levels = allow_new_levels
    ), fit, rows)
    spread <- if (length(wanted) > 0L) {
      linear <- type == "link" || lme4::isLMM(fit)
      prediction_spread(fit, rows, part, type, allow_new_levels, conf_level, if (linear) estimate)
    }
    c(list(estimate = estimate), spread[wanted])
  })
  # Of the data themselves estimates may have the rows that were left out, the others have not.
  placed <- lapply(figures, function(values) over_predicted_rows(list(values), fit, frame))
  c(lapply(placed, `[[`, 1L), list(rows = placed[[1L]]$rows, axis = axis))
}

#' Standard errors and Wald intervals of predictions
#'
#' The intervals are symmetric on the link scale, and then transformed to the given scale.
#'
#' @param known See `link_with_std_errors()`.
#' @return A list of `std_error`, `conf_low` and `conf_high`.
prediction_spread <- function(fit, frame, part, type, allow_new_levels, conf_level, known) {
  link <- link_with_std_errors(fit, frame, part, allow_new_levels, known)
  if (has_std_errors()) warn_of_wrong_std_errors(fit, part)
  std_error <- unnamed(link$se.fit)
  # predict() adds the rows that were left out, but not to the standard errors.
  centre <- unnamed(if (is.null(frame)) without_missing_rows(link$fit, fit) else link$fit)
  half_width <- stats::qnorm((1 + conf_level) / 2) * std_error
  ends <- list(centre - half_width, centre + half_width)
  if (type == "response" && lme4::isGLMM(fit)) {
    family <- stats::family(fit)
    std_error <- std_error * abs(family$mu.eta(centre))
    ends <- lapply(ends, family$linkinv)
  }
  list(
    std_error = std_error, conf_low = pmin(ends[[1L]], ends[[2L]]),
    conf_high = pmax(ends[[1L]], ends[[2L]])
  )
}

#' Numbers without their names, which as.double() would copy before it leaves them out
unnamed <- function(values) as.double(c(values, use.names = FALSE))

#' Predictions of the rows used, without the rows that na.exclude added
without_missing_rows <- function(values, fit) {
  dropped <- stats::na.action(stats::model.frame(fit))
  if (length(values) == stats::nobs(fit) || is.null(dropped)) values else values[-dropped]
}

#' Vectors over predicted rows, with the numbers of those rows in the data
#'
#' @param vectors A named list of vectors over new data, or over the rows used, with or
#'   without the rows that na.exclude left out.
#' @param frame The new data, or NULL.
#' @return The vectors, and `rows`; NULL for all rows of new data.
over_predicted_rows <- function(vectors, fit, frame) {
  if (!is.null(frame)) {
    return(c(lapply(vectors, unnamed), list(rows = NULL)))
  }
  used <- stats::model.frame(fit)
  placed <- lapply(vectors, function(values) {
    if (length(values) == nrow(used)) {
      names(values) <- rownames(used)
      values <- stats::napredict(stats::na.action(used), values)
    }
    over_rows(values, fit)
  })
  c(lapply(placed, `[[`, "values"), list(rows = placed[[1L]]$rows))
}
