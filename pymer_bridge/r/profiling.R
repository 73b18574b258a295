# A fast path: profiles of linear mixed models.
#
# A profile asks for the deviance some thousand times. From version 2 on lme4 makes a copy of the
# fit's predictor for each time, which takes ten times as long as the deviance itself. But a
# deviance that is a number sets all that the next one reads, so one copy serves until there is none:
# what is not a number stays in the copy, and then another is made, as where a deviance stopped.
# What this relies on is looked at in code_marks.R and in `unknown_in_profiles()`.

#' What R's profile() gives of a model's fit
profiled <- function(model, ...) {
  if (!fast_profile_applies(model$fit)) {
    return(compiled(stats::profile(model$fit, ...)))
  }
  deviance <- NULL
  profile.merMod <- lme4_method("profile", devfun2 = function(...) {
    # Errors tell lme4's own call.
    lme4s <- list2env(list(devfun2 = lme4_devfun2()), parent = parent.frame())
    deviance <<- with_one_copy(eval(sys.call(), lme4s))
  })
  # The result keeps the environments of its computation, which a saved model must not hold.
  on.exit({
    rm("devfun2", envir = environment(profile.merMod))
    if (!is.null(deviance)) environment(deviance)$kept <- NULL
  })
  compiled(profile.merMod(model$fit, ...))
}

#' Does a profile of this fit go the fast way?
fast_profile_applies <- function(fit) {
  methods::is(fit, "lmerMod") && as_known("profiles")
}

lme4_devfun2 <- function() get("devfun2", asNamespace("lme4"))

#' The line of lme4's deviance function that makes a copy
copies_predictor <- quote(pp <- fm@pp$copy())

#' A deviance function of lme4 that keeps its copy; itself where it makes none
with_one_copy <- function(deviance) {
  code <- body(deviance)
  at <- which(vapply(as.list(code), identical, NA, copies_predictor))
  if (length(at) != 1L) {
    return(deviance)
  }
  last <- length(code)
  code[[last]] <- bquote({
    deviance <- .(code[[last]])
    if (is.finite(deviance)) kept <<- pp
    deviance
  })
  code[[at]] <- bquote({
    if (is.null(kept)) .(copies_predictor) else pp <- kept
    kept <<- NULL
  })
  # lme4's profile() looks into this environment itself, for what is its own.
  environment(deviance)$kept <- NULL
  made <- as.function(c(formals(deviance), list(code)), envir = environment(deviance))
  attributes(made) <- attributes(deviance)
  made
}

#' What makes deviances of one copy others than lme4's, also after some that are no numbers, or ""
unknown_in_profiles <- function() {
  same <- tryCatch(suppressMessages(suppressWarnings({
    rows <- data.frame(y = c(1, 3, 2, 6, 5, 7, 9, 4), g = factor(rep(1:4, 2L)))
    fit <- lme4::lmer(y ~ 1 + (1 | g), rows, REML = FALSE)
    values <- list(
      c(1, 2), c(0, 0), c(1, 2), c(NaN, 1), c(2, 1), c(1, NA), c(-1, 1), c(1, 2), c(1, Inf), c(3, 1)
    )
    one_copy <- lapply(values, with_one_copy(lme4_devfun2()(fit)))
    identical(one_copy, lapply(values, lme4_devfun2()(fit)))
  })), error = function(condition) FALSE)
  if (same) "" else with_version("devfun2", "lme4")
}
