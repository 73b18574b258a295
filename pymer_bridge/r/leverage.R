# Leverage for less work: lme4's own hatvalues(), cooks.distance() and rstudent(), which are given
# the hat values once, and a sparse solve that takes the observations of separate groups together.

#' A method of lme4, with some of the functions that it calls replaced
#'
#' @param generic The name of a function that has a method for mixed models.
#' @param ... The functions, by name.
lme4_method <- function(generic, ...) {
  with_functions(utils::getS3method(generic, "merMod", envir = asNamespace("lme4")), list(...))
}

#' Do hat values of a fit go the fast way?
fast_leverage_applies <- function(fit) methods::is(fit, "merMod") && as_known("hat values")

#' The hat values of a model, computed once
#'
#' What R warned of is kept with them, and R warns of it again.
hat_values_of <- function(model) {
  if (!fast_leverage_applies(model$fit)) {
    return(stats::hatvalues(model$fit))
  }
  if (is.null(model$leverage)) {
    said <- list()
    hatvalues <- lme4_method("hatvalues", solve = solve_together)
    hat <- withCallingHandlers(hatvalues(model$fit),
      warning = function(condition) {
        said <<- c(said, list(condition))
        invokeRestart("muffleWarning")
      }
    )
    model$leverage <- list(hat = hat, said = said)
  }
  for (condition in model$leverage$said) warning(condition)
  model$leverage$hat
}

#' What a function of R that needs hat values gives, from those that are there
#'
#' @param generic "cooks.distance", "rstudent" or "rstandard", which lme4 does not have.
from_hat_values <- function(model, generic) {
  # lme4 2.0 has methods of its own for generalized models.
  own <- utils::getS3method(generic, class(model$fit)[1L], TRUE, asNamespace("lme4"))
  if (!fast_leverage_applies(model$fit) || generic == "rstandard" || !is.null(own)) {
    return(getExportedValue("stats", generic)(model$fit))
  }
  lme4_method(generic, hatvalues = function(...) hat_values_of(model))(model$fit)
}

#' solve(), that does the same with a Cholesky factor and a sparse matrix for less work
#'
#' CHOLMOD takes four columns at a time, each as long as there are random effects: with ten times the
#' rows and groups that is a hundred times the work. What is found faster is compared with R's own
#' for the first columns; should these not be the same bits, R solves all as it does.
#'
#' @param a,b,... See `Matrix::solve()`.
solve_together <- function(a, b, ...) {
  system <- if (identical(names(list(...)), "system")) list(...)$system
  quick <- if (!missing(b) && methods::is(b, "dgCMatrix") && ncol(b) >= 4L * width_together) {
    if (identical(system, "P") && methods::is(a, "CHMfactor")) {
      permuted
    } else if (identical(system, "L") && methods::is(a, "dCHMsimpl")) {
      solved_together
    }
  }
  if (is.null(quick)) {
    return(Matrix::solve(a, b, ...))
  }
  few <- seq_len(width_together)
  alone <- Matrix::solve(a, b[, few, drop = FALSE], ...)
  solved <- if (methods::is(alone, "dgCMatrix")) quick(a, b, alone)
  first <- if (!is.null(solved)) solved[, few, drop = FALSE]
  same <- !is.null(first) && identical(sparse_slots(first), sparse_slots(alone))
  if (same) solved else Matrix::solve(a, b, ...)
}

#' The rows in the order of the factor
#'
#' @param like See `filled()`.
permuted <- function(a, b, like) {
  values <- methods::slot(b, "x")
  there <- values != 0
  rows <- order(methods::slot(a, "perm"))[methods::slot(b, "i") + 1L] - 1L
  columns <- rep(seq_len(ncol(b)), diff(methods::slot(b, "p")))
  filled(like, rows[there], columns[there], values[there], dim(b))
}

#' The solution for columns of separate groups at once
#'
#' The rows that are linked by a column, such as the random effects of one group, have nothing to do
#' with those of other groups, so that columns of different groups can be added up, solved, and taken
#' apart again.
#'
#' @param like See `filled()`.
#' @return NULL where all is linked, as in crossed designs.
solved_together <- function(a, b, like) {
  plan <- columns_together(b)
  solved <- if (!is.null(plan)) Matrix::solve(a, plan$together, system = "L")
  if (methods::is(solved, "dgCMatrix")) taken_apart(solved, plan, like)
}

#' As many columns stay alone, and others are added up to a multiple of it: CHOLMOD has other code
#' for the columns that are left over than for blocks of four
width_together <- 64L

#' The slots of a sparse matrix that hold its figures
sparse_slots <- function(matrix) lapply(c("i", "p", "x", "Dim"), methods::slot, object = matrix)

#' Which columns can be added up
#'
#' @param b A sparse matrix.
#' @return NULL where little would be saved; else a list of `together`, the columns added up,
#'   `group` of each row of `b`, the `order` of its columns by groups, and in it the `start` of each
#'   group's columns; the last `alone` columns stay as they are.
columns_together <- function(b) {
  rows <- methods::slot(b, "i") + 1L
  sizes <- diff(methods::slot(b, "p"))
  n <- ncol(b)
  alone <- n %% width_together
  if (any(sizes == 0L)) {
    return(NULL)
  }
  columns <- rep(seq_len(n), sizes)
  group <- linked_rows(rows, columns, nrow(b), n)
  if (is.null(group)) {
    return(NULL)
  }
  of_column <- group[rows[cumsum(c(1L, sizes[-n]))]]
  added <- seq_len(n - alone)
  order <- order(of_column[added], method = "radix")
  counts <- tabulate(of_column[added], nrow(b))
  width <- ceiling(max(counts) / width_together) * width_together
  if (width > n / 2) {
    return(NULL)
  }
  start <- cumsum(c(0L, counts))[seq_len(nrow(b))]
  place <- integer(n)
  place[order] <- seq_along(order) - start[of_column[order]]
  place[seq_len(alone) + n - alone] <- width + seq_len(alone)
  together <- Matrix::sparseMatrix(
    i = rows, j = place[columns], x = methods::slot(b, "x"), dims = c(nrow(b), width + alone)
  )
  list(
    together = together, group = group, order = order, start = start, width = width, alone = alone,
    dims = dim(b)
  )
}

#' The groups of rows that columns link: to each row the same number as to those linked with it
#'
#' @param rows,columns Where something stands.
#' @return NULL where the links are too long to follow.
linked_rows <- function(rows, columns, n_rows, n_columns) {
  group <- seq_len(n_rows)
  least <- integer(n_columns)
  for (step in 1:20) {
    # Of what is assigned to one place the last stays.
    last <- order(-group[rows], method = "radix")
    least[columns[last]] <- group[rows[last]]
    found <- group
    last <- order(-least[columns], method = "radix")
    found[rows[last]] <- least[columns[last]]
    if (identical(found, group)) {
      return(group)
    }
    group <- found
  }
  NULL
}

#' The solution for each column, from those of columns that were added up
#'
#' @param solved What `solve()` gave for `plan$together`.
#' @param like See `filled()`.
taken_apart <- function(solved, plan, like) {
  rows <- methods::slot(solved, "i")
  place <- rep(seq_len(ncol(solved)), diff(methods::slot(solved, "p")))
  columns <- plan$order[plan$start[plan$group[rows + 1L]] + place]
  alone <- place > plan$width
  columns[alone] <- place[alone] - plan$width + plan$dims[2L] - plan$alone
  filled(like, rows, columns, methods::slot(solved, "x"), plan$dims)
}

#' A sparse matrix of figures
#'
#' @param like Such a matrix, of which the kind is taken.
#' @param rows,columns,values Where they stand, rows from 0, columns from 1.
filled <- function(like, rows, columns, values, dims) {
  sorted <- order(columns, rows, method = "radix")
  methods::slot(like, "i") <- rows[sorted]
  methods::slot(like, "p") <- c(0L, cumsum(tabulate(columns, dims[2L])))
  methods::slot(like, "x") <- values[sorted]
  methods::slot(like, "Dim") <- dims
  methods::slot(like, "Dimnames") <- list(NULL, NULL)
  like
}
