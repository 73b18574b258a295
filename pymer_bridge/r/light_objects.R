# A fast path: what stands for objects of lme4's reference classes where a deviance function needs
# no more than their pointers and some methods.
#
# To make such an object takes longer than to fit a small model: each field asks whether what it is
# given is of its class. Here lme4's own methods work on an environment that has the fields. See
# code_marks.R for what this relies on.

#' A function that makes what stands for an object of one of lme4's reference classes
#'
#' @param class The name of the class.
#' @param methods Names of methods, beside those that make it.
#' @return A function of the arguments of the class's own `new()`, which returns an environment of
#'   fields and methods.
light_class <- function(class, methods) {
  namespace <- asNamespace("lme4")
  definition <- namespace[[class]]$def
  fields <- names(definition@fieldClasses)
  names <- c("initialize", "initializePtr", "ptr", methods)
  found <- lapply(stats::setNames(nm = names), function(name) plain_method(definition, name))
  if (class == "lmerResp") found$callSuper <- plain_method(definition, "initialize#lmResp")
  empty <- structure(vector("list", length(fields)), names = fields)
  function(...) {
    state <- list2env(empty, parent = namespace)
    for (name in names(found)) {
      method <- found[[name]]
      environment(method) <- state
      assign(name, method, envir = state)
    }
    state$initialize(...)
    if (is.null(state$Ptr)) state$initializePtr()
    state
  }
}

#' A method of a reference class as a function
plain_method <- function(definition, name) methods::as(definition@refMethods[[name]], "function")

#' lme4's mkLmerDevfun(), whose predictor and response have no more than a deviance needs
#'
#' mkMerMod() can make no fit of them.
light_devfun <- function() {
  if (!as_known("optima of resampled rows")) {
    return(lme4::mkLmerDevfun)
  }
  predictor <- light_class("merPredD", c("setTheta", "setDelb", "setDelu", "beta", "sqrL"))
  response <- light_class("lmerResp", c("setResp", "wrss"))
  make <- with_functions(lme4::mkLmerDevfun, list(
    merPredD = list(new = predictor),
    mkRespMod = with_functions(lme4::mkRespMod, list(lmerResp = list(new = response)))
  ))
  # do.call() would show the data in the call of an error, as R's own call does.
  function(...) first_or_ordinary(make(...), lme4::mkLmerDevfun(...))
}

#' Copy an object of one of lme4's reference classes, as far as its pointer and some methods
#'
#' Its own copy() makes a whole object, which takes longer than all evaluations for a small fit.
#'
#' @param object A predictor or a response.
#' @param shared Fields that are not copied.
#' @param methods Names of methods.
#' @param evaluated Is it to be as after an evaluation at its parameters? Else it is ready for the
#'   first one, which does the same.
#' @return A list of `ptr()` and the methods.
copied_state <- function(object, shared, methods, evaluated = TRUE) {
  definition <- object$.refClassDef
  fields <- setdiff(names(definition@fieldClasses), "Ptr")
  namespace <- asNamespace("lme4")
  # The pointer refers to the memory of these: the functions below keep them alive.
  state <- mget(fields, envir = as.environment(object))
  copied <- setdiff(fields, shared)
  state[copied] <- lapply(state[copied], namespace$forceCopy)
  state <- list2env(c(state, list(Ptr = NULL)), parent = namespace)
  method_of <- function(name) {
    method <- methods::as(definition@refMethods[[name]], "function")
    environment(method) <- state
    method
  }
  begin <- method_of("initializePtr")
  if (!evaluated) body(begin) <- body(begin)[1:2] # it makes the pointer, then evaluates
  begin()
  pointer <- state$Ptr
  state$ptr <- function() pointer
  c(list(ptr = state$ptr), sapply(methods, method_of, simplify = FALSE))
}
