# What pictures of data and lines show; the lines are those of lines.R.

#' Operation: along which predictors, and by which grouping factors, lines can be drawn
#'
#' @return The columns that are `numeric` predictors, those of them that are `fixed`, and all
#'   `predictors`; the names of terms and
#'   variables that have one number in them (`written`), with that column (`means`); the `groups`
#'   with their `levels`; and, group by group, over the numeric ones: does it vary within groups
#'   (`varies`), has it a random slope there (`sloped`)?
line_choices <- function(model) {
  source <- line_source(model)
  groups <- grouping_factors(model$fit)
  sloped <- lapply(names(groups), function(group) random_columns(source, group))
  fixed <- columns_of_terms(source, source$fixed)
  predictors <- unique(c(fixed, unlist(sloped)))
  numeric <- Filter(function(name) is_continuous(source, name), predictors)
  inside <- lapply(names(source$code), function(name) intersect(columns_in(source, name), numeric))
  single <- lengths(inside) == 1L & !names(source$code) %in% names(source$rows)
  varies <- lapply(groups, function(codes) {
    vapply(source$rows[numeric], varies_within, NA, codes = codes)
  })
  list(
    numeric = numeric, fixed = intersect(fixed, numeric), predictors = predictors,
    written = names(source$code)[single],
    means = as.character(unlist(inside[single])),
    groups = names(groups), levels = unname(lapply(groups, levels)),
    varies = as.logical(unlist(varies)),
    sloped = as.logical(unlist(lapply(sloped, function(mine) numeric %in% mine)))
  )
}

#' Is a column a number for all variables of the model, and not also a factor, as by factor()?
is_continuous <- function(source, name) {
  values <- source$rows[[name]]
  if (!is.numeric(values)) {
    return(FALSE)
  }
  at <- source$rows[1L, , drop = FALSE]
  at[[name]] <- mean(utils::head(sort(unique(values)), 2L))
  !any(vapply(names(source$code), function(variable) {
    used <- source$frame[[variable]]
    name %in% columns_in(source, variable) && !is.numeric(used) &&
      anyNA(fitted_kind(eval(source$computed[[variable]], at, source$env), used))
  }, NA))
}

#' The columns of the data in the random effects of a grouping factor
random_columns <- function(source, group) {
  unique(unlist(lapply(designs_of_group(source, group), function(design) {
    columns_of_terms(source, design$terms)
  })))
}

#' Has a column more than one value in some group?
varies_within <- function(values, codes) {
  values <- value_codes(values)
  any(values != values[match(codes, codes)])
}

#' What is held where, in lines along one predictor
#'
#' @param at Values by the names of columns; of factors and the like as text.
#' @return A list, see the code: `averaged` are held at the mean of their columns, `own` at each
#'   group's own value, `typical` at their mean.
line_setting <- function(model, predictor, group, at) {
  source <- line_source(model)
  factors <- grouping_factors(model$fit)
  codes <- as.integer(factors[[group]])
  # A group within one level of another factor, as a class in its school, has that one's part, too.
  around <- vapply(factors, function(other) !varies_within(other, codes), NA)
  random <- unique(unlist(lapply(names(factors)[around], random_columns, source = source)))
  columns <- unique(c(columns_of_terms(source, source$fixed), random))
  others <- setdiff(columns, c(predictor, names(at)))
  counted <- Filter(function(name) !is_coded(source, name), others)
  start <- source$rows[1L, columns, drop = FALSE]
  for (name in counted) start[[name]] <- mean(source$rows[[name]])
  for (name in names(at)) start[[name]] <- value_like(at[[name]], source$rows[[name]])
  list(
    source = source, predictor = predictor, codes = codes,
    random = lapply(names(factors)[around], random_part_of, source = source, factors = factors),
    start = start, typical = counted, averaged = setdiff(others, counted),
    own = others[!vapply(source$rows[others], varies_within, NA, codes = codes)]
  )
}

#' The random effects of one grouping factor: its designs, its levels by row, and its modes
random_part_of <- function(source, group, factors) {
  list(
    designs = designs_of_group(source, group), codes = as.integer(factors[[group]]),
    modes = as.matrix(lme4::ranef(source$fit, condVar = FALSE)[[group]])
  )
}

#' Has a column levels, over which it can be averaged?
is_coded <- function(source, name) {
  column <- source$rows[[name]]
  is.factor(column) || is.character(column) || is.logical(column) ||
    (is.numeric(column) && !is_continuous(source, name))
}

#' What is held, as text: see `line_setting()`
held_values <- function(setting) {
  list(
    averaged = setting$averaged, own = setting$own, typical = setting$typical,
    means = vapply(setting$start[setting$typical], format, "", digits = 4L, USE.NAMES = FALSE)
  )
}

#' A value as a column has it
value_like <- function(value, column) {
  if (is.factor(column)) {
    factor(value, levels(column), ordered = is.ordered(column))
  } else if (is.logical(column)) {
    as.logical(value)
  } else {
    value
  }
}

#' The designs of lines at points
#'
#' @param x The predictor's values.
#' @param level For each of them the number of its group; NULL for the population.
#' @return A list of `fixed`, the `random` design, its `modes`, and the `offset`.
line_designs <- function(setting, x, level = NULL) {
  source <- setting$source
  at <- setting$start[rep(1L, length(x)), , drop = FALSE]
  at[[setting$predictor]] <- x
  averaged <- setting$averaged
  random <- modes <- NULL
  if (!is.null(level)) {
    rows <- match(level, setting$codes)
    for (name in setting$own) at[[name]] <- source$rows[[name]][rows]
    averaged <- setdiff(averaged, setting$own)
    random <- do.call(cbind, lapply(setting$random, function(part) {
      do.call(cbind, lapply(part$designs, function(one) {
        design_at(source, one$terms, one$contrasts, at, averaged)
      }))
    }))
    modes <- do.call(cbind, lapply(setting$random, function(part) {
      part$modes[part$codes[rows], , drop = FALSE]
    }))
  }
  list(
    fixed = design_at(source, source$fixed, source$contrasts, at, averaged),
    random = random, modes = modes, offset = offset_at(setting, at)
  )
}

#' The offset at points: at its mean, but along the predictor where it is computed from it
offset_at <- function(setting, at) {
  source <- setting$source
  terms <- source$fixed
  given <- as.list(attr(terms, "variables"))[-1L][attr(terms, "offset")]
  argument <- stats::getCall(source$fit)$offset
  if (is.call(argument) || setting$predictor %in% as.character(argument)) given <- c(given, argument)
  moving <- Filter(function(code) setting$predictor %in% all.vars(code), given)
  value <- function(data) {
    Reduce(`+`, lapply(moving, function(code) eval(code, data, source$env)), 0)
  }
  whole <- lme4::getME(source$fit, "offset")
  mean(whole - value(source$rows)) + value(at)
}

#' The values of lines, on the scale of the linear predictor
linear_values <- function(source, designs, coefficients = lme4::fixef(source$fit)) {
  fixed <- designs$fixed
  dropped <- attr(lme4::getME(source$fit, "X"), "col.dropped")
  if (length(dropped) > 0L) fixed <- fixed[, -dropped, drop = FALSE]
  values <- as.vector(fixed %*% coefficients) + designs$offset
  if (is.null(designs$random)) {
    return(values)
  }
  # One term after the other, as predict() adds them.
  values + Reduce(`+`, lapply(seq_len(ncol(designs$random)), function(j) {
    designs$random[, j] * designs$modes[, j]
  }))
}

#' Are the lines along the predictor straight?
is_straight <- function(setting, offset = TRUE) {
  source <- setting$source
  random <- unlist(lapply(setting$random, `[[`, "designs"), recursive = FALSE)
  terms <- c(list(source$fixed), lapply(random, `[[`, "terms"))
  linear <- vapply(terms, function(one) {
    factors <- attr(one, "factors")
    if (length(factors) == 0L) {
      return(TRUE)
    }
    names <- written_variables(one)
    along <- rowSums(factors > 0L) > 0L &
      vapply(names, function(name) setting$predictor %in% columns_in(source, name), NA)
    plain <- vapply(source$code[names[along]], function(code) {
      is.name(code) || (identical(code[[1L]], quote(scale)) && is.name(code[[2L]]))
    }, NA)
    all(plain) && all(colSums(factors[along, , drop = FALSE] > 0L) <= 1L)
  }, NA)
  all(linear) && !(lme4::isGLMM(source$fit) && stats::family(source$fit)$link != "identity") &&
    !(offset && length(unique(offset_at(setting, source$rows))) > 1L)
}

#' Operation: the data and the lines of the population and of groups
#'
#' @param at See `line_setting()`.
#' @param levels The numbers of the groups whose lines are wanted.
#' @param n_points How many points a line has that is not straight.
#' @return `x`, `y` and `codes` of the rows; `drawn`, those of the groups whose rows differ in x,
#'   with `line_x` and `line_y`, line after line; `population_x` and `population_y`; the name of
#'   the `response`; and what is held, see `line_setting()`.
lines_of_groups <- function(model, predictor, group, at, levels, n_points) {
  setting <- line_setting(model, predictor, group, at)
  source <- setting$source
  x <- as.double(source$rows[[predictor]])
  straight <- is_straight(setting)
  on_line <- function(ends) if (straight) ends else seq(ends[1L], ends[2L], length.out = n_points)
  wanted <- setting$codes %in% levels
  ranges <- lapply(split(x[wanted], setting$codes[wanted]), range)[as.character(levels)]
  varies <- vapply(ranges, function(ends) ends[1L] < ends[2L], NA)
  drawn <- levels[varies]
  line_x <- as.double(unlist(lapply(ranges[varies], on_line)))
  whole <- on_line(range(x))
  fit <- source$fit
  inverse <- if (lme4::isGLMM(fit)) stats::family(fit)$linkinv else identity
  value <- function(...) {
    designs <- line_designs(setting, ...)
    as.double(inverse(replace(linear_values(source, designs), !is_estimable(source, designs$fixed), NaN)))
  }
  population <- value(whole)
  if (any(is.nan(population))) stop_for_levels(setting)
  each <- length(line_x) / max(1L, length(drawn))
  offset <- lme4::getME(fit, "offset")
  list(
    x = x, y = as.vector(lme4::getME(fit, "y")), codes = setting$codes, drawn = drawn,
    line_x = line_x, line_y = if (length(drawn) > 0L) value(line_x, rep(drawn, each = each)) else double(),
    population_x = as.double(whole), population_y = population,
    response = response_axis(model)$response, held = held_values(setting),
    offset = if (any(offset != 0)) mean(offset)
  )
}

#' Stop where the data do not give the average over a factor
stop_for_levels <- function(setting) {
  stop("some combinations of levels have no rows, and so the data give no average over ",
    paste(setting$averaged, collapse = ", "), ": say at which levels the lines are drawn, by at=",
    call. = FALSE
  )
}

#' Which rows of a design do the data estimate?
is_estimable <- function(source, design) {
  if (length(attr(lme4::getME(source$fit, "X"), "col.dropped")) == 0L) {
    return(rep(TRUE, nrow(design)))
  }
  used <- design_at(source, source$fixed, source$contrasts, source$rows, character())
  in_row_space(design, qr(used))
}

#' Which rows are combinations of those of a decomposed matrix?
in_row_space <- function(rows, decomposed) {
  rank <- seq_len(decomposed$rank)
  pivot <- decomposed$pivot
  if (length(rank) == length(pivot)) {
    return(rep(TRUE, nrow(rows)))
  }
  upper <- qr.R(decomposed)
  others <- backsolve(upper[rank, rank, drop = FALSE], upper[rank, -rank, drop = FALSE])
  gap <- rows[, pivot[-rank], drop = FALSE] - rows[, pivot[rank], drop = FALSE] %*% others
  rowSums(abs(gap) > 1e-7 * max(1, abs(rows))) == 0
}

#' Operation: the conditional modes of a grouping factor, without their variances
#'
#' @return The `terms`, and `modes`, term after term, of the levels in their order.
group_modes <- function(model, group) {
  modes <- lme4::ranef(model$fit, condVar = FALSE)[[group]]
  list(terms = names(modes), modes = as.double(unlist(modes)))
}
