# A fast path: the conditional variances of one random effect of each group.
#
# lme4 solves with the Cholesky factor for each group, each time for as many rows as there are
# random effects: with ten times the groups that is a hundred times the work. Where the factor is
# diagonal, a variance needs its own element alone. See code_marks.R for what this relies on.

#' What lme4's ranef() with conditional variances gives
modes_of <- function(fit) {
  if (!fast_variances_apply(fit)) {
    return(lme4::ranef(fit, condVar = TRUE))
  }
  ranef.merMod <- lme4_method("ranef", .Call = function(routine, pointer, positions) {
    few <- list2env(as.list(positions))
    few$nlevs <- variances_compared
    alone <- .Call(routine, pointer, few)
    all <- diagonal_variances(fit, positions$nlevs)
    if (!identical(as.vector(alone[[1L]]), as.vector(all)[seq_len(variances_compared)])) {
      return(.Call(routine, pointer, positions))
    }
    alone[[1L]] <- all
    alone
  })
  ranef.merMod(fit, condVar = TRUE)
}

#' Of so many groups lme4 computes the variances too, to be compared
variances_compared <- 64L

#' Is there one random effect of each group, of enough groups, and the factor diagonal?
fast_variances_apply <- function(fit) {
  if (!methods::is(fit, "merMod") || !as_known("conditional variances")) {
    return(FALSE)
  }
  factor <- lme4::getME(fit, "L")
  size <- lme4::getME(fit, "q")
  one <- identical(unname(lengths(lme4::getME(fit, "cnms"))), 1L)
  one && size > variances_compared && methods::is(factor, "dCHMsimpl") &&
    length(methods::slot(factor, "x")) == size
}

#' The variances in units of that of the residuals, as lme4 computes them
diagonal_variances <- function(fit, size) {
  scale <- methods::slot(lme4::getME(fit, "Lambdat"), "x")
  factor <- lme4::getME(fit, "L")
  root <- methods::slot(factor, "x")[order(methods::slot(factor, "perm"))]
  array(scale * ((scale / root) / root), c(1L, 1L, size))
}
