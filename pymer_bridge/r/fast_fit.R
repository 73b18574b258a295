# A fast path: lmer() with less work around it.
#
# lme4 builds the random effects' design of small sparse matrices by way of data frames and
# general products of matrices, and asks reference objects for pointers at each evaluation of
# the deviance. Here lme4's own functions find others in place of some that they call, which
# give identical() objects. See code_marks.R for what this relies on.

#' lmer() as models here find it
lmer_here <- function() {
  if (!as_known("fits")) {
    return(lme4::lmer)
  }
  if (is.null(fast$lmer)) fast$lmer <- fast_lmer()
  fast$lmer
}

#' Functions that are made once
fast <- new.env(parent = emptyenv())

fast_lmer <- function() {
  optimize_lmer <- with_known_options(lme4::optimizeLmer)
  lean <- NA
  with_functions(lme4::lmer, list(
    eval = eval_lformula, # it evaluates one call, that of lFormula()
    optimizeLmer = function(devfun, ...) {
      devfun <- lean_deviance(devfun, lean)
      lean <<- environment(devfun)$is_lean
      optimize_lmer(devfun, ...)
    }
  ))
}

#' Evaluate a call of lFormula() the fast way
eval_lformula <- function(expr, envir) {
  if (!as_known("fits")) {
    return(eval(expr, envir))
  }
  if (is.null(fast$lformula)) fast$lformula <- fast_lformula()
  quick <- expr
  quick[[1L]] <- fast$lformula
  first_or_ordinary(eval(quick, envir), eval(expr, envir))
}

#' The namespace that builds the random effects' design: lme4's, or in newer ones reformulas'
design_home <- function() {
  home <- environment(get("mkReTrms", asNamespace("lme4")))
  # In lme4 2.0 it is a function that warns and calls the other one.
  if (isNamespace(home)) home else asNamespace("reformulas")
}

#' mkReTrms(), which builds the random effects' design with less work
fast_design <- function() {
  home <- design_home()
  with_functions(home$mkReTrms, list(
    mkBlist = with_functions(home$mkBlist, list(
      fac2sparse = function(from, ...) from,
      t = function(x) x,
      KhatriRao = design_by_group,
      `dimnames<-` = named_by_slot
    )),
    data.frame = function(...) list(...),
    rbind = joined_rows,
    sparseMatrix = transposed_sparse,
    t = function(x) x
  ))
}

#' lme4's lFormula() with this design
fast_lformula <- function() {
  terms <- fast_design()
  namespace <- asNamespace("lme4")
  parts <- lapply(stats::setNames(nm = parts_of_formulas), function(name) {
    remembering_formulas(get(name, namespace))
  })
  newer <- get0("mkFormula", namespace)
  if (is.null(newer)) {
    return(with_functions(namespace$lFormula, c(parts, list(mkReTrms = terms))))
  }
  newer <- with_functions(newer, c(parts, in_place(terms)))
  with_functions(namespace$lFormula, c(parts, list(mkFormula = newer)))
}

#' Functions of lme4 that take formulas apart, for which they need nothing else
parts_of_formulas <- c("expandDoubleVerts", "findbars", "nobars", "reOnly", "subbars")

#' A function of formulas, or parts of them, that gives its last answers for the same ones
#'
#' Answers are those for other environments too. What it says is heard each time.
remembering_formulas <- function(f) {
  known <- list()
  function(term, ...) {
    home <- attr(term, ".Environment")
    asked <- list(without_home(term), ...)
    for (found in known) {
      if (identical(found$asked, asked)) {
        answer <- found$answer
        if (found$at_home) attr(answer, ".Environment") <- home
        return(answer)
      }
    }
    quiet <- TRUE
    answer <- withCallingHandlers(f(term, ...), condition = function(condition) quiet <<- FALSE)
    of_answer <- attr(answer, ".Environment")
    at_home <- !is.null(of_answer) && identical(of_answer, home)
    if (quiet && (at_home || is.null(of_answer))) {
      found <- list(asked = asked, answer = without_home(answer), at_home = at_home)
      known <<- c(list(found), utils::head(known, 3L))
    }
    answer
  }
}

#' What a function finds that calls mkReTrms() or reformulas::mkReTrms()
in_place <- function(terms) {
  list(mkReTrms = terms, `::` = function(pkg, name) {
    name <- as.character(substitute(name))
    if (name == "mkReTrms") terms else getExportedValue(as.character(substitute(pkg)), name)
  })
}

#' A formula, or a part of one, without its environment
without_home <- function(formula) {
  if (!is.null(attr(formula, ".Environment"))) attr(formula, ".Environment") <- NULL
  formula
}

#' predict() of a mixed model, which builds the random effects' design of new data with less work
#'
#' @param ... See lme4's predict().
predicted <- function(fit, newdata = NULL, ...) {
  if (is.null(newdata) || !methods::is(fit, "merMod") || !as_known("fits")) {
    return(stats::predict(fit, newdata = newdata, ...))
  }
  if (is.null(fast$predict)) {
    levels <- if (as_known("predictions")) list(get.orig.levs = levels_to_look_at)
    fast$predict <- do.call(lme4_method, c(list("predict", mkNewReTrms = new_terms()), levels))
  }
  predict.merMod <- fast$predict
  predict.merMod(fit, newdata = newdata, ...)
}

#' lme4's get.orig.levs(), where predict() looks whether factors of new data have other levels
#'
#' @param ... See there.
#' @return No levels, if all factors have those of the data; predict() then leaves them as they are.
levels_to_look_at <- function(object, ..., newdata = NULL) {
  used <- Filter(is.factor, stats::model.frame(object, ...))
  same <- vapply(names(used), function(name) has_levels(newdata[[name]], levels(used[[name]])), NA)
  if (all(same)) list() else asNamespace("lme4")$get.orig.levs(object, ..., newdata = newdata)
}

#' Is a vector what factor(vector, levels) gives?
has_levels <- function(x, levels) {
  is.factor(x) && length(attributes(x)) == 2L && identical(levels(x), levels) && !anyNA(x)
}

#' lme4's mkNewReTrms() with this design
new_terms <- function() with_functions(asNamespace("lme4")$mkNewReTrms, in_place(fast_design()))

#' simulate(), which builds the random effects' design of a mixed model with less work
#'
#' lme4's method only calls .simulateFun().
#'
#' @param ... See R's simulate().
simulate_here <- function(object, ...) {
  if (!methods::is(object, "merMod") || !as_known("fits") || !as_known("simulations")) {
    return(stats::simulate(object, ...))
  }
  if (is.null(fast$simulate)) {
    fast$simulate <- with_functions(lme4::.simulateFun, list(mkNewReTrms = new_terms()))
  }
  .simulateFun <- fast$simulate
  .simulateFun(object, ...)
}

#' The design of one term: for each row of a matrix, its values in the rows of its group
#'
#' @param group A factor.
#' @param design A matrix.
#' @return What KhatriRao(fac2sparse(group), t(design)) gives, which leaves zeros out.
design_by_group <- function(group, design) {
  n <- nrow(design)
  width <- ncol(design)
  size <- nlevels(group) * as.double(width)
  plain <- is.matrix(design) && is.double(design) && n == length(group) && n > width &&
    width > 0L && !anyNA(group) && !anyNA(design) && size <= .Machine$integer.max
  if (!plain) {
    return(Matrix::KhatriRao(Matrix::fac2sparse(group, to = "d"), t(design)))
  }
  values <- as.vector(if (width == 1L) design else t(design))
  rows <- (as.integer(group) - 1L) * width
  if (width > 1L) rows <- rep(rows, each = width) + (seq_len(width) - 1L)
  starts <- (0L:n) * width
  filled <- values != 0
  if (!all(filled)) {
    starts <- c(0L, cumsum(filled))[starts + 1L]
    rows <- rows[filled]
    values <- values[filled]
  }
  sparse_columns(rows, starts, values, c(as.integer(size), n))
}

#' A matrix with these names, which need no check
named_by_slot <- function(x, value) {
  methods::slot(x, "Dimnames", check = FALSE) <- value
  x
}

#' Columns of parts one below the other; matrices as R binds them
joined_rows <- function(...) {
  parts <- list(...)
  if (!is.list(parts[[1L]])) {
    return(if (length(parts) == 1L) parts[[1L]] else rbind(...))
  }
  do.call(Map, c(list(c), parts))
}

#' What t(sparseMatrix(i, j, x = x)) gives
transposed_sparse <- function(i, j, x) {
  sorted <- order(i, j)
  starts <- c(0L, cumsum(tabulate(i, max(i))))
  sparse_columns(as.integer(j[sorted]) - 1L, starts, x[sorted], as.integer(c(max(j), max(i))))
}

#' A sparse matrix by columns
sparse_columns <- function(rows, starts, values, size) {
  made <- methods::new("dgCMatrix")
  slots <- list(i = rows, p = starts, x = values, Dim = size)
  for (name in names(slots)) methods::slot(made, name, check = FALSE) <- slots[[name]]
  made
}
