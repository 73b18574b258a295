# Curves of a likelihood profile, drawn as lme4 draws them (xyplot and splom of
# a profile; Bates and Watts 1988, chapter 6), from its points alone.

#' The points of a profile as a data frame
#'
#' @param parameters Names of all parameters; the columns of `values`.
#' @param profiled For each point the parameter that was held fixed.
#' @param zeta For each point the signed root of the change in deviance.
#' @param values Values of all parameters, column by column.
profile_frame <- function(parameters, profiled, zeta, values) {
  columns <- matrix(values, ncol = length(parameters), dimnames = list(NULL, parameters))
  list(values = columns, profiled = profiled, zeta = zeta)
}

#' Splines from a parameter to zeta, and back; the latter NULL if zeta does not increase
profile_splines <- function(points, name) {
  own <- points$profiled == name
  x <- points$values[own, name]
  zeta <- points$zeta[own]
  known <- is.finite(x) & is.finite(zeta)
  forward <- splines::interpSpline(x[known], zeta[known])
  list(
    forward = forward,
    backward = tryCatch(splines::backSpline(forward), error = function(condition) NULL)
  )
}

#' The values of a spline, NA if there is no spline
along <- function(spline, at) {
  if (is.null(spline)) rep(NA_real_, length(at)) else stats::predict(spline, at)$y
}

#' Operation: zeta of each profiled parameter
#'
#' @param conf_levels Levels whose intervals are marked.
#' @return For each parameter the points of its curve, `cuts` (zeta of the levels:
#'   decreasing, then increasing) and the values `at` the cuts.
profile_curves <- function(parameters, profiled, zeta, values, conf_levels) {
  points <- profile_frame(parameters, profiled, zeta, values)
  cuts <- sqrt(stats::qchisq(conf_levels, 1))
  cuts <- c(-rev(cuts), cuts)
  lapply(stats::setNames(nm = unique(profiled)), function(name) {
    found <- profile_splines(points, name)
    curve <- stats::predict(found$forward)
    list(x = curve$x, y = curve$y, cuts = cuts, at = along(found$backward, cuts))
  })
}

#' The average and the difference of two angles
angles <- function(first, second) {
  difference <- first - second
  cbind(sign(difference) * (first + second) / 2, abs(difference))
}

#' An angle from its cosine, which rounding may have taken beyond 1
angle_of <- function(cosine) acos(pmax.int(-0.999, pmin.int(0.999, cosine)))

#' Outlines of the joint confidence regions of two parameters, in zeta
#'
#' @param of_first Spline: zeta of the second where the first is held.
#' @param of_second Spline: zeta of the first where the second is held.
#' @param levels The roots of the quantiles.
#' @return Array of levels by points by two: zeta of the first and the second.
joint_outlines <- function(of_first, of_second, levels) {
  corners <- array(0, c(length(levels), 2L, 4L))
  corners[, , 1L] <- angles(0, angle_of(along(of_first, levels) / levels))
  corners[, , 2L] <- angles(angle_of(along(of_second, levels) / levels), 0)
  corners[, , 3L] <- angles(pi, angle_of(along(of_first, -levels) / levels))
  corners[, , 4L] <- angles(angle_of(along(of_second, -levels) / levels), pi)
  result <- array(0, c(length(levels), 102L, 2L))
  for (i in seq_along(levels)) {
    round <- stats::predict(
      splines::periodicSpline(corners[i, 1L, ], corners[i, 2L, ]),
      nseg = 101L
    )
    result[i, , ] <- levels[i] * cos(round$x + outer(round$y / 2, c(-1, 1)))
  }
  result
}

#' Operation: traces and joint regions of each pair of profiled parameters
#'
#' @param conf_levels Levels of the regions.
#' @return For each pair its `first` and `second` parameter; `outline` (levels by
#'   points by two) and `trace_first`, `trace_second` (points by two: one is held
#'   fixed, the other is optimal), in zeta; the same in the parameters'
#'   own units, called `natural_...`.
profile_pairs <- function(parameters, profiled, zeta, values, conf_levels) {
  points <- profile_frame(parameters, profiled, zeta, values)
  names <- parameters[parameters %in% profiled]
  deviations <- points$values[, grepl("^(\\.sig[0-9]+|sd_)", parameters), drop = FALSE]
  if (any(points$zeta == 0 & deviations == 0, na.rm = TRUE)) {
    warning("pairs of a profile are unreliable for singular fits", call. = FALSE)
  }
  levels <- sqrt(stats::qchisq(conf_levels, 2))
  splines <- lapply(stats::setNames(nm = names), function(name) profile_splines(points, name))
  in_zeta <- vapply(names, function(name) {
    along(splines[[name]]$forward, points$values[, name])
  }, numeric(nrow(points$values)))
  pairs <- utils::combn(names, 2L, simplify = FALSE)
  lapply(pairs, function(pair) {
    held <- lapply(pair, function(name) in_zeta[points$profiled == name, pair, drop = FALSE])
    held <- lapply(held, function(one) one[stats::complete.cases(one), , drop = FALSE])
    of_first <- splines::interpSpline(held[[1L]][, 1L], held[[1L]][, 2L])
    of_second <- splines::interpSpline(held[[2L]][, 2L], held[[2L]][, 1L])
    outline <- joint_outlines(of_first, of_second, levels)
    first <- stats::predict(of_first)
    second <- stats::predict(of_second)
    back <- lapply(pair, function(name) splines[[name]]$backward)
    natural <- function(one, other) c(along(back[[1L]], one), along(back[[2L]], other))
    list(
      first = pair[1L], second = pair[2L], outline = as.vector(outline),
      trace_first = c(first$x, first$y), trace_second = c(second$y, second$x),
      natural_outline = natural(outline[, , 1L], outline[, , 2L]),
      natural_trace_first = natural(first$x, first$y),
      natural_trace_second = natural(second$y, second$x)
    )
  })
}
