# Lines along one predictor, of the population and of groups, from the model's own matrices.
#
# Other predictors are held as the package effects holds them: numbers at their mean over the
# rows used, factors at the mean of their columns in the design. So they can be of any term.

#' The variables of terms, as model.frame() names them
written_variables <- function(terms) {
  vapply(as.list(attr(terms, "variables"))[-1L], function(code) {
    paste(deparse(code, width.cutoff = 500L, backtick = !is.name(code)), collapse = " ")
  }, "")
}

#' What lines are computed from
#'
#' @return A list of the `rows` used of the data, the `frame` of the model, the `code` of each of
#'   its variables and how it is `computed` at new data, the terms of the `fixed` effects and
#'   their `contrasts`, and `env`, in which variables are computed.
line_source <- function(model) {
  fit <- model$fit
  data <- model_data(model)
  frame <- stats::model.frame(fit)
  terms <- attr(frame, "terms")
  names <- written_variables(terms)
  variables <- as.list(attr(terms, "variables"))[-1L]
  computed <- as.list(attr(terms, "predvars"))[-1L]
  list(
    fit = fit, rows = data$frame[data$used, , drop = FALSE], frame = frame,
    code = stats::setNames(variables, names),
    computed = stats::setNames(if (length(computed) > 0L) computed else variables, names),
    fixed = stats::delete.response(stats::terms(fit, fixed.only = TRUE, data = data$frame)),
    contrasts = attr(lme4::getME(fit, "X"), "contrasts"), env = model$frame_env
  )
}

#' The columns of the data in a variable, by its name in the model frame
columns_in <- function(source, name) intersect(all.vars(source$code[[name]]), names(source$rows))

#' The columns of the data in terms, in their order; those of offsets are not
columns_of_terms <- function(source, terms) {
  factors <- attr(terms, "factors")
  if (length(factors) == 0L) {
    return(character())
  }
  used <- written_variables(terms)[rowSums(factors > 0L) > 0L]
  unique(unlist(lapply(used, columns_in, source = source)))
}

#' The designs that random effects of one grouping factor may have
#'
#' Each with the names of its columns, by which lme4 knows them. A term with `||` may be split.
random_designs <- function(source) {
  bars <- bars_of(stats::formula(source$fit))
  sides <- lapply(bars, function(bar) {
    labels <- attr(stats::terms(stats::as.formula(call("~", bar[[2L]]))), "term.labels")
    split <- lapply(labels, function(label) call("+", 0, str2lang(label)))
    c(list(bar[[2L]]), if (identical(bar[[1L]], quote(`||`))) c(list(1), split))
  })
  lapply(unique(unlist(sides, recursive = FALSE)), function(side) {
    terms <- stats::terms(stats::as.formula(call("~", side), source$env))
    design <- stats::model.matrix(terms, source$frame)
    list(terms = terms, columns = colnames(design), contrasts = attr(design, "contrasts"))
  })
}

#' The designs of the random effects of one grouping factor, in lme4's order
designs_of_group <- function(source, group) {
  factors <- lme4::getME(source$fit, "flist")
  mine <- attr(factors, "assign") == match(group, names(factors))
  known <- random_designs(source)
  lapply(unname(lme4::getME(source$fit, "cnms"))[mine], function(names) {
    Find(function(design) identical(design$columns, names), known)
  })
}

#' The rows of the coding of a factor: of its contrasts, or one column a level
coded_factor <- function(source, values, code, contrast) {
  rows <- if (code == 2L) {
    diag(nlevels(values))
  } else if (is.matrix(contrast)) {
    contrast
  } else {
    get(contrast, source$env, mode = "function")(levels(values))
  }
  unname(rows)[as.integer(values), , drop = FALSE]
}

#' The values of a variable, as a factor with the levels of the fit where it is one
fitted_kind <- function(values, used) {
  if (is.logical(used)) {
    factor(values, c(FALSE, TRUE))
  } else if (is.character(used)) {
    factor(values, levels(as.factor(used)))
  } else if (is.factor(used)) {
    factor(as.character(values), levels(used))
  } else {
    values
  }
}

#' The columns of one variable in a term
#'
#' @param code How a factor is coded, as in the `factors` of terms.
#' @param at The data at which it is computed: the columns of `rows`.
#' @param averaged Columns over whose values in the rows used it is averaged.
variable_columns <- function(source, name, code, contrast, at, averaged) {
  used <- source$frame[[name]]
  columns_at <- function(values) {
    values <- fitted_kind(values, used)
    if (is.factor(values)) coded_factor(source, values, code, contrast) else unname(as.matrix(values))
  }
  own <- columns_in(source, name)
  if (!any(own %in% averaged)) {
    return(columns_at(eval(source$computed[[name]], at, source$env)))
  }
  if (all(own %in% averaged)) {
    means <- apply(columns_at(used), 2L, mean)
    return(matrix(means, nrow(at), length(means), byrow = TRUE))
  }
  # It mixes what is averaged with what is not, such as I(x * (f == "a")).
  shared <- intersect(own, averaged)
  each <- do.call(paste, c(unname(lapply(source$rows[shared], value_codes)), sep = "\r"))
  first <- which(!duplicated(each))
  Reduce(`+`, lapply(first, function(row) {
    at[shared] <- source$rows[rep(row, nrow(at)), shared, drop = FALSE]
    mean(each == each[row]) * columns_at(eval(source$computed[[name]], at, source$env))
  }))
}

#' Numbers that tell the values of a column apart
value_codes <- function(values) match(values, unique(values))

#' A design matrix at given data, as model.matrix() makes it, averaged over some columns
design_at <- function(source, terms, contrasts, at, averaged) {
  factors <- attr(terms, "factors")
  names <- written_variables(terms)
  design <- list(if (attr(terms, "intercept") == 1L) matrix(1, nrow(at), 1L))
  if (length(factors) > 0L) {
    if (attr(terms, "intercept") == 0L) factors <- first_factor_whole(source, factors, names)
    design <- c(design, lapply(seq_len(ncol(factors)), function(term) {
      Reduce(function(left, right) {
        i <- rep(seq_len(ncol(left)), ncol(right))
        j <- rep(seq_len(ncol(right)), each = ncol(left))
        left[, i, drop = FALSE] * right[, j, drop = FALSE]
      }, lapply(which(factors[, term] > 0L), function(i) {
        name <- names[[i]]
        variable_columns(source, name, factors[i, term], contrasts[[name]], at, averaged)
      }))
    }))
  }
  do.call(cbind, design)
}

#' Without an intercept model.matrix() gives the first factor a column for each level
first_factor_whole <- function(source, factors, names) {
  coded <- vapply(names, function(name) !is.numeric(source$frame[[name]]), NA)
  places <- which(factors > 0L & coded, arr.ind = TRUE)
  if (nrow(places) > 0L) factors[places[1L, , drop = FALSE]] <- 2L
  factors
}
