# Lines under no, complete and partial pooling; those of the model are of line_pictures.R.

#' Fits of the fixed effects by lm(), to all rows or to one group's, and values of their lines
#'
#' @return A function of rows and of a design, which gives NaN where the rows do not estimate it.
values_alone <- function(source) {
  fit <- source$fit
  used <- lme4::getME(fit, "X")
  dropped <- attr(used, "col.dropped")
  y <- as.vector(lme4::getME(fit, "y"))
  weights <- as.vector(stats::weights(fit))
  offset <- as.vector(lme4::getME(fit, "offset"))
  plain <- all(weights == 1) && all(offset == 0)
  fitted <- function(rows) {
    part <- used[rows, , drop = FALSE]
    if (plain) {
      return(stats::lm.fit(part, y[rows]))
    }
    stats::lm.wfit(part, y[rows], weights[rows], offset[rows])
  }
  function(rows, designs) {
    alone <- fitted(rows)
    coefficients <- stats::coef(alone)
    lapply(designs, function(design) {
      if (length(dropped) > 0L) design <- design[, -dropped, drop = FALSE]
      values <- as.vector(design %*% replace(coefficients, is.na(coefficients), 0))
      replace(values, !in_row_space(design, alone$qr), NaN)
    })
  }
}

#' Operation: the lines of all rows together, and of each group alone
#'
#' By lm() with the fixed effects, the weights and the offset of the model, at the same values of
#' other predictors as the lines of the model.
#'
#' @param drawn,line_x,population_x What `lines_of_groups()` gave.
#' @return `complete_y` over `population_x`, and `none_y` over `line_x`.
unpooled_lines_at <- function(model, predictor, group, at, drawn, line_x, population_x) {
  setting <- line_setting(model, predictor, group, at)
  alone <- values_alone(setting$source)
  whole <- line_designs(setting, population_x)
  parts <- line_designs(setting, line_x, rep(drawn, each = length(line_x) / max(1L, length(drawn))))
  rows <- split(seq_along(setting$codes), setting$codes)
  places <- split(seq_along(line_x), rep(seq_along(drawn), each = length(line_x) / max(1L, length(drawn))))
  none <- lapply(seq_along(drawn), function(i) {
    mine <- places[[i]]
    alone(rows[[as.character(drawn[i])]], list(parts$fixed[mine, , drop = FALSE]))[[1L]]
  })
  list(
    complete_y = alone(seq_along(setting$codes), list(whole$fixed))[[1L]] + whole$offset,
    none_y = as.double(unlist(none)) + parts$offset
  )
}

#' Operation: intercepts and slopes of lines, without the offset
#'
#' @param levels The numbers of the groups.
#' @return Whether lines are `straight`; `none`, `partial` and `population`: intercepts, then slopes.
shrunken_lines <- function(model, predictor, group, at, levels) {
  setting <- line_setting(model, predictor, group, at)
  source <- setting$source
  if (!is_straight(setting, offset = FALSE)) {
    return(list(straight = FALSE))
  }
  pair <- function(level) {
    n <- max(1L, length(level))
    start <- line_designs(setting, rep(0, n), level)
    end <- line_designs(setting, rep(1, n), level)
    slope <- list(
      fixed = end$fixed - start$fixed,
      random = if (!is.null(level)) end$random - start$random, modes = start$modes
    )
    start$offset <- slope$offset <- 0
    list(start, slope)
  }
  whole <- pair(NULL)
  each <- pair(levels)
  alone <- values_alone(source)
  rows <- split(seq_along(setting$codes), setting$codes)
  none <- vapply(seq_along(levels), function(i) {
    own <- lapply(each, function(one) one$fixed[i, , drop = FALSE])
    unlist(alone(rows[[as.character(levels[i])]], own))
  }, numeric(2L))
  values <- function(parts) {
    as.double(unlist(lapply(parts, function(part) {
      replace(linear_values(source, part), !is_estimable(source, part$fixed), NaN)
    })))
  }
  list(
    straight = TRUE, none = as.double(t(none)), partial = values(each), population = values(whole),
    response = response_axis(model)$response, held = held_values(setting)
  )
}
