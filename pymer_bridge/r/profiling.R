# A fast path: profiles of linear mixed models.
#
# A profile asks for the deviance some thousand times. From version 2 on lme4 makes a copy of the
# fit's predictor for each time, which takes ten times as long as the deviance itself. But a
# deviance that is a number sets all that the next one reads, so one copy serves until there is none:
# what is not a number stays in the copy, and then another is made, as where a deviance stopped.
# What this relies on is looked at in fences.R and in `unknown_in_profiles()`.

#' What R's profile() gives of a model's fit
profiled <- function(model, ...) {
  if (!fast_profile_applies(model$fit)) {
    return(compiled(stats::profile(model$fit, ...)))
  }
  profile.merMod <- lme4_method("profile", devfun2 = devfun2_of_one_copy)
  # The result keeps the environments of its computation, which a saved model must not hold.
  on.exit({
    rm("devfun2", envir = environment(profile.merMod))
    forget_copy()
  })
  compiled(profile.merMod(model$fit, ...))
}

#' Does a profile of this fit go the fast way?
fast_profile_applies <- function(fit) {
  methods::is(fit, "lmerMod") && as_known("profiles")
}

#' lme4's devfun2(), for deviances of one copy; errors tell its own call
devfun2_of_one_copy <- function(...) {
  lme4s <- list2env(list(devfun2 = lme4_devfun2()), parent = parent.frame())
  with_one_copy(eval(sys.call(), lme4s))
}

lme4_devfun2 <- function() get("devfun2", asNamespace("lme4"))

#' The line of lme4's deviance function that makes a copy
copies_predictor <- quote(pp <- fm@pp$copy())

#' The copy of the profile that is computed now, and where its deviance function looks for things
copy_now <- new.env(parent = emptyenv())

#' A deviance function of lme4 that uses one copy; itself where it makes none
with_one_copy <- function(deviance) {
  code <- body(deviance)
  at <- which(vapply(as.list(code), identical, NA, copies_predictor))
  if (length(at) != 1L) {
    return(deviance)
  }
  code[[at]] <- quote(pp <- take_copy(fm))
  code[[length(code)]] <- call("end_with", quote(pp), code[[length(code)]])
  # lme4's profile() looks into this environment itself, for what is its own.
  home <- environment(deviance)
  home$take_copy <- take_copy
  home$end_with <- end_with
  copy_now$home <- home
  made <- as.function(c(formals(deviance), list(code)), envir = home)
  attributes(made) <- attributes(deviance)
  made
}

take_copy <- function(fit) {
  taken <- copy_now$kept
  copy_now$kept <- NULL
  if (is.null(taken)) fit@pp$copy() else taken
}

end_with <- function(copy, deviance) {
  if (is.finite(deviance)) copy_now$kept <- copy
  deviance
}

forget_copy <- function() {
  if (!is.null(copy_now$home)) rm("take_copy", "end_with", envir = copy_now$home)
  copy_now$home <- copy_now$kept <- NULL
}

#' Are deviances of one copy other than lme4's, also after some that are no numbers? Then what of, or ""
unknown_in_profiles <- function() {
  same <- tryCatch(suppressMessages(suppressWarnings({
    rows <- data.frame(y = c(1, 3, 2, 6, 5, 7, 9, 4), g = factor(rep(1:4, 2L)))
    fit <- lme4::lmer(y ~ 1 + (1 | g), rows, REML = FALSE)
    values <- list(
      c(1, 2), c(0, 0), c(1, 2), c(NaN, 1), c(2, 1), c(1, NA), c(-1, 1), c(1, 2), c(1, Inf), c(3, 1)
    )
    deviances <- lapply(values, with_one_copy(lme4_devfun2()(fit)))
    forget_copy()
    identical(deviances, lapply(values, lme4_devfun2()(fit)))
  })), error = function(condition) FALSE)
  if (same) {
    return("")
  }
  paste("devfun2() of lme4", utils::packageDescription("lme4", fields = "Version"))
}
