# The influence of each row or group on the estimates: lme4's influence(), with its refits
# shared among workers.

#' The data with the groups to leave out, as lme4's influence() makes them
#'
#' @param by ".case" for rows, the name of a column, or of a grouping factor that is made of
#'   several columns.
#' @return A list of `data`, the `groups` of its rows, the `units` that are left out, in
#'   R's order, and for each of them its first `rows`.
influence_source <- function(model, by) {
  source <- model_data(model)
  data <- as.data.frame(source$frame)
  groups <- if (by == ".case") {
    rownames(data)
  } else if (by %in% names(data)) {
    data[[by]]
  } else {
    factor <- lme4::getME(model$fit, "flist")[[by]]
    replace(rep(factor[NA_integer_], nrow(data)), source$used, factor)
  }
  units <- unique(groups)
  units <- units[!is.na(units)]
  list(data = data, groups = groups, units = units, rows = match(units, groups))
}

#' The parameters in influence()'s own order: sigma squared, then variances and covariances
variance_values <- function(fit) {
  c(lme4::getME(fit, "sigma")^2, unlist(lapply(lme4::VarCorr(fit), function(block) {
    block[lower.tri(block, diag = TRUE)]
  }), use.names = FALSE))
}

#' Their names, as influence() writes them
variance_value_names <- function(fit) {
  blocks <- lme4::VarCorr(fit)
  prefix <- if (length(blocks) == 1L) "" else paste0(names(blocks), ":")
  names <- Map(function(block, prefix) {
    terms <- colnames(block)
    labels <- outer(terms, terms, function(a, b) paste0("C[", a, ",", b, "]"))
    diag(labels) <- paste0("v[", terms, "]")
    paste0(prefix, labels[lower.tri(labels, diag = TRUE)])
  }, unclass(blocks), prefix)
  c("sigma^2", unlist(names, use.names = FALSE))
}

#' The covariance matrix of the fixed effects, plain
plain_covariance <- function(fit) Matrix::as.matrix(stats::vcov(fit))

#' Operation: what an influence run leaves out, and the figures of the fit itself
#'
#' @param by See `influence_source()`.
describe_influence <- function(model, by) {
  fit <- model$fit
  if (!is.null(stats::getCall(fit)$subset)) {
    warning("R's influence() refits to all rows of the data: the model's own subset is not kept",
      call. = FALSE
    )
  }
  source <- influence_source(model, by)
  list(
    levels = as.character(source$units), rows = source$rows,
    is_column = by == ".case" || by %in% names(source$data), missing = anyNA(source$groups),
    fixed_names = names(lme4::fixef(fit)), fixed = unname(lme4::fixef(fit)),
    variance_names = variance_value_names(fit), variances = variance_values(fit)
  )
}

#' Where influence() starts the refits
influence_start <- function(fit) {
  start <- list(theta = lme4::getME(fit, "theta"))
  if (lme4::isGLMM(fit) && lme4::getME(fit, "devcomp")$dims[["nAGQ"]] > 0) {
    start$fixef <- lme4::fixef(fit)
  }
  start
}

#' Refits without one row or group each
#'
#' The call is the one that influence() updates. Linear models go through lmer()'s steps
#' without its derivatives, which are not needed here.
#'
#' @param plan `by`, and `max_evaluations`.
influence_task <- function(model, plan) {
  fit <- model$fit
  source <- influence_source(model, plan$by)
  control_of <- if (lme4::isLMM(fit)) {
    lme4::lmerControl
  } else if (lme4::isGLMM(fit)) {
    lme4::glmerControl
  } else {
    stop("R's influence() gives no figures of nonlinear mixed models", call. = FALSE)
  }
  control <- control_of(optCtrl = list(maxfun = plan$max_evaluations))
  # No column of the data may hide what is ours.
  groups <- free_name(".groups", names(source$data))
  left_out <- free_name("del", names(source$data))
  rows <- call("(", call("!=", as.name(groups), as.name(left_out)))
  call <- eval(bquote(stats::update(fit,
    data = data, subset = .(rows), start = par, control = control, evaluate = FALSE
  )))
  stepwise <- if (lme4::isLMM(fit)) stepwise_lmer(control)
  start <- influence_start(fit)
  function(draw) {
    holder <- new.env(parent = model$frame_env)
    holder$data <- source$data
    holder$data[[groups]] <- source$groups
    holder$data[[left_out]] <- source$units[draw]
    holder$par <- start
    holder$control <- control
    # influence() suppresses warnings too.
    refitted <- suppressWarnings(if (is.null(stepwise)) {
      eval(call, holder)
    } else {
      stepwise(call, holder)$as_fit()
    })
    information <- methods::slot(refitted, "optinfo")
    list(
      values = c(
        unname(lme4::fixef(refitted)), variance_values(refitted),
        as.vector(plain_covariance(refitted)), as.double(information$feval)
      ),
      converged = information$conv$opt == 0 && length(information$warnings) == 0L,
      singular = lme4::isSingular(refitted)
    )
  }
}

#' Operation: the measures of influence, by R's own methods
#'
#' @param values Refits by values: fixed effects, variance parameters, the covariance matrix
#'   of the fixed effects; missing where a refit failed.
#' @param levels The rows or groups that were left out.
#' @param converged Whether each refit converged.
influence_figures <- function(model, by, levels, values, converged) {
  fit <- model$fit
  fixed <- lme4::fixef(fit)
  variances <- stats::setNames(variance_values(fit), variance_value_names(fit))
  n <- length(levels)
  p <- length(fixed)
  q <- length(variances)
  values <- matrix(values, nrow = n)
  block <- function(columns, names) {
    matrix(values[, columns], nrow = n, dimnames = list(levels, names))
  }
  covariances <- lapply(stats::setNames(seq_len(n), levels), function(i) {
    matrix(values[i, p + q + seq_len(p * p)], p, p, dimnames = list(names(fixed), names(fixed)))
  })
  without <- if (by == ".case") "[-case]" else paste0("[-", by, "]")
  result <- list(
    fixed, block(seq_len(p), names(fixed)), variances, block(p + seq_len(q), names(variances)),
    plain_covariance(fit), covariances, if (by == ".case") "case" else by, levels, converged,
    values[, ncol(values)]
  )
  names(result) <- c(
    "fixed.effects", paste0("fixed.effects", without), "var.cov.comps",
    paste0("var.cov.comps", without), "vcov", paste0("vcov", without), "groups", "deleted",
    "converged", "function.evals"
  )
  result <- structure(result, class = "influence.merMod")
  change <- stats::dfbeta(result)
  # R's methods stop where there are no fixed effects, and that of dfbetas() where there is one.
  cooks_distance <- if (p > 0L) unname(stats::cooks.distance(result)) else rep(NaN, n)
  measures <- covariance_measures(plain_covariance(fit), covariances, change)
  c(measures, cut_offs_of(cooks_distance, measures), list(
    cooks_distance = cooks_distance,
    dfbeta = as.vector(change),
    dfbetas = as.vector(if (p == 1L) {
      change / sqrt(vapply(covariances, as.vector, 1))
    } else if (p > 1L) {
      stats::dfbetas(result)
    } else {
      change
    }),
    dfbeta_variances = as.vector(stats::dfbeta(result, which = "var.cov"))
  ))
}

#' Measures of influence by the covariance matrix of the fixed effects, as Loy and Hofmann have them
#'
#' @param whole The matrix of the fit.
#' @param covariances Those of the refits.
#' @param change The changes of the fixed effects, a row for each refit.
#' @return `mdffits`: squared changes in units of the refit's covariances, by coefficient. `cov_trace`:
#'   how far the trace of the refit's matrix, in units of the fit's, is from that of equal ones.
#'   `cov_ratio`: the ratio of the two determinants.
covariance_measures <- function(whole, covariances, change) {
  p <- ncol(whole)
  over <- function(of) {
    vapply(seq_along(covariances), function(i) {
      without <- covariances[[i]]
      if (p == 0L || anyNA(without)) NA_real_ else of(without, change[i, ])
    }, 1)
  }
  list(
    mdffits = over(function(without, d) as.vector(t(d) %*% solve(without) %*% d) / p),
    cov_trace = over(function(without, d) abs(sum(diag(solve(whole) %*% without)) - p)),
    cov_ratio = over(function(without, d) det(without) / det(whole))
  )
}

#' Beyond which values a measure deserves a look
#'
#' For Cook's distance 4 / n; for the others three times the range of the quartiles beyond these, for
#' the ratio on either side.
cut_offs_of <- function(cooks_distance, measures) {
  fences <- vapply(measures, function(values) {
    quartiles <- stats::quantile(values, c(0.25, 0.75), na.rm = TRUE, names = FALSE)
    quartiles + c(-3, 3) * diff(quartiles)
  }, c(0, 0))
  list(
    cut_measures = c("cooks_distance", names(measures)),
    cut_low = c(NA, NA, NA, fences[1L, "cov_ratio"]),
    cut_high = c(4 / length(cooks_distance), fences[2L, ])
  )
}
