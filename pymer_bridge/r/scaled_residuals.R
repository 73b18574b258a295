# Scaled residuals and tests of them, by DHARMa; where it is not installed, the same by this file.

#' Operation: where each response stands among those that the model draws
#'
#' @param n_sim How many are drawn.
#' @param refit Fit the model anew to each, and set residuals among residuals?
#' @param use_u Draw at the estimated random effects?
#' @param ours Not by DHARMa, even where it is installed?
#' @return `simulated`, an environment for the operations below, with DHARMa's object or one whose
#'   parts have the same names; over the rows of the data `residuals`, `fitted` and `observed`; and
#'   who made them, `made_by`.
scaled_residuals <- function(model, n_sim, seed, refit, use_u, ours) {
  drawn_family(model$fit) # stops where there is nothing to draw from
  if (use_u) stop_if_rows_slip(model)
  mixed <- methods::is(model$fit, "merMod")
  if (refit && mixed) warn_of_refit_defect(model$fit, "residuals of models fitted anew are")
  fit <- ready_to_draw(model$fit)
  ours <- ours || !requireNamespace("DHARMa", quietly = TRUE)
  how <- c(list(n = n_sim, refit = refit), if (use_u) list(use.u = TRUE))
  # Where nobody has drawn yet DHARMa would draw once after its own set.seed().
  maker <- if (ours) our_residuals else DHARMa::simulateResiduals
  call <- as.call(c(list(maker, quote(.fit)), how, if (!ours) list(seed = FALSE)))
  found <- with_seed(seed, within_model(model, call, fit))
  frame <- stats::model.frame(model$fit)
  on_rows <- function(values) {
    names(values) <- row.names(frame)
    over_rows(stats::naresid(stats::na.action(frame), values), model$fit)
  }
  residuals <- on_rows(found$scaledResiduals)
  list(
    simulated = list2env(list(found = found, ours = ours), parent = emptyenv()),
    rows = residuals$rows, residuals = residuals$values,
    fitted = on_rows(found$fittedPredictedResponse)$values,
    observed = on_rows(as.double(found$observedResponse))$values,
    made_by = if (ours) "pymer_bridge" else paste("DHARMa", utils::packageVersion("DHARMa"))
  )
}

#' What DHARMa's simulateResiduals() has, for lm(), glm() and lme4's models
our_residuals <- function(fit, n, refit, ...) {
  drawn <- simulated(fit, n, ...)
  observed <- observed_numbers(fit)
  found <- list(
    fittedModel = fit, nObs = stats::nobs(fit), nSim = n, refit = refit,
    observedResponse = observed,
    integerResponse = drawn_family(fit) %in% c("binomial", "poisson", "negative.binomial"),
    fittedPredictedResponse = as.vector(stats::predict(fit, type = "response", re.form = ~0)),
    fittedResiduals = stats::residuals(fit, type = "response")
  )
  if (found$nObs < length(observed)) {
    stop("there are no scaled residuals of rows without weight; leave them out", call. = FALSE)
  }
  if (!refit) {
    found$simulatedResponse <- drawn_numbers(drawn, fit)
    found$scaledResiduals <- among_draws(found$simulatedResponse, observed)
    return(found)
  }
  anew <- fitted_anew(fit, drawn)
  found$simulatedResponse <- drawn
  found$refittedResiduals <- anew$residuals
  found$refittedPearsonResiduals <- anew$pearson
  found$method <- "traditional"
  found$scaledResiduals <- among_smoothed(anew$residuals, found$fittedResiduals, found$integerResponse)
  found
}

#' The response of the rows used as numbers, as `drawn_numbers()` has those that are drawn
observed_numbers <- function(fit) {
  frame <- stats::model.frame(fit)
  drawn_numbers(list(stats::model.response(frame)), fit)[, 1L]
}

#' Where numbers stand among draws: at random between the shares below, and up to them
among_draws <- function(draws, observed) {
  residuals_between(rowMeans(draws < observed), rowMeans(draws <= observed))$residuals
}

#' Where numbers stand among draws, on the straight lines between these
#'
#' @param whole Are they whole numbers, which are spread by up to a half?
among_smoothed <- function(draws, observed, whole) {
  if (!whole) {
    again <- draws[duplicated(as.vector(draws))]
    whole <- length(again) > 0L && isTRUE(all(again %% 1 == 0))
  }
  vapply(seq_along(observed), function(row) {
    among <- draws[row, ]
    at <- observed[[row]]
    if (whole) {
      among <- among + stats::runif(length(among), -0.5, 0.5)
      at <- at + stats::runif(1L, -0.5, 0.5)
    }
    among <- sort(among)
    steps <- rle(among)
    shares <- cumsum(steps$lengths) / (length(among) + 1)
    stats::approx(steps$values, shares, at, yleft = 0, yright = 1, ties = "ordered")$y
  }, 0)
}

#' Residuals of the model fitted anew to each response; missing where that fails
fitted_anew <- function(fit, responses) {
  frame <- stats::model.frame(fit)
  anew <- function(response) {
    if (methods::is(fit, "merMod")) {
      return(lme4::refit(fit, response))
    }
    if (is.matrix(response)) {
      frame <- cbind(response, frame[-1L])
    } else {
      frame[[1L]] <- if (is.factor(response)) as.double(response) - 1 else response
    }
    call <- stats::getCall(fit)
    call$data <- frame
    eval(call, environment(stats::formula(fit)))
  }
  each <- lapply(responses, function(response) {
    tryCatch(
      {
        again <- anew(response)
        lapply(c(residuals = "response", pearson = "pearson"), function(type) {
          stats::residuals(again, type = type)
        })
      },
      error = function(condition) NULL
    )
  })
  failed <- sum(vapply(each, is.null, NA))
  if (failed == length(each)) stop("the model cannot be fitted anew to what it draws", call. = FALSE)
  if (failed > 0L) warning(failed, " of ", length(each), " models could not be fitted anew", call. = FALSE)
  of_each <- function(part) {
    missing <- rep(NA_real_, nrow(frame))
    matrix(vapply(each, function(one) {
      if (is.null(one)) missing else as.vector(one[[part]])
    }, missing), ncol = length(each))
  }
  list(residuals = of_each("residuals"), pearson = of_each("pearson"))
}

#' Operation: residuals of groups, whose responses are added up
#'
#' @param simulated See `scaled_residuals()`.
#' @param group As the `cluster` of `cluster_of()`.
#' @return What `scaled_residuals()` gives, with the `levels` of the groups in place of rows.
grouped_residuals <- function(model, simulated, group, seed) {
  group <- cluster_of(model, group)
  whole <- simulated$found
  found <- with_seed(seed, if (simulated$ours) {
    our_groups(whole, group)
  } else {
    DHARMa::recalculateResiduals(whole, group = group, seed = FALSE)
  })
  list(
    simulated = list2env(list(found = found, ours = simulated$ours), parent = emptyenv()),
    levels = levels(group), residuals = found$scaledResiduals,
    fitted = as.double(found$fittedPredictedResponse), observed = as.double(found$observedResponse)
  )
}

#' What DHARMa's recalculateResiduals() has: sums over groups
our_groups <- function(whole, group) {
  add_up <- function(values) {
    if (is.matrix(values)) {
      return(apply(values, 2L, add_up))
    }
    vapply(split(as.vector(values), group), sum, 0, USE.NAMES = FALSE)
  }
  parts <- c(
    "observedResponse", "fittedPredictedResponse",
    if (whole$refit) c("fittedResiduals", "refittedResiduals", "refittedPearsonResiduals") else "simulatedResponse"
  )
  found <- utils::modifyList(whole, lapply(whole[parts], add_up))
  found$method <- NULL
  found$scaledResiduals <- if (whole$refit) {
    among_draws(found$refittedResiduals, found$fittedResiduals)
  } else {
    among_draws(found$simulatedResponse, found$observedResponse)
  }
  found
}
