# Models side by side: criteria, weights, and shares of variance.

#' Stop, as two models cannot be compared
#'
#' @param remedy What to do instead.
stop_for_incomparable <- function(..., remedy) {
  stop("these models cannot be compared by criteria: ", ..., "; ", remedy, call. = FALSE)
}

#' Stop where models are of other rows, or of another response
stop_for_other_data <- function(fits, names) {
  frames <- lapply(fits, stats::model.frame)
  sizes <- vapply(frames, nrow, 1L)
  if (length(unique(sizes)) > 1L) {
    stop_for_incomparable(
      paste(names, "uses", sizes, "rows", collapse = ", "),
      remedy = "fit all of them to the rows that have values of every term, data.dropna(subset=[...])"
    )
  }
  spelled <- vapply(fits, function(fit) deparse1(stats::formula(fit)[[2L]]), "")
  if (any(other <- spelled != spelled[1L])) {
    at <- which(other)[1L]
    stop_for_incomparable(
      "the response of ", names[1L], " is ", spelled[1L], ", and that of ", names[at], " ", spelled[at],
      remedy = "fit all of them to one response"
    )
  }
  responses <- lapply(frames, function(frame) {
    list(unname(stats::model.response(frame)), attr(frame, "row.names"))
  })
  for (i in seq_along(fits)[-1L]) {
    if (!identical(responses[[i]], responses[[1L]])) {
      stop_for_incomparable(
        "the response of ", names[i], " has other values, or other rows, than that of ", names[1L],
        remedy = "fit all of them to the same rows of the same data"
      )
    }
  }
}

#' The kind of likelihood that a fit has: of numbers that are counted, or measured
likelihood_kind <- function(fit) {
  family <- if (inherits(fit, c("glm", "glmerMod"))) stats::family(fit)$family else "gaussian"
  if (grepl("^quasi", family)) {
    "none"
  } else if (grepl("^(binomial|poisson|[Nn]egative [Bb]inomial)", family)) {
    "probabilities"
  } else {
    "densities"
  }
}

#' Stop where likelihoods are of other kinds, by another approximation, or for other trials
stop_for_other_likelihoods <- function(fits, names) {
  kinds <- vapply(fits, likelihood_kind, "")
  if (any(kinds == "none")) {
    stop_for_incomparable(
      names[which(kinds == "none")[1L]], " is of a quasi family, which has no likelihood",
      remedy = "take the family itself, or one with a parameter for the dispersion"
    )
  }
  if (any(other <- kinds != kinds[1L])) {
    stop_for_incomparable(
      "the likelihood of ", names[1L], " is of ", kinds[1L], ", and that of ", names[which(other)[1L]],
      " of ", kinds[other][1L],
      remedy = "compare models of a counted response with each other, or of a measured one"
    )
  }
  points <- vapply(fits, function(fit) {
    if (inherits(fit, "glmerMod")) lme4::getME(fit, "devcomp")$dims[["nAGQ"]] else 1L
  }, 1L)
  if (any(points > 1L) && length(unique(points)) > 1L) {
    stop_for_incomparable(
      paste0(names, " has n_agq=", points, collapse = ", "),
      ", and lme4's likelihoods by quadrature leave out a constant",
      remedy = "fit all of them with the same n_agq"
    )
  }
  trials <- lapply(fits, function(fit) {
    if (inherits(fit, c("glm", "glmerMod")) && stats::family(fit)$family == "binomial") {
      unname(stats::weights(fit, "prior"))
    }
  })
  trials <- Filter(Negate(is.null), trials)
  if (length(unique(trials)) > 1L) {
    stop_for_incomparable("they have other weights, the numbers of trials",
      remedy = "fit all of them with the same weights"
    )
  }
}

#' Stop where some models are fitted by REML that need maximum likelihood
stop_for_other_designs <- function(fits, names) {
  by_reml <- vapply(fits, function(fit) methods::is(fit, "merMod") && lme4::isREML(fit), NA)
  if (!any(by_reml)) {
    return(invisible())
  }
  remedy <- "give them by maximum likelihood, fit.refit_ml()"
  if (!all(by_reml)) {
    stop_for_incomparable(
      names[which(by_reml)[1L]], " is fitted by REML, and ", names[which(!by_reml)[1L]],
      " by maximum likelihood",
      remedy = remedy
    )
  }
  designs <- lapply(fits, function(fit) unname(lme4::getME(fit, "X")[, , drop = FALSE]))
  designs <- lapply(designs, function(x) matrix(x, nrow(x)))
  same <- vapply(designs, identical, NA, designs[[1L]])
  if (!all(same)) {
    stop_for_incomparable(
      "they are fitted by REML, and ", names[which(!same)[1L]], " has other fixed effects than ",
      names[1L],
      remedy = remedy
    )
  }
}

#' Differences of criteria to the lowest, and Akaike's weights
weights_of <- function(criterion) {
  difference <- criterion - min(criterion)
  likelihood <- exp(-0.5 * difference)
  list(difference = difference, weight = likelihood / sum(likelihood))
}

#' Shares of variance: of a mixed model by insight, if it is there; of lm() its own
shares_beside <- function(model) {
  fit <- model$fit
  if (inherits(fit, "lm") && !inherits(fit, "glm")) {
    found <- summary(fit)
    return(list(r2 = found$r.squared, r2_adjusted = found$adj.r.squared))
  }
  linear <- inherits(fit, "lm") || lme4::isNLMM(fit)
  if (linear || !has_packages_of_shares()) list() else variance_shares(model)
}

#' Operation: models side by side
#'
#' @param models A list of model environments.
#' @param names What they are called.
#' @return Vectors over models; missing where a model has no such figure.
compare_criteria <- function(models, names) {
  fits <- lapply(models, `[[`, "fit")
  stop_for_other_data(fits, names)
  stop_for_other_likelihoods(fits, names)
  stop_for_other_designs(fits, names)
  likelihoods <- lapply(fits, stats::logLik)
  over <- function(of, from = likelihoods) vapply(from, function(x) as.double(of(x)), 1)
  k <- over(function(x) attr(x, "df"))
  n <- over(stats::nobs, fits)
  likelihood <- over(identity)
  criteria <- list(
    aic = over(stats::AIC), aicc = -2 * likelihood + 2 * k * (n / (n - k - 1)), bic = over(stats::BIC)
  )
  parts <- lapply(criteria, weights_of)
  weighed <- c(
    stats::setNames(lapply(parts, `[[`, "difference"), paste0(names(parts), "_difference")),
    stats::setNames(lapply(parts, `[[`, "weight"), paste0(names(parts), "_weight"))
  )
  shares <- lapply(models, shares_beside)
  share <- function(name) {
    vapply(shares, function(of) if (is.null(of[[name]])) NA_real_ else of[[name]], 1)
  }
  mixed <- vapply(fits, methods::is, NA, "merMod")
  ended <- Map(function(model, mixed) {
    if (mixed) convergence(model)$converged else !inherits(model$fit, "glm") || model$fit$converged
  }, models, mixed)
  c(list(terms = as.character(names), n_parameters = k, log_likelihood = likelihood), criteria, weighed, list(
    r2_marginal = share("marginal"), r2_conditional = share("conditional"), r2 = share("r2"),
    r2_adjusted = share("r2_adjusted"), icc = share("adjusted"),
    rmse = over(function(fit) sqrt(mean(stats::residuals(fit, type = "response")^2, na.rm = TRUE)), fits),
    sigma = over(stats::sigma, fits), reml = mixed[1L] && lme4::isREML(fits[[1L]]),
    singular = Map(function(fit, mixed) if (mixed) lme4::isSingular(fit) else NA, fits, mixed) |>
      unlist(use.names = FALSE),
    converged = unlist(ended, use.names = FALSE)
  ))
}
