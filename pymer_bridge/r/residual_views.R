# Residuals along the predictors of a model, and within the levels of others.

#' The columns of the data that are predictors, over the rows used
#'
#' Those of offsets are not among them. A refitted model has the predictors of its data.
predictor_values <- function(model) {
  data <- model_data(list(fit = model$fit, frame_env = model$frame_env))
  labels <- attr(stats::terms(model$fit, data = data$frame), "term.labels")
  names <- as.character(unlist(lapply(labels, function(label) all.vars(str2lang(label)))))
  as.list(data$frame[data$used, intersect(names, names(data$frame)), drop = FALSE])
}

#' Values as numbers, or, with `levels`, as numbers of levels where there are few of them
values_along <- function(values) {
  if (inherits(values, c("Date", "POSIXct", "difftime"))) values <- as.numeric(values)
  if (is.numeric(values) && length(unique(values)) > 5L) {
    return(list(values = as.double(values)))
  }
  values <- droplevels(as.factor(values))
  list(values = as.double(as.integer(values)), levels = levels(values))
}

#' Rows by the level of a predictor; of one with many numbers those of its lower and upper half
rows_by <- function(values, name) {
  along <- values_along(values)
  if (!is.null(along$levels)) {
    parts <- split(seq_along(values), along$values)
    return(stats::setNames(parts, paste(name, "=", along$levels)))
  }
  middle <- stats::median(along$values)
  low <- if (any(along$values > middle)) along$values <= middle else along$values < middle
  parts <- list(which(low), which(!low))
  stats::setNames(parts, paste(name, if (any(along$values > middle)) c("\u2264", ">") else c("<", "\u2265"), format(middle, digits = 3L)))
}

#' Where residuals are looked at along a predictor, within the parts of another
#'
#' @param by The other's name, or "".
#' @return The `values` along, with their `levels` if they have some, and for each of the parts with
#'   five rows or more its `rows`, and the `places` on the x axis.
residual_view <- function(predictors, x, by) {
  along <- values_along(predictors[[x]])
  parts <- if (nzchar(by)) {
    rows_by(predictors[[by]], by)
  } else {
    list(seq_along(along$values))
  }
  parts <- Filter(function(rows) length(rows) >= 5L, parts)
  curves <- lapply(unname(parts), function(rows) {
    mine <- along$values[rows]
    if (!is.null(along$levels)) {
      return(list(rows = rows, x = sort(unique(mine)), levels = mine))
    }
    at <- order(mine)[unique(round(seq(1, length(rows), length.out = min(length(rows), 40L))))]
    list(rows = rows, x = mine[at], at = at, design = spline_design(mine, if (nzchar(by)) 3L else 4L))
  })
  list(x = x, by = by, values = along$values, levels = along$levels, parts = names(parts), curves = curves)
}

#' The design of a natural cubic spline, taken apart once for many responses
#'
#' Unlike a running line it follows a curve whose ends are few rows far out.
spline_design <- function(x, df) {
  df <- min(df, length(unique(x)) - 2L)
  # Knots may fall on the ends of numbers that are often equal, which newer versions of R say.
  qr(if (df < 1L) matrix(1, length(x)) else cbind(1, suppressWarnings(splines::ns(x, df))))
}

#' What is looked at: means at levels, or else a natural cubic spline
heights_of <- function(view, residuals) {
  unlist(lapply(view$curves, function(curve) {
    mine <- residuals[curve$rows]
    if (is.null(curve$design)) {
      vapply(split(mine, curve$levels), mean, 0, USE.NAMES = FALSE)
    } else {
      qr.fitted(curve$design, mine)[curve$at]
    }
  }))
}

#' The views that a model asks for: along each predictor, and along each of six within another
#'
#' A predictor within whose parts residuals are looked at has four levels at most, or is a number.
views_of_model <- function(predictors) {
  names <- names(predictors)
  n_levels <- vapply(predictors, function(values) length(values_along(values)$levels), 1L)
  numeric <- n_levels == 0L
  splits <- n_levels <= 4L
  pairs <- if (length(names) > 1L) utils::combn(utils::head(seq_along(names), 6L), 2L, simplify = FALSE)
  pairs <- lapply(pairs, function(pair) {
    if (numeric[pair[2L]] && !numeric[pair[1L]] || !splits[pair[2L]]) pair <- rev(pair)
    if (splits[pair[2L]]) list(x = names[pair[1L]], by = names[pair[2L]])
  })
  c(lapply(names, function(name) list(x = name, by = "")), Filter(Negate(is.null), pairs))
}

#' The views whose curves stray farthest from what true models draw: of each kind so many, in order
#'
#' @param away For each view how far, in widths of its band.
farthest_views <- function(views, away, n_single, n_pairs) {
  pair <- vapply(views, function(view) nzchar(view$by), NA)
  best <- function(among, n) {
    utils::head(among[order(-away[among])], n)
  }
  sort(c(best(which(!pair), n_single), best(which(pair), n_pairs)))
}

#' Operation: binned residuals of a binomial model
#'
#' The bins are those of binnedplot() of the package arm (Gelman and Hill 2007); the limits are two
#' standard errors of a mean of binomial shares, at the fitted probabilities.
#'
#' @param x The name of a predictor, or NULL for the fitted values.
#' @param n_bins How many, or NULL for arm's.
#' @return `x` and `y`, means in each bin, the `limit` of `y`, and how many rows it has, `n`.
binned_residuals <- function(model, x, n_bins) {
  own <- response_distribution(model$fit)
  along <- if (is.null(x)) own$mean else as.double(predictor_values(model)[[x]])
  n <- length(along)
  if (is.null(n_bins)) {
    n_bins <- if (n >= 100L) floor(sqrt(n)) else if (n > 10L) 10L else max(floor(n / 2), 1L)
  }
  sorted <- sort(along)
  last <- floor(n * seq_len(min(n_bins, n) - 1L) / min(n_bins, n))
  between <- (sorted[last] + sorted[last + 1L]) / 2
  # As arm has it: where equal values are on both sides, they stay together.
  between[sorted[last] == sorted[last + 1L]] <- sorted[last][sorted[last] == sorted[last + 1L]]
  bin <- cut(along, unique(c(-Inf, between, Inf)))
  rows <- unname(split(seq_len(n), bin, drop = TRUE))
  residuals <- own$observed / own$weights - own$mean
  variance <- own$mean * (1 - own$mean) / own$weights
  mean_of <- function(values) vapply(rows, function(mine) mean(values[mine]), 0)
  list(
    x = mean_of(along), y = mean_of(residuals), n = lengths(rows),
    limit = vapply(rows, function(mine) 2 * sqrt(sum(variance[mine])) / length(mine), 0)
  )
}
