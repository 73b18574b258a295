# Shares of the variance that groups, or a model, explain: by insight, with performance's formulas.

#' The variances of a fit, by insight
#'
#' @param fit A mixed model.
#' @param ... Goes to insight, such as `verbose = FALSE` for no warnings.
#' @return insight's list; NULL where it has none, as for a singular fit, of which it warns.
variances_of <- function(fit, ...) {
  found <- insight::get_variance(fit, tolerance = 1e-5, ...)
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
