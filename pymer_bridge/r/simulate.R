# Responses that models draw.

#' Operation: simulate responses
#'
#' @param n_sim How many.
#' @param seed An integer for set.seed(), or NULL.
#' @param new_data The parts of a data frame; NULL for the data themselves.
#' @param re_form NULL to draw all random effects, or the text of a formula of those
#'   that are kept as they are estimated.
#' @param use_u Keep all random effects as they are estimated?
#' @param weights Over the rows, or NULL for those of the fit.
#' @param new_params See `predict_model()`.
#' @return `values` over rows and simulations (for a response of two columns the
#'   successes, and the `failures` beside them), `rows` (NULL for the first ones in order), `names`,
#'   and the `levels` that the values number.
simulate_model <- function(model, n_sim, seed, new_data, re_form, use_u, allow_new_levels, weights,
                           new_params) {
  frame <- if (!is.null(new_data)) frame_from_parts(new_data)
  readable <- readable_model(model, frame, re_form)
  model <- readable$model
  frame <- readable$frame
  re_form <- readable$re_form
  fit <- model$fit
  call <- quote(
    simulate_here(fit, nsim = n_sim, seed = seed, allow.new.levels = allow_new_levels)
  )
  if (is.null(frame)) {
    call[[2L]] <- quote(as_omitting(fit))
  } else {
    warn_of_lost_offset(fit)
    call$newdata <- quote(frame)
    # With na.exclude R would add the dropped rows of the data to the new ones.
    if (inherits(stats::na.action(stats::model.frame(fit)), "exclude")) {
      call$na.action <- quote(stats::na.omit)
    }
  }
  if (!is.null(weights)) {
    call$weights <- if (is.null(frame)) weights[model_data(model)$used] else weights
  }
  if (!is.null(new_params)) call$newparams <- whole_parameters(fit, new_params)
  if (use_u) call$use.u <- TRUE
  if (!is.null(re_form)) {
    part <- random_part(model, re_form)
    call$re.form <- quote(part)
  }
  if (is.null(frame) && (use_u || !is.null(re_form))) stop_if_rows_slip(model)
  drawn <- at_new_data(eval(call), fit, frame)
  if (is.null(frame)) {
    simulations_over_rows(drawn, fit)
  } else {
    described_simulations(drawn, seq_len(nrow(frame)))
  }
}

#' Operation: simulate responses from a model without random effects
#'
#' @param n_sim,seed See `simulate_model()`.
simulate_linear <- function(model, n_sim, seed) {
  fit <- model$fit
  simulations_over_rows(simulated(fit, n_sim, seed), fit)
}

#' Responses of the rows used, as simulate() draws them
#'
#' With na.exclude R puts the weights of the rows used beside fitted values of all rows, and draws
#' from the wrong ones.
#'
#' @param ... Further arguments of simulate(), such as `use.u` of a mixed model.
simulated <- function(fit, n_sim, seed = NULL, ...) {
  simulate_here(ready_to_draw(fit), nsim = n_sim, seed = seed, ...)
}

#' A fit of which simulate() draws, for the rows used
#'
#' MASS's negative binomial finds its generator only where MASS is attached.
ready_to_draw <- function(fit) {
  draw <- if (inherits(fit, "glm")) stats::family(fit)$simulate
  if (is.function(draw) && "rnegbin" %in% all.names(body(draw))) assign("rnegbin", MASS::rnegbin, environment(draw))
  as_omitting(fit)
}

#' Simulated responses as numbers, a column for each: of a binomial model counts of successes
drawn_numbers <- function(drawn, fit) {
  frame <- stats::model.frame(fit)
  columns <- vapply(drawn, function(one) {
    if (is.matrix(one)) one[, 1L] else if (is.factor(one)) as.double(one) - 1 else as.double(one)
  }, numeric(nrow(frame)))
  shares <- stats::family(fit)$family == "binomial" && "(weights)" %in% names(frame) &&
    !is.matrix(drawn[[1L]])
  matrix(if (shares) columns * frame[["(weights)"]] else columns, ncol = length(drawn))
}

#' Simulated responses of the rows used, as R has them: missing in those that na.exclude left out
simulations_over_rows <- function(drawn, fit) {
  frame <- stats::model.frame(fit)
  if (!inherits(stats::na.action(frame), "exclude")) {
    # Row numbers that R keeps as integers are the names of what it draws.
    counted <- .row_names_info(frame) < 0L && nrow(frame) == nrow(drawn)
    return(described_simulations(drawn, if (counted) seq_len(nrow(frame))))
  }
  rows <- names(stats::fitted(fit))
  place <- match(rows, row.names(drawn))
  whole <- lapply(drawn, function(column) if (is.matrix(column)) column[place, ] else column[place])
  described_simulations(whole, rows)
}

#' Simulated responses as plain vectors
#'
#' @param drawn What simulate() gave.
#' @param rows Names of the rows, or numbers if they are counted; NULL for those of the data.
described_simulations <- function(drawn, rows = NULL) {
  if (is.null(rows)) rows <- row.names(drawn)
  counted <- is.integer(rows)
  kept <- if (counted) TRUE else is_row(rows)
  as_values <- function(take) {
    columns <- lapply(drawn, function(column) if (counted) take(column) else take(column)[kept])
    as.double(if (length(columns) == 1L) columns[[1L]] else unlist(columns, use.names = FALSE))
  }
  first <- drawn[[1L]]
  list(
    names = names(drawn), rows = if (!counted) as.integer(rows[kept]),
    values = as_values(if (is.matrix(first)) function(x) x[, 1L] else identity),
    failures = if (is.matrix(first)) as_values(function(x) x[, 2L]),
    levels = levels(first)
  )
}

#' A fit of na.exclude as one of na.omit, of which R draws, and gives residuals, for the rows used
#'
#' simulate() of lme4 2.1 stops at the missing weights of the rows that were left out; before, it
#' laid the rows of responses of two columns wrongly.
as_omitting <- function(fit) {
  if (!inherits(fit, "lm")) {
    frame <- methods::slot(fit, "frame")
    if (inherits(attr(frame, "na.action"), "exclude")) {
      class(attr(frame, "na.action")) <- "omit"
      methods::slot(fit, "frame") <- frame
    }
  } else if (inherits(fit$na.action, "exclude")) {
    class(fit$na.action) <- "omit"
  }
  fit
}
