# A fast path: profiles of linear mixed models.
#
# A profile asks for the deviance some thousand times. From version 2 on lme4 makes a copy of the
# fit's predictor for each time, which takes ten times as long as the deviance itself. But a
# deviance sets all that the next one reads, so one copy serves them all; only where a deviance did
# not come to its end is another copy made. See fences.R for what this relies on.

#' What R's profile() gives of a model's fit
profiled <- function(model, ...) {
  if (!fast_profile_applies(model$fit)) {
    return(compiled(stats::profile(model$fit, ...)))
  }
  profile.merMod <- lme4_method("profile", devfun2 = function(...) with_one_copy(lme4_devfun2(...)))
  compiled(profile.merMod(model$fit, ...))
}

#' Does a profile of this fit ask for deviances of copies?
fast_profile_applies <- function(fit) {
  methods::is(fit, "lmerMod") && as_known("profiles")
}

lme4_devfun2 <- function(...) get("devfun2", asNamespace("lme4"))(...)

#' The line of lme4's deviance function that makes a copy
copies_predictor <- quote(pp <- fm@pp$copy())

#' A deviance function of lme4, which keeps its copy; itself where it makes none
with_one_copy <- function(deviance) {
  code <- body(deviance)
  at <- which(vapply(as.list(code), identical, NA, copies_predictor))
  if (length(at) != 1L) {
    return(deviance)
  }
  kept <- NULL
  code[[at]] <- quote(pp <- take_copy())
  code[[length(code)]] <- call("end_with", quote(pp), code[[length(code)]])
  # lme4's profile() looks into this environment itself, for what is its own.
  home <- environment(deviance)
  home$take_copy <- function() {
    taken <- kept
    kept <<- NULL
    if (is.null(taken)) home$fm@pp$copy() else taken
  }
  home$end_with <- function(copy, deviance) {
    force(deviance)
    kept <<- copy
    deviance
  }
  made <- as.function(c(formals(deviance), list(code)), envir = home)
  attributes(made) <- attributes(deviance)
  made
}
