# Shares of the variance that groups, or a model, explain: by insight, with performance's formulas.

#' Operation: what insight's variances take besides insight
#'
#' From version 1.0 on it gives none without performance, and says nothing.
packages_of_shares <- function() {
  if (utils::packageVersion("insight") >= "1.0") "performance" else character()
}

#' Is all there that shares take?
has_packages_of_shares <- function() {
  requireNamespace("insight", quietly = TRUE) &&
    all(vapply(packages_of_shares(), requireNamespace, NA, quietly = TRUE))
}

#' Evaluate with lme4 attached, as it is where R's users ask
#'
#' insight fits the model without predictors, and looks for `glmer()` among what is attached.
with_lme4 <- function(expression) {
  if (!"package:lme4" %in% search()) {
    attachNamespace("lme4")
    on.exit(detach("package:lme4", character.only = TRUE))
  }
  expression
}

#' The variances of a fit, by insight
#'
#' @param fit A mixed model.
#' @param tolerance Below which size a variance is zero.
#' @param ... Goes to insight, such as `verbose = FALSE` for no warnings.
#' @return insight's list; NULL where it has none, as for a singular fit, of which it warns.
variances_of <- function(fit, tolerance = 1e-5, ...) {
  found <- with_lme4(insight::get_variance(fit, tolerance = tolerance, ...))
  if (is.null(found) || all(is.na(found))) NULL else found
}

#' The intraclass correlations, adjusted and unadjusted
#'
#' @param of See `variances_of()`.
icc_of <- function(of) {
  if (is.null(of$var.random) || is.null(of$var.fixed) || is.null(of$var.residual)) {
    return(list(adjusted = NA_real_, unadjusted = NA_real_))
  }
  list(
    adjusted = as.double(of$var.random / (of$var.random + of$var.residual)),
    unadjusted = as.double(of$var.random / (of$var.fixed + of$var.random + of$var.residual))
  )
}

#' Nakagawa's coefficients of determination, marginal and conditional
#'
#' @param of See `variances_of()`.
r2_of <- function(of) {
  if (is.null(of$var.fixed) || is.null(of$var.residual)) {
    return(list(marginal = NA_real_, conditional = NA_real_))
  }
  if (is.null(of$var.random) || is.na(of$var.random)) {
    message("R gives no variances of the random effects: the marginal R squared is without them")
    marginal <- of$var.fixed / (of$var.fixed + of$var.residual)
    return(list(marginal = as.double(marginal), conditional = NA_real_))
  }
  whole <- of$var.fixed + of$var.random + of$var.residual
  list(
    marginal = as.double(of$var.fixed / whole),
    conditional = as.double((of$var.fixed + of$var.random) / whole)
  )
}

#' What a function gives for the fit; names in backticks confuse insight
from_plain_fit <- function(model, of) {
  within_model(plain_model(model)$model, bquote(.(of)(.fit)))
}

#' Operation: intraclass correlation
intraclass_correlation <- function(model) {
  from_plain_fit(model, function(fit) icc_of(variances_of(fit)))
}

#' Operation: Nakagawa's coefficients of determination
r_squared <- function(model) {
  from_plain_fit(model, function(fit) r2_of(variances_of(fit)))
}

#' Operation: both, without a warning where there are none
variance_shares <- function(model) {
  from_plain_fit(model, function(fit) {
    suppressWarnings(suppressMessages({
      of <- variances_of(fit, verbose = FALSE)
      c(icc_of(of), r2_of(of))
    }))
  })
}

#' All shares of a refit, as performance's bootstraps have them
replicate_shares <- function(fit) {
  # The versions of performance that go with newer ones of insight keep more of the small variances.
  tolerance <- if (utils::packageVersion("insight") >= "1.0") 1e-10 else 1e-5
  of <- suppressWarnings(suppressMessages(variances_of(fit, tolerance, verbose = FALSE)))
  if (is.null(of$var.random)) of <- NULL
  unlist(c(icc_of(of), r2_of(of)))
}

#' Operation: equal-tailed intervals of shares, of the refits that have them
#'
#' @param values Replicates, share by share.
#' @param n How many shares.
share_intervals <- function(values, n, conf_level) {
  replicates <- matrix(values, ncol = n)
  tails <- c((1 - conf_level) / 2, (1 + conf_level) / 2)
  ends <- apply(replicates, 2L, function(share) {
    share <- share[!is.na(share)]
    if (length(share) < 2L) c(NA, NA) else stats::quantile(share, tails, names = FALSE)
  })
  list(conf_low = ends[1L, ], conf_high = ends[2L, ], n_without = sum(is.na(replicates[, 1L])))
}

#' Operation: the model itself, or one whose names insight can read
readable_copy <- function(model) list(model = plain_model(model)$model)

#' Warn where there are random slopes, whose variance no group has for itself
warn_of_slopes <- function(fit) {
  if (!all(unlist(lme4::getME(fit, "cnms")) == "(Intercept)")) {
    warning("the model has random slopes: shares by group are of intercepts alone, and not accurate",
      call. = FALSE
    )
  }
}

#' Operation: the intraclass correlation of each group
icc_by_group <- function(model) {
  used <- plain_model(model)
  warn_of_slopes(used$model$fit)
  of <- within_model(used$model, bquote(.(variances_of)(.fit)))
  shares <- of$var.intercept / (of$var.random + of$var.residual)
  own_names(list(groups = names(of$var.intercept), shares = as.double(shares)), used$plain)
}

#' Operation: the share of each level's variance that the fixed effects explain
#'
#' The variances are set beside those of the model without fixed effects.
r2_by_group <- function(model) {
  used <- plain_model(model)
  warn_of_slopes(used$model$fit)
  found <- within_model(used$model, bquote(.(function(fit) {
    of <- variances_of(fit)
    if (is.null(of$var.random)) return(NULL)
    without <- variances_of(with_lme4(insight::null_model(fit)))
    groups <- insight::find_random(fit, split_nested = TRUE, flatten = TRUE)
    # Of nested factors insight's variances have other names, and performance stops.
    if (!all(groups %in% names(of$var.intercept))) groups <- names(of$var.intercept)
    list(
      groups = c("Level 1", groups),
      shares = c(
        1 - of$var.residual / without$var.residual,
        1 - unname(of$var.intercept[groups] / without$var.intercept[groups])
      )
    )
  })(.fit)))
  own_names(list(groups = found$groups, shares = as.double(found$shares)), used$plain)
}
