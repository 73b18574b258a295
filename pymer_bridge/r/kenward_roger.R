# Kenward and Roger's method with the adjusted covariance computed once.
#
# lmerTest calls pbkrtest::vcovAdj() again for every coefficient and every term,
# which takes nearly all of the time. Here lmerTest gets the fit as an object of a
# class of our own, for which vcovAdj() and vcov() return their first answer again.
# The arithmetic stays lmerTest's and pbkrtest's, whatever their version.

#' The fit as an object that knows its covariance, plain and adjusted
#'
#' lmerTest's own slots stay empty unless `complete`: Satterthwaite's figures
#' cost a numerical Hessian, and Kenward and Roger's method does not need them.
#'
#' @param model A model environment.
#' @param complete Take lmerTest's version of the fit, with all of its slots?
kenward_roger_fit <- function(model, complete = FALSE) {
  # lme4 calls a fit without fixed effects one by maximum likelihood, and R's tables are empty.
  if (length(lme4::fixef(model$fit)) == 0L) {
    return(lmertest_fit(model))
  }
  if (!lme4::isREML(model$fit)) {
    stop("Kenward-Roger's method is only available for REML model fits", call. = FALSE)
  }
  define_kenward_roger_class()
  if (is.null(model$adjusted)) {
    model$adjusted <- adjusted_covariance(model)
    design <- lme4::getME(model$fit, "X")
    model$covariance <- stats::vcov(model$fit)
    model$full_rank <- as.double(Matrix::rankMatrix(design)) == ncol(design)
  }
  base <- if (complete) lmertest_fit(model) else with_given_call(model, model$fit)
  methods::new("pymer_kenward_roger", base,
    adjusted = model$adjusted, covariance = model$covariance, full_rank = model$full_rank
  )
}

#' The adjusted covariance, as pbkrtest computes it
#'
#' Half of its time goes into products, element by element, of large sparse matrices, for which Matrix
#' looks up each element's place in the other one. See code_marks.R for what this relies on.
adjusted_covariance <- function(model) {
  if (!as_known("Kenward-Roger's covariance")) {
    return(within_model(model, quote(pbkrtest::vcovAdj(.fit))))
  }
  namespace <- asNamespace("pbkrtest")
  vcovAdj.lmerMod <- with_functions(namespace$vcovAdj.lmerMod, list(
    vcovAdj_internal = with_functions(namespace$vcovAdj_internal, list(`*` = product_in_place))
  ))
  vcovAdj.lmerMod(model$fit)
}

#' The product of two matrices, element by element; for less work where both have the same places
product_in_place <- function(e1, e2) {
  is_sparse <- function(matrix) {
    identical(class(matrix), structure("dgCMatrix", package = "Matrix"))
  }
  places <- function(matrix) attributes(matrix)[c("i", "p", "Dim")]
  if (!is_sparse(e1) || !is_sparse(e2) || !identical(places(e1), places(e2))) {
    return(e1 * e2)
  }
  sparse_columns(e1@i, e1@p, e1@x * e2@x, e1@Dim)
}

#' Is such a product what Matrix makes? "", or what differs
unknown_in_products <- function() {
  one <- sparse_columns(c(0L, 2L, 1L), c(0L, 2L, 2L, 3L), c(0.1, 0, 0.3), c(3L, 3L))
  if (identical(product_in_place(one, one / 3), one * (one / 3))) "" else "products of Matrix"
}

#' Define the class and its methods, once
define_kenward_roger_class <- function() {
  if (!methods::isClass("pymer_kenward_roger", where = toolbox)) {
    loadNamespace("lmerTest")
    methods::setClass("pymer_kenward_roger",
      contains = structure("lmerModLmerTest", package = "lmerTest"),
      representation = methods::representation(
        adjusted = "ANY", covariance = "ANY", full_rank = "logical"
      ), where = toolbox
    )
    registerS3method("vcovAdj", "pymer_kenward_roger",
      function(object, ...) methods::slot(object, "adjusted"),
      envir = asNamespace("pbkrtest")
    )
    registerS3method("vcov", "pymer_kenward_roger", function(object, ...) {
      if (...length() == 0L) {
        methods::slot(object, "covariance")
      } else {
        stats::vcov(methods::as(object, "lmerMod"), ...)
      }
    }, envir = asNamespace("stats"))
    define_nesting_check()
  }
}

#' Leave out a check that pbkrtest makes for each term and whose result is known
#'
#' KRmodcomp() computes the rank of the design twice to see whether a restriction
#' matrix lies in its row space. If the design has full column rank, every matrix
#' does (code 1, "nested"). All versions of pbkrtest that have the generic call it by
#' this name; without it the check is made.
define_nesting_check <- function() {
  namespace <- asNamespace("pbkrtest")
  if (!exists("modcomp_init", namespace, mode = "function")) {
    return(invisible())
  }
  registerS3method("modcomp_init", "pymer_kenward_roger", function(m1, m2, matrixOK = FALSE) {
    if (matrixOK && is.matrix(m2) && methods::slot(m1, "full_rank")) {
      return(1)
    }
    get("modcomp_init", namespace)(methods::as(m1, "lmerMod"), m2, matrixOK)
  }, envir = namespace)
}

#' Evaluate with lmerTest's kind of fit for a method of degrees of freedom
#'
#' If Kenward and Roger's method fails, lmerTest falls back to Satterthwaite's with a
#' warning, and then needs all of its slots.
#'
#' @param model A model environment.
#' @param ddf "satterthwaite" or "kenward-roger".
#' @param use A function of lmerTest's fit and lmerTest's name of the method.
with_ddf <- function(model, ddf, use) {
  if (ddf != "kenward-roger") {
    return(use(lmertest_fit(model), "Satterthwaite"))
  }
  light <- tryCatch(kenward_roger_fit(model), error = function(condition) condition)
  if (inherits(light, "error")) {
    if (!lme4::isREML(model$fit)) {
      stop(light)
    }
    return(use(lmertest_fit(model), "Kenward-Roger"))
  }
  warnings <- list()
  answer <- tryCatch(
    withCallingHandlers(
      list(value = use(light, "Kenward-Roger")),
      warning = function(condition) {
        if (grepl("Unable to compute Kenward-Roger", conditionMessage(condition))) {
          stop("incomplete")
        }
        # Held back: if this attempt fails, the next one gives them again.
        warnings[[length(warnings) + 1L]] <<- condition
        invokeRestart("muffleWarning")
      }
    ),
    error = function(condition) NULL
  )
  if (is.null(answer)) {
    return(use(kenward_roger_fit(model, complete = TRUE), "Kenward-Roger"))
  }
  for (condition in warnings) warning(condition)
  answer$value
}
