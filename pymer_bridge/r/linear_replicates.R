# Replicates of models without random effects: what is drawn, how the model is refitted, and the
# statistics. The fits are those of update(): R has no cheaper way that gives the same fit.

#' A function that fits the model to another response of the rows used
#'
#' The response is a variable beside the data, over all of their rows, so that the call's own
#' subset, weights and offset go with it.
linear_refitter <- function(model) {
  source <- model_data(model)
  n_rows <- nrow(source$frame)
  n_used <- length(source$used)
  name <- free_name(".response", names(source$frame))
  formula <- stats::formula(model$fit)
  formula[[2L]] <- as.name(name)
  attributes(formula) <- NULL
  call <- model$call
  call$formula <- formula
  function(values) {
    values <- as_response(as.vector(values), n_used)
    whole <- if (is.matrix(values)) matrix(NA_real_, n_rows, 2L) else rep(NA_real_, n_rows)
    if (is.matrix(values)) whole[source$used, ] <- values else whole[source$used] <- values
    holder <- new.env(parent = model$frame_env)
    assign(name, whole, envir = holder)
    eval(call, holder)
  }
}

#' Refits to other responses, or fits to resampled rows
#'
#' @param fit_of A function of a draw that gives the fit.
linear_task <- function(model, plan, fit_of) {
  statistic <- statistic_of(model, plan)
  rank <- model$fit$rank
  function(draw) {
    fit <- fit_of(draw)
    list(
      values = statistic(fit), converged = !inherits(fit, "glm") || fit$converged,
      singular = fit$rank < rank
    )
  }
}

#' A function that fits the model to the rows of a draw
linear_case_fitter <- function(model) {
  call_of <- case_caller(model, character(), FALSE, NULL)
  function(draw) {
    made <- call_of(draw)
    eval(made$call, made$env)
  }
}

#' The parameters of a fit: coefficients that are estimated, and of a linear model sigma
linear_parameters <- function(fit) {
  coefficients <- stats::coef(fit)
  c(if (!inherits(fit, "glm")) c(.sigma = stats::sigma(fit)), coefficients[!is.na(coefficients)])
}

#' A function of a fit that gives the statistic
linear_statistic <- function(model, plan) {
  switch(plan$statistic,
    fixed_effects = ,
    parameters = {
      known <- names(linear_parameters(model$fit))
      if (plan$statistic == "fixed_effects") known <- setdiff(known, ".sigma")
      # A coefficient that a replicate cannot estimate is missing from it.
      function(fit) stats::setNames(linear_parameters(fit)[known], known)
    },
    predictions = {
      data <- model_data(model)
      own <- if (is.null(plan$new_data)) data$used
      rows <- if (is.null(own)) {
        frame_from_parts(plan$new_data)
      } else {
        data$frame[own, , drop = FALSE]
      }
      function(fit) stats::predict(with_offset_found(fit, model, own), newdata = rows)
    },
    code = function_of_text(plan$code),
    python = identity,
    stop("a model without random effects has no ", plan$statistic, call. = FALSE)
  )
}

#' Effect, group, term and readable label of each statistic
linear_keys <- function(plan, names) {
  spread <- names == ".sigma" & plan$statistic == "parameters"
  fixed <- plan$statistic %in% c("parameters", "fixed_effects")
  other <- if (plan$statistic == "predictions") "prediction" else "statistic"
  list(
    labels = ifelse(spread, "sigma", names),
    effect = ifelse(spread, "ran_pars", if (fixed) "fixed" else other),
    group = ifelse(spread, "Residual", NA_character_), term = ifelse(spread, "sd__Observation", names)
  )
}

#' What a bootstrap of the model draws
#'
#' @param kind,options See `make_draws()`.
draw_linear <- function(model, kind, n_sim, options) {
  fit <- model$fit
  if (kind == "case") {
    n_rows <- nrow(stats::model.frame(fit))
    draws <- replicate(n_sim, sample.int(n_rows, replace = TRUE), simplify = FALSE)
    return(lapply(draws, function(rows) list(rows = rows, copies = list())))
  }
  if (kind == "parametric") {
    return(lapply(as.list(simulated(fit, n_sim)), function(used) {
      if (is.factor(used)) as.double(used != levels(used)[1L]) else as.vector(used)
    }))
  }
  frame <- stats::model.frame(fit)
  centre <- without_excluded(stats::fitted(fit), fit)
  rest <- without_excluded(stats::residuals(fit, "response"), fit)
  weights <- stats::model.weights(frame)
  spread <- if (is.null(weights)) rep(1, length(rest)) else sqrt(weights)
  replicate(n_sim, simplify = FALSE, unname(switch(kind,
    semiparametric = centre + sample(rest, replace = TRUE),
    residual = {
      centred <- rest * spread - mean(rest * spread)
      centred <- centred * (stats::sigma(fit) / sqrt(mean(centred^2)))
      centre + sample(centred, replace = TRUE) / spread
    },
    wild = {
      leverage <- without_excluded(stats::hatvalues(fit), fit)
      enlarged <- rest / if (options$hccme == "hc2") sqrt(1 - leverage) else 1 - leverage
      centre + enlarged * auxiliary_weights(length(rest), options$aux_dist)
    }
  )))
}

#' Values over the rows used, without those that na.exclude left out
without_excluded <- function(values, fit) {
  dropped <- stats::na.action(stats::model.frame(fit))
  if (!inherits(dropped, "exclude")) {
    values
  } else if (is.matrix(values)) {
    values[-dropped, ]
  } else {
    values[-dropped]
  }
}
