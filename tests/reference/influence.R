# influence() and its methods as an R user would call them. Plain R: nothing here knows
# of pymer_bridge.

suppressMessages(library(lme4))

few <- droplevels(sleepstudy[sleepstudy$Subject %in% c("308", "309", "310", "330"), ])
rownames(few) <- NULL
gaps <- few
gaps$Reaction[c(3L, 30L)] <- NA
gaps$Days[7L] <- NA

fits <- alist(
  slopes = lmer(Reaction ~ Days + (Days | Subject), sleepstudy),
  slopes_ml = lmer(Reaction ~ Days + (Days | Subject), sleepstudy, REML = FALSE),
  crossed = lmer(diameter ~ 1 + (1 | plate) + (1 | sample), Penicillin),
  nested = lmer(strength ~ 1 + (1 | batch / cask), Pastes),
  singular = lmer(Yield ~ 1 + (1 | Batch), Dyestuff2),
  weighted = lmer(Reaction ~ Days + (1 | Subject), few,
    weights = 1 / (1 + Days), offset = Days, REML = FALSE
  ),
  controlled = lmer(Reaction ~ Days + (Days | Subject), few,
    REML = FALSE, control = lmerControl(optimizer = "bobyqa")
  ),
  excluded = lmer(Reaction ~ Days + (1 | Subject), gaps,
    weights = 1 / (1 + Days), offset = Days, na.action = na.exclude
  ),
  chosen = lmer(Reaction ~ Days + (1 | Subject), few, subset = Days > 1),
  binomial = glmer(cbind(incidence, size - incidence) ~ period + (1 | herd), cbpp, binomial)
)

here <- environment()

fit_of <- function(name) suppressWarnings(suppressMessages(eval(fits[[name]], here)))

parts_of <- function(name) list(fit = fit_of(name), frame_env = here, call = fits[[name]])

#' @param groups The name of a column, or NULL for rows.
influence_of <- function(name, groups = NULL, max_evaluations = 1000) {
  fit <- fit_of(name)
  found <- suppressMessages(if (is.null(groups)) {
    influence(fit, maxfun = max_evaluations)
  } else {
    influence(fit, groups = groups, maxfun = max_evaluations)
  })
  # By the definitions of Loy and Hofmann (2014).
  whole <- as.matrix(vcov(fit))
  p <- length(fixef(fit))
  each <- function(of) sapply(seq_along(found[[6L]]), function(i) {
    of(as.matrix(found[[6L]][[i]]), found[[2L]][i, ] - found[[1L]])
  })
  mdffits <- each(function(V, d) drop(t(d) %*% solve(V) %*% d) / p)
  cov_trace <- each(function(V, d) abs(sum(diag(solve(whole) %*% V)) - p))
  cov_ratio <- each(function(V, d) det(V) / det(whole))
  fence <- function(x) {
    quartiles <- quantile(x, c(0.25, 0.75))
    c(quartiles[1] - 3 * IQR(x), quartiles[2] + 3 * IQR(x))
  }
  list(
    mdffits = mdffits, cov_trace = cov_trace, cov_ratio = cov_ratio,
    cut_offs = unname(c(
      4 / length(mdffits), fence(mdffits)[2], fence(cov_trace)[2], fence(cov_ratio)
    )),
    levels = as.character(found$deleted), fixed_names = colnames(found[[2L]]),
    fixed = as.vector(found[[2L]]), variance_names = names(found$var.cov.comps),
    observed_variances = unname(found$var.cov.comps), variances = as.vector(found[[4L]]),
    covariances = as.vector(t(sapply(found[[6L]], as.vector))),
    converged = unname(found$converged), evaluations = as.double(found$function.evals),
    cooks_distance = unname(cooks.distance(found)), dfbeta = as.vector(dfbeta(found)),
    # R's method stops at a single fixed effect.
    dfbetas = if (length(fixef(fit)) > 1L) {
      as.vector(dfbetas(found))
    } else {
      as.vector(dfbeta(found)) / sqrt(unlist(found[[6L]], use.names = FALSE))
    },
    dfbeta_variances = as.vector(dfbeta(found, which = "var.cov"))
  )
}
