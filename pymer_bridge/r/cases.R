# The case bootstrap: units are drawn level by level, and the model is fitted by
# lmer() to the data that were drawn.

#' Draw units level by level, then rows
#'
#' A level that is nested in a listed one is drawn within each drawn unit of that
#' level; crossed levels are drawn independently (Owen's pigeonhole bootstrap).
#'
#' @param levels Names of grouping factors.
#' @param resampled For each level, and last for the rows: TRUE to draw with
#'   replacement, FALSE to keep all.
#' @return For each replicate `rows` (among the rows used) and `copies`: for each
#'   level, which drawn unit each row belongs to.
draw_cases <- function(model, n_sim, levels, resampled) {
  factors <- case_factors(model$fit, levels)
  resampled <- resampled[c(match(names(factors), levels), length(resampled))]
  parents <- parents_of(factors)
  replicate(n_sim, draw_case(factors, parents, resampled, stats::nobs(model$fit)),
    simplify = FALSE
  )
}

#' The chosen grouping factors, the widest first
case_factors <- function(fit, levels) {
  if (length(levels) == 0L) {
    return(list())
  }
  factors <- as.list(lme4::getME(fit, "flist"))
  unknown <- setdiff(levels, names(factors))
  if (length(unknown) > 0L) {
    stop("no grouping factor ", paste(sQuote(unknown, FALSE), collapse = ", "), "; there are: ",
      paste(names(factors), collapse = ", "), ", and .obs for rows",
      call. = FALSE
    )
  }
  chosen <- factors[as.character(levels)]
  chosen[order(vapply(chosen, nlevels, 1L))]
}

#' Does each level of one factor lie within one level of another?
#'
#' lme4 2 has moved the function to reformulas, and warns when it is called from lme4.
is_nested <- function(f1, f2) {
  moved <- requireNamespace("reformulas", quietly = TRUE) &&
    "isNested" %in% getNamespaceExports("reformulas")
  if (moved) reformulas::isNested(f1, f2) else lme4::isNested(f1, f2)
}

#' For each factor, the narrowest earlier one in which it is nested, or 0
parents_of <- function(factors) {
  vapply(seq_along(factors), function(i) {
    inside <- vapply(factors[seq_len(i - 1L)], function(wider) is_nested(factors[[i]], wider), NA)
    max(0L, which(inside))
  }, 1L)
}

#' One draw
draw_case <- function(factors, parents, resampled, n_rows) {
  rows <- seq_len(n_rows)
  copies <- list()
  for (i in seq_along(factors)) {
    within <- if (parents[i] > 0L) copies[[parents[i]]] else rep(1L, length(rows))
    drawn <- draw_units(within, as.integer(factors[[i]])[rows], resampled[i])
    rows <- rows[drawn$positions]
    copies <- lapply(copies, function(copy) copy[drawn$positions])
    copies[[names(factors)[i]]] <- drawn$copy
  }
  if (resampled[length(resampled)]) {
    cells <- list(seq_along(rows))
    if (length(copies) > 0L) cells <- split(seq_along(rows), copies, drop = TRUE)
    positions <- unlist(lapply(cells, function(cell) {
      cell[sample.int(length(cell), replace = TRUE)]
    }), use.names = FALSE)
    rows <- rows[positions]
    copies <- lapply(copies, function(copy) copy[positions])
  }
  list(rows = rows, copies = copies)
}

#' Draw the units of one level within those of another
#'
#' @param within,unit For each row, the unit of the level above and its own unit.
#' @return The `positions` drawn, and for each the number of its unit's `copy`.
draw_units <- function(within, unit, resampled) {
  positions <- list()
  for (above in split(seq_along(unit), within)) {
    units <- split(above, unit[above])
    if (resampled) units <- units[sample.int(length(units), replace = TRUE)]
    positions <- c(positions, unname(units))
  }
  list(
    positions = unlist(positions, use.names = FALSE),
    copy = rep(seq_along(positions), lengths(positions))
  )
}

#' Which columns of the data take new labels, and from which level
#'
#' @param levels Names of the drawn levels.
#' @return A list, named by columns, of `level` (a name) and `whole`: TRUE where the
#'   copies alone make the label, FALSE where the old label is added.
relabelled_columns <- function(model, levels) {
  fit <- model$fit
  chosen <- case_factors(fit, levels)
  factors <- lme4::getME(fit, "flist")
  parts <- group_columns(model)[names(factors)]
  elsewhere <- used_beside_groups(model)
  data <- model_data(model)
  plan <- list()
  for (name in names(chosen)) {
    others <- Filter(function(other) {
      other != name && is_nested(chosen[[name]], factors[[other]])
    }, names(parts))
    own <- setdiff(parts[[name]], c(elsewhere, unlist(parts[others]), names(plan)))
    if (length(own) == 0L) {
      stop("the units of ", sQuote(name, FALSE), " cannot get new labels, because its columns ",
        "also serve the fixed effects or wider groups; make a separate column for it, or keep ",
        "the labels with relabel=False",
        call. = FALSE
      )
    }
    plan[[own[1L]]] <- list(level = name, whole = TRUE)
  }
  for (column in setdiff(unlist(parts), c(names(plan), elsewhere))) {
    inside <- Filter(function(name) {
      is_nested(factor(data$frame[[column]][data$used]), chosen[[name]])
    }, names(chosen))
    if (length(inside) > 0L) {
      plan[[column]] <- list(level = inside[length(inside)], whole = FALSE)
    }
  }
  plan
}

#' The columns that each grouping factor is made of
#'
#' lme4 names a factor that is one column by the column, without backticks: `a:b` may be a
#' column or an interaction. The formula says which.
group_columns <- function(model) {
  alone <- character()
  walk <- function(expression, grouping) {
    if (is.name(expression) && grouping) alone <<- c(alone, as.character(expression))
    if (!is.call(expression)) {
      return(invisible())
    }
    head <- as.character(expression[[1L]])[1L]
    if (head %in% c("|", "||")) {
      walk(expression[[3L]], TRUE)
    } else if (!grouping || head == "(") {
      lapply(as.list(expression)[-1L], walk, grouping)
    } else if (head == "/") {
      walk(expression[[2L]], TRUE) # of a/b the factors are a and b:a
    }
  }
  walk(stats::formula(model$fit), FALSE)
  lapply(stats::setNames(nm = names(lme4::getME(model$fit, "flist"))), function(name) {
    if (name %in% alone) name else all.vars(str2lang(name))
  })
}

#' Columns that the formula uses for something other than groups
used_beside_groups <- function(model) {
  left_of_bars <- function(expression) {
    if (!is.call(expression)) {
      return(all.vars(expression))
    }
    if (as.character(expression[[1L]])[1L] %in% c("|", "||")) {
      return(all.vars(expression[[2L]]))
    }
    unlist(lapply(as.list(expression)[-1L], left_of_bars))
  }
  call <- stats::getCall(model$fit)
  c(
    left_of_bars(model$call$formula), all.vars(call$weights), all.vars(call$offset)
  )
}

#' The data of one draw, as a data frame
#'
#' @param draw See `draw_cases()`.
#' @param plan See `relabelled_columns()`; an empty list keeps all labels.
case_frame <- function(frame, used, draw, plan) {
  rows <- used[draw$rows]
  columns <- lapply(frame, function(column) column[rows])
  for (name in names(plan)) {
    copy <- draw$copies[[plan[[name]]$level]]
    columns[[name]] <- if (plan[[name]]$whole) {
      factor(copy)
    } else {
      factor(paste(copy, columns[[name]], sep = "."))
    }
  }
  structure(columns, class = "data.frame", row.names = .set_row_names(length(rows)))
}

#' The data that every replicate of a case bootstrap is made from
case_source <- function(model, levels, relabel) {
  c(
    model_data(model),
    list(plan = if (relabel) relabelled_columns(model, levels) else list())
  )
}

#' The call that fits the model to one draw
#'
#' It is the call as it was given: its formula has no environment yet, and gets the holder's.
case_call <- function(model) {
  call <- model$call
  call$data <- quote(.resampled)
  call$subset <- NULL # the rows are chosen already
  if (methods::is(model$fit, "merMod")) call$control <- quote(.control)
  call
}

#' A function that gives the call that fits the model to one draw
#'
#' @param control The control object of the fits.
#' @return A function of a draw, which gives the `call` and the `env` to make it in.
case_caller <- function(model, levels, relabel, control) {
  source <- case_source(model, levels, relabel)
  call <- case_call(model)
  given <- Filter(function(part) is_own_vector(part, model), as.list(call[c("weights", "offset")]))
  extras <- vapply(unname(given), as.character, "")
  function(draw) {
    holder <- new.env(parent = model$frame_env)
    holder$.control <- control
    holder$.resampled <- case_frame(source$frame, source$used, draw, source$plan)
    rows <- source$used[draw$rows]
    for (name in extras) assign(name, get(name, model$frame_env)[rows], envir = holder)
    list(call = call, env = holder)
  }
}

#' A function that makes a model of a fit to resampled rows
case_model <- function(model) {
  used <- model_data(model)$used
  function(fit, draw) {
    # The environment of the formula is the one that holds the rows of this draw.
    env <- environment(stats::formula(fit))
    list(model = new_model(fit, env, case_call(model)), rows = used[draw$rows])
  }
}
