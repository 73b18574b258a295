# Kenward and Roger's method with the adjusted covariance computed once.
#
# lmerTest asks pbkrtest::vcovAdj() again for every coefficient and every term,
# and nearly all of the time goes there. Here the fit is handed to lmerTest as
# an object of a class of our own, for which vcovAdj() answers with what it gave
# the first time. The arithmetic stays lmerTest's and pbkrtest's, whatever their
# version.

#' The fit as an object that knows its adjusted covariance
#'
#' lmerTest's own slots stay empty unless `complete`: Satterthwaite's figures
#' cost a numerical Hessian, and Kenward and Roger's method does not need them.
#'
#' @param model A model environment.
#' @param complete Take lmerTest's version of the fit, with all of its slots?
kenward_roger_fit <- function(model, complete = FALSE) {
  if (!lme4::isREML(model$fit)) {
    stop("Kenward-Roger's method is only available for REML model fits", call. = FALSE)
  }
  define_kenward_roger_class()
  if (is.null(model$adjusted)) {
    model$adjusted <- within_model(model, quote(pbkrtest::vcovAdj(.fit)))
  }
  base <- if (complete) lmertest_fit(model) else model$fit
  methods::new("pymer_kenward_roger", base, adjusted = model$adjusted)
}

#' Define the class and its method for vcovAdj(), once
define_kenward_roger_class <- function() {
  if (!methods::isClass("pymer_kenward_roger", where = toolbox)) {
    loadNamespace("lmerTest")
    methods::setClass("pymer_kenward_roger",
      contains = structure("lmerModLmerTest", package = "lmerTest"),
      representation = methods::representation(adjusted = "ANY"), where = toolbox
    )
    registerS3method("vcovAdj", "pymer_kenward_roger",
      function(object, ...) methods::slot(object, "adjusted"),
      envir = asNamespace("pbkrtest")
    )
  }
}

#' Evaluate with lmerTest's kind of fit for a method of degrees of freedom
#'
#' Where Kenward and Roger's method fails, lmerTest falls back to
#' Satterthwaite's with a warning; it then needs all of its slots.
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
  failed <- FALSE
  answer <- tryCatch(
    withCallingHandlers(
      use(light, "Kenward-Roger"),
      warning = function(condition) {
        if (grepl("Unable to compute Kenward-Roger", conditionMessage(condition))) {
          stop("incomplete")
        }
      }
    ),
    error = function(condition) {
      failed <<- TRUE
      NULL
    }
  )
  if (failed) use(kenward_roger_fit(model, complete = TRUE), "Kenward-Roger") else answer
}
