# The inside of a fit: the parts that lme4's getME() gives, and what is computed from them.

#' Any part of a fit as a list of vectors, with its kind
#'
#' @param x What `getME()` gave.
describe_part <- function(x) {
  if (is.null(x)) {
    list(kind = "none")
  } else if (is.factor(x)) {
    list(kind = "factor", values = as.integer(x), levels = levels(x), ordered = is.ordered(x))
  } else if (methods::is(x, "CHMfactor")) {
    list(
      kind = "cholesky", factor = describe_sparse(methods::as(x, "sparseMatrix")),
      permutation = methods::slot(x, "perm")
    )
  } else if (methods::is(x, "sparseMatrix") || methods::is(x, "diagonalMatrix")) {
    describe_sparse(x)
  } else if (methods::is(x, "Matrix") || is.matrix(x)) {
    describe_dense(as.matrix(x))
  } else if (is.list(x)) {
    list(kind = "list", names = names(x), items = unname(lapply(x, describe_part)))
  } else if (is.character(x)) {
    list(kind = "texts", values = as.vector(x))
  } else if (is.numeric(x) || is.logical(x)) {
    list(
      kind = if (is.logical(x)) "logicals" else "numbers", values = as.vector(x),
      names = names(x), scalar = length(x) == 1L && is.null(names(x))
    )
  } else {
    stop("R gives a ", class(x)[1L], ", for which there is no counterpart", call. = FALSE)
  }
}

#' A dense matrix by columns
describe_dense <- function(x) {
  list(
    kind = "dense", values = as.vector(x), shape = dim(x), row_names = rownames(x),
    names = colnames(x)
  )
}

#' A sparse matrix by columns; stored zeros are kept
describe_sparse <- function(x) {
  x <- methods::as(methods::as(x, "generalMatrix"), "CsparseMatrix")
  rows <- methods::slot(x, "i")
  list(
    kind = "sparse", rows = rows, starts = methods::slot(x, "p"),
    values = if (methods::is(x, "nMatrix")) {
      rep(1, length(rows))
    } else {
      as.double(methods::slot(x, "x"))
    },
    shape = dim(x), row_names = rownames(x), names = colnames(x)
  )
}

#' Operation: the names of the parts that this lme4 gives, the same for all models
part_names <- function(model = NULL) {
  method <- utils::getS3method("getME", "merMod", envir = asNamespace("lme4"))
  setdiff(eval(formals(method)$name), "devfun")
}

#' Parts that are vectors even if they have one element
vector_parts <- c("y", "mu", "u", "beta", "Gp", "Lind", "offset")

#' Operation: one part of a fit
#'
#' @param name One of `part_names()`.
model_part <- function(model, name) {
  part <- describe_part(lme4::getME(model$fit, name))
  if (name %in% vector_parts) part$scalar <- FALSE
  part
}

#' Operation: is the fit singular, by this measure?
is_singular <- function(model, tol) {
  lme4::isSingular(model$fit, tol = tol)
}

#' Operation: principal components of the random effects
random_components <- function(model) {
  parts <- unclass(lme4::rePCA(model$fit))
  terms <- lme4::getME(model$fit, "cnms")
  unname(Map(function(part, group) {
    importance <- summary(part)$importance
    list(
      group = group, terms = unlist(terms[names(terms) == group], use.names = FALSE),
      std_dev = part$sdev, proportion = unname(importance[2L, ]),
      cumulative = unname(importance[3L, ]), rotation = as.vector(part$rotation)
    )
  }, parts, names(parts)))
}

#' Operation: covariance and correlation matrices of the random effects
group_covariances <- function(model) {
  parts <- unclass(lme4::VarCorr(model$fit))
  unname(Map(function(part, group) {
    correlation <- attr(part, "correlation")
    list(
      group = group, terms = rownames(part), covariance = as.double(part),
      correlation = as.double(as.matrix(correlation))
    )
  }, parts, names(parts)))
}

#' A copy of a fit with its own predictor and response, so that evaluating it leaves the fit alone
isolated_fit <- function(fit) {
  if (!methods::is(fit, "merMod")) return(fit)
  for (part in c("pp", "resp")) {
    methods::slot(fit, part) <- methods::slot(fit, part)$copy()
  }
  methods::slot(fit, "theta") <- methods::slot(fit, "theta") + 0
  fit
}

#' The deviance function of a whole copy of a fit
whole_deviance <- function(fit) lme4::getME(isolated_fit(fit), "devfun")

#' The deviance function of a fit on copies of its state, so that evaluating it leaves the fit alone
isolated_deviance <- function(fit) {
  if (!lme4::isLMM(fit) || !as_known("deviance functions")) {
    return(whole_deviance(fit))
  }
  devfun <- lme4::getME(fit, "devfun")
  rho <- environment(devfun)
  # These are large, and stay the same: an evaluation writes the weighted designs anew.
  rho$pp <- copied_state(rho$pp, c("X", "Zt", "V", "Ut"), character(), evaluated = FALSE)
  rho$resp <- copied_state(rho$resp, character(), character())
  devfun
}

#' Add what the deviance function of a nonlinear model from getME() does not have
complete_nonlinear <- function(devfun, fit) {
  rho <- environment(devfun)
  rho$u0 <- rho$pp$u0 + 0
  rho$beta0 <- rho$pp$beta0 + 0
  rho$dpars <- seq_along(lme4::getME(fit, "theta"))
  if (is.null(rho$tolPwrss)) rho$tolPwrss <- lme4::nlmerControl()$tolPwrss
}

#' Operation: the deviance as a function of the parameters
#'
#' @param copied Copies what the function needs: `isolated_deviance()`, or `whole_deviance()` where other
#'   responses are put into it.
#' @return `deviance`, an environment for `deviance_at()`; the names and values of the
#'   parameters at the fit, their bounds, and how many of them are not fixed effects.
deviance_function <- function(model, copied = isolated_deviance) {
  fit <- model$fit
  deviance <- new.env(parent = emptyenv())
  deviance$renew <- function() {
    deviance$f <- copied(fit)
    if (lme4::isNLMM(fit)) complete_nonlinear(deviance$f, fit)
  }
  deviance$renew()
  lower <- lme4::getME(fit, "lower")
  newer <- "par" %in% part_names()
  values <- lme4::getME(fit, if (newer) "par" else "theta")
  upper <- if (newer) asNamespace("lme4")$getUpper(fit) else rep(Inf, length(values))
  # With nAGQ = 0 the fixed effects follow from theta. A nonlinear fit may not say its nAGQ.
  by_theta <- lme4::isLMM(fit) || isTRUE(lme4::getME(fit, "devcomp")$dims["nAGQ"] == 0L)
  beta <- if (!by_theta) lme4::fixef(fit)
  list(
    deviance = deviance,
    names = c(names(values), names(beta)), values = c(unname(values), unname(beta)),
    lower = c(unname(lower), rep(-Inf, length(beta))),
    upper = c(unname(upper), rep(Inf, length(beta))), n_theta = length(values)
  )
}

#' Operation: the deviance at some points
#'
#' @param deviance See `deviance_function()`.
#' @param points Parameters, point after point.
#' @param n_points How many points.
deviance_at <- function(deviance, points, n_points) {
  points <- matrix(points, ncol = n_points)
  vapply(seq_len(n_points), function(i) {
    value <- NaN
    # A point without a finite deviance leaves values in the function that spoil the next ones.
    on.exit(if (!is.finite(value)) deviance$renew())
    value <- as.double(deviance$f(points[, i]))
    value
  }, 0)
}

#' Parameters for lme4's setParams(), which wants all of them, by their names
#'
#' @param given A list of some of `beta`, `theta` and `sigma`, each of `values` and `names`
#'   (or NULL); the others are the estimates. Or NULL.
whole_parameters <- function(fit, given) {
  if (is.null(given)) {
    return(NULL)
  }
  known <- list(beta = lme4::fixef(fit), theta = lme4::getME(fit, "theta"))
  if (has_scale(fit)) known$sigma <- stats::sigma(fit)
  for (name in names(given)) {
    values <- given[[name]]$values
    own <- names(known[[name]])
    names <- given[[name]]$names
    if (is.null(names) && length(values) == length(own)) names <- own
    known[[name]] <- if (is.null(names)) values else stats::setNames(values, names)
  }
  known
}
