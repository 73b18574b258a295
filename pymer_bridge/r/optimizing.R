# The fast path to the optimum of a linear mixed model: R's own figures, for less work.
#
# lme4's deviance function multiplies the design by the weights for each theta, though they stay
# the same, and asks reference objects for pointers, which costs more than the rest. Here its
# steps are called one by one, without those. nloptr() reads its options and tries the function
# anew at each call: here R's ordinary way is taken once, what it asks of the library is kept, and
# the library is then asked the same from other starts. The arithmetic stays that of the
# libraries. What this relies on is looked at in `unknown_in_optimizing()`; if anything is not as
# known, R's ordinary way is taken.

#' The steps of lme4's deviance function, and how many arguments each of them takes
#'
#' A library that is called with too few would not stop with an error.
lme4_steps <- c(
  lmer_Deviance = 3L, merPredDsetTheta = 2L, merPredDupdateDecomp = 2L, merPredDupdateRes = 2L,
  merPredDsolve = 1L, merPredDlinPred = 2L, lm_updateMu = 2L, lmer_Laplace = 5L,
  merPredDldL2 = 1L, merPredDldRX2 = 1L, merPredDsqrL = 2L, merPredDbeta = 2L,
  merPredDsetDelb = 2L, merPredDsetDelu = 2L, lm_setResp = 2L, lm_wrss = 1L
)

#' Is all that the fast path relies on as known? See code_marks.R.
knows_optimizing <- function() as_known("optima of linear mixed models")

#' What is not as the fast path knows it, or ""
unknown_in_optimizing <- function() {
  namespace <- asNamespace("lme4")
  arguments <- vapply(names(lme4_steps), function(name) {
    as.integer(c(get0(name, namespace)$numParameters, -1L)[1L])
  }, 1L)
  other <- names(which(arguments != lme4_steps))
  if (length(other) > 0L) {
    return(with_version(other[1L], "lme4"))
  }
  same <- function(trial) isTRUE(tryCatch(trial(), error = function(condition) FALSE))
  if (!same(tries_same_optimum)) {
    return(with_version("nloptr", "nloptr"))
  }
  checks <- lme4::lmerControl()$checkConv
  same_check <- same(function() is.null(namespace$checkConv(NULL, c(1, 0), checks, c(0, -Inf))))
  if (same_check) "" else with_version("checkConv", "lme4")
}

#' Does the fast path find what lme4's optimizeLmer() finds, for a function with a bound?
tries_same_optimum <- function() {
  bowl <- function(x) sum((x - c(-1, 2))^2) + x[1L] * x[2L] / 2
  environment(bowl) <- list2env(
    list(lower = c(0, -Inf), pp = list(theta = c(1, 1), delb = numeric())),
    parent = baseenv()
  )
  from <- function(start, optimize) {
    optimize("nloptwrap", bowl, start,
      lower = c(0, -Inf), upper = Inf, control = list(), adj = FALSE, verbose = 0L,
      calc.derivs = FALSE
    )
  }
  quick <- quick_optwrap()
  from(c(2, 1), quick)
  ordinary <- lme4::optimizeLmer(bowl,
    optimizer = "nloptwrap", restart_edge = FALSE, boundary.tol = 0, start = c(1, 3),
    calc.derivs = FALSE, control = list()
  )
  !is.null(environment(quick)$asks$again(c(1, 3), bowl)) &&
    identical(from(c(1, 3), quick), ordinary)
}

#' lme4's optimizeLmer(), or another function that calls its optwrap(), on the fast path
with_known_options <- function(optimize) {
  with_functions(optimize, list(
    optwrap = if (knows_optimizing()) quick_optwrap() else known_optwrap()
  ))
}

#' lme4's optwrap(), which from the second time on asks nloptr's library itself
quick_optwrap <- function() {
  asks <- quick_nloptr()
  ordinary <- known_optwrap(asks$nloptr)
  asked <- template <- NULL
  function(optimizer, fn, par, ..., control = list(), calc.derivs = TRUE) { # nolint: lme4's name
    ask <- list(optimizer, length(par), control, calc.derivs, ...)
    if (!is.null(asked) && identical(ask, asked)) {
      found <- asks$again(par, fn)
      if (!is.null(found)) {
        fn(found$solution)
        made <- template
        made$par <- found$solution
        made$fval <- found$objective
        made$feval <- found$iterations
        made$message <- found$message
        return(made)
      }
    }
    # Warnings tell the call as R's own would.
    call <- sys.call()
    call[[1L]] <- quote(optwrap)
    made <- eval(call, list2env(list(optwrap = ordinary), parent = parent.frame()))
    # It leaves the deviance at the optimum, but for use.last.params.
    plain <- identical(optimizer, "nloptwrap") && identical(calc.derivs, FALSE) &&
      !isTRUE(list(...)$use.last.params)
    if (plain && identical(made$conv, 0)) {
      asked <<- ask
      template <<- made
    }
    made
  }
}

#' nloptr(), which from the second time on asks its library itself
#'
#' What nloptr() asked the library first is kept, and asked again from another start; where that
#' does not end as it should, nloptr() is called.
#'
#' @return A list of `nloptr()` and `again(x0, eval_f)`, which gives NULL where it cannot.
quick_nloptr <- function() {
  seen <- list()
  ordinary <- known_nloptr(function(...) {
    seen[[length(seen) + 1L]] <<- list(...)
    base::.Call(...)
  })
  asked <- problem <- library <- NULL
  again <- function(x0, eval_f) {
    usable <- !is.null(problem) && is.double(x0) && length(x0) == length(problem$x0) &&
      !anyNA(x0) && all(x0 >= problem$lower_bounds) && all(x0 <= problem$upper_bounds) &&
      !isFALSE(environment(eval_f)$is_finite)
    if (!usable) {
      return(NULL)
    }
    problem$x0 <- x0
    problem$eval_f <- eval_f
    found <- .Call(library, problem)
    if (found$status %in% 1:4 && is.finite(found$objective)) {
      return(found)
    }
    environment(eval_f)$begin() # as if that had not been
    NULL
  }
  list(again = again, nloptr = function(x0, eval_f, lb, ub, opts) {
    ask <- list(lb, ub, opts)
    found <- if (identical(ask, asked)) again(x0, eval_f)
    if (is.null(found)) {
      seen <<- list()
      found <- ordinary(x0 = x0, eval_f = eval_f, lb = lb, ub = ub, opts = opts)
      if (length(seen) == 1L && found$status %in% 1:4) {
        library <<- address_of(seen[[1L]][[1L]])
        problem <<- seen[[1L]][[2L]]
        asked <<- ask
      }
    }
    found
  })
}

#' The address of nloptr's library routine; old versions call it by its name
address_of <- function(routine) {
  if (is.character(routine)) routine <- getNativeSymbolInfo(routine, "nloptr")
  if (!identical(routine$numParameters, 1L)) stop("nloptr's library takes other arguments")
  routine$address
}

#' A function of a package that finds others under the names of some that it calls
#'
#' @param name It may be missing from old versions.
#' @return A list of it, by its name.
with_others <- function(name, namespace, others) {
  found <- get0(name, envir = namespace)
  if (is.null(found)) list() else structure(list(with_functions(found, others)), names = name)
}

#' lme4's optwrap(), which calls another nloptr()
known_optwrap <- function(nloptr = known_nloptr()) {
  others <- list(nloptr = nloptr)
  namespace <- asNamespace("lme4")
  for (name in c("nloptwrap", "getOptfun", "optwrap")) others <- with_others(name, namespace, others)
  others$optwrap
}

#' nloptr(), for which its options are worked out once
#'
#' It parses the defaults of all its options at each call, which takes a fifth of a small refit.
#'
#' @param call What it finds for .Call().
known_nloptr <- function(call = .Call) {
  namespace <- asNamespace("nloptr")
  steps <- c("nloptr.add.default.options", "nloptr.get.default.options")
  others <- lapply(mget(steps, envir = namespace, ifnotfound = list(NULL)), remembering)
  with_others("nloptr", namespace, c(Filter(Negate(is.null), others), .Call = call))$nloptr
}

#' A function of options that returns its last answer if the options are the same
#'
#' For the other arguments only the lengths matter, as for nloptr's defaults.
remembering <- function(f) {
  if (is.null(f)) {
    return(NULL)
  }
  asked <- answer <- NULL
  function(opts.user = NULL, ...) { # nolint: the name is nloptr's
    now <- list(opts.user, lengths(list(...)))
    if (is.null(asked) || !identical(now, asked)) {
      answer <<- if (is.null(opts.user)) f(...) else f(opts.user, ...)
      asked <<- now
    }
    answer
  }
}

#' lme4's deviance function without the work that is the same for each theta
#'
#' The deviance begins at zero times the last solution, which is not zero if that was not finite:
#' from then on lme4's own is called, until `begin()`.
#'
#' @param devfun A deviance function of lmer().
#' @param use Is the way to be taken? NA finds out whether it gives the same figure.
#' @return The function. Its environment has what lme4's optimisers look for, what
#'   `estimates_at()` reads, and `begin(values)`, which installs a response (NULL: the same) and
#'   forgets the last solution.
lean_deviance <- function(devfun, use = NA) {
  rho <- environment(devfun)
  environment(devfun) <- ready <- with_ready_pointers(rho)
  ready$is_lean <- !isFALSE(use) && is_deviance_of_lme4(devfun) && knows_optimizing()
  if (!ready$is_lean) {
    return(devfun)
  }
  lean <- devfun
  body(lean) <- lean_steps(body(devfun))
  take_single_steps(ready, rho)
  ready$is_finite <- all(is.finite(c(rho$pp$delb, rho$pp$delu)))
  if (ready$is_finite) ready$begin()
  if (is.na(use)) {
    parameters <- rho$pp$theta + 0
    if (!is.null(rho$mkPar)) parameters <- rho$mkPar(parameters)
    ready$is_lean <- identical(devfun(parameters), lean(parameters))
  }
  if (ready$is_lean) lean else devfun
}

#' Does a deviance function call lme4's library in the one way that is known?
is_deviance_of_lme4 <- function(devfun) {
  called <- as.list(body(devfun))
  length(called) == 5L &&
    identical(called[1:4], as.list(quote(.Call(lmer_Deviance, pp$ptr(), resp$ptr()))))
}

#' The steps of lme4's deviance function that depend on theta
#'
#' @param whole Its body.
lean_steps <- function(whole) {
  bquote({
    if (!is_finite) {
      return(.(whole))
    }
    .Call(merPredDsetTheta, predictor, .(whole[[5L]]))
    .Call(merPredDupdateDecomp, predictor, NULL)
    .Call(merPredDupdateRes, predictor, weighted_residuals)
    .Call(merPredDsolve, predictor)
    .Call(lm_updateMu, response, .Call(merPredDlinPred, predictor, 1))
    value <- .Call(
      lmer_Laplace, response, .Call(merPredDldL2, predictor), .Call(merPredDldRX2, predictor),
      .Call(merPredDsqrL, predictor, 1), NULL
    )
    if (!is.finite(value)) is_finite <<- FALSE
    value
  })
}

#' The environment of a deviance function that fetches its pointers once
#'
#' Asking a reference object for its pointer costs more than the deviance itself.
with_ready_pointers <- function(rho) {
  ready <- list2env(as.list(rho, all.names = TRUE), parent = parent.env(rho))
  predictor <- ready$predictor <- rho$pp$ptr()
  response <- ready$response <- rho$resp$ptr()
  ready$pp <- list2env(list(
    ptr = function() predictor, delb = rho$pp$delb, beta = rho$pp$beta, sqrL = rho$pp$sqrL
  ), parent = emptyenv())
  makeActiveBinding("theta", function() rho$pp$theta, ready$pp)
  ready$resp <- list(
    ptr = function() response, wrss = rho$resp$wrss, y = rho$resp$y, REML = rho$resp$REML
  )
  ready$no_fixed <- numeric(length(rho$pp$delb))
  ready$no_random <- numeric(length(rho$pp$delu))
  ready$begin <- function(values = NULL) {
    if (!is.null(values)) rho$resp$setResp(values)
    rho$pp$setDelb(ready$no_fixed)
    rho$pp$setDelu(ready$no_random)
  }
  ready
}

#' Let the environment of a deviance function call the steps of lme4's library itself
#'
#' @param ready,rho See `with_ready_pointers()`.
take_single_steps <- function(ready, rho) {
  if (is.null(fast$steps)) {
    fast$steps <- lapply(mget(names(lme4_steps), asNamespace("lme4")), `[[`, "address")
  }
  list2env(fast$steps, ready)
  own <- eval(quote(list(
    begin = function(values = NULL) {
      if (!is.null(values)) .Call(lm_setResp, response, as.double(values))
      .Call(merPredDsetDelb, predictor, no_fixed)
      .Call(merPredDsetDelu, predictor, no_random)
      .Call(lm_updateMu, response, .Call(merPredDlinPred, predictor, 0))
      weighted_residuals <<- 1 * residuals # the library writes into its own
      is_finite <<- TRUE
    },
    beta = function(step) .Call(merPredDbeta, predictor, step),
    sqrL = function(step) .Call(merPredDsqrL, predictor, step), # nolint: lme4's name
    wrss = function() .Call(lm_wrss, response)
  )), ready)
  ready$residuals <- rho$resp$wtres
  ready$weighted_residuals <- NULL
  ready$begin <- own$begin
  list2env(own[c("beta", "sqrL")], ready$pp)
  rm("theta", envir = ready$pp)
  ready$pp$theta <- rho$pp$theta # the library writes into it
  ready$resp$wrss <- own$wrss
}

#' Is it sure that lme4's checkConv() finds nothing, at less than what it costs?
#'
#' Without derivatives it looks for parameters on the boundary only.
is_beyond_doubt <- function(optimum, checks, lower) {
  tolerance <- checks$check.conv.singular$tol
  is.null(attr(optimum, "derivs")) && is.numeric(tolerance) &&
    isTRUE(all(optimum$par - lower >= tolerance)) && knows_optimizing()
}
