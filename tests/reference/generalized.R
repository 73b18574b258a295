# Generalized and other models as an R user would write them. Plain R: nothing here knows of
# pymer_bridge.

suppressMessages(library(lme4))

fits <- alist(
  binomial = glmer(cbind(incidence, size - incidence) ~ period + (1 | herd), cbpp, binomial),
  first = glmer(
    cbind(incidence, size - incidence) ~ I(period == "1") + (1 | herd), cbpp, binomial
  ),
  ticks = glmer(TICKS ~ YEAR + (1 | BROOD), grouseticks, poisson),
  slopes = lmer(Reaction ~ Days + (Days | Subject), sleepstudy),
  slopes_ml = lmer(Reaction ~ Days + (Days | Subject), sleepstudy, REML = FALSE)
)

kept <- new.env()

#' A model, fitted once
fit_of <- function(name) {
  if (is.null(kept[[name]])) {
    assign(name, suppressMessages(suppressWarnings(eval(fits[[name]]))), kept)
  }
  kept[[name]]
}

state_of <- function(fit) c(getME(fit, "theta"), if (isLMM(fit)) sigma(fit), fixef(fit))

quietly <- function(expression) suppressMessages(suppressWarnings(expression))

replicates_of <- function(name, n_sim, seed, use_u) {
  fit <- fit_of(name)
  boot <- quietly(bootMer(fit, state_of, nsim = n_sim, seed = seed, use.u = use_u))
  as.vector(t(unname(boot$t)))
}

intervals_of <- function(name, method, n_sim = 5, seed = 1) {
  fit <- fit_of(name)
  found <- quietly(switch(method,
    wald = confint(fit, method = "Wald"),
    profile = confint(fit, quiet = TRUE),
    boot = confint(fit, method = "boot", nsim = n_sim, seed = seed, quiet = TRUE)
  ))
  list(names = rownames(found), values = as.vector(unname(found)))
}

updated <- function(name, change, ...) {
  state_of(quietly(update(fit_of(name), as.formula(change), ...)))
}

refitted <- function(name, seed) {
  fit <- fit_of(name)
  state_of(quietly(refit(fit, simulate(fit, 1, seed = seed)[[1L]])))
}

refitted_ml <- function(name) state_of(refitML(fit_of(name)))

#' Figures of inference on a refit, in lmerTest's own class
refit_inference <- function(seed) {
  data <- sleepstudy
  data$Reaction <- simulate(fit_of("slopes_ml"), 1, seed = seed)[[1L]]
  fit <- quietly(refit(fit_of("slopes_ml"), data$Reaction))
  whole <- quietly(lmerTest::lmer(Reaction ~ Days + (Days | Subject), data, REML = FALSE))
  c(
    state_of(fit), # the refit itself
    coef(summary(whole))[, "df"] # of a new fit to the same data: near, not the same
  )
}

ratio_tests <- function(name, change) {
  fit <- fit_of(name)
  table <- quietly(anova(fit, update(fit, as.formula(change))))
  c(table$npar, table$AIC, table$BIC, table$logLik, table$Chisq[2L], table[["Pr(>Chisq)"]][2L])
}

dropped <- function(name) {
  table <- quietly(drop1(fit_of(name), test = "Chisq"))
  c(table$npar, table$AIC, table$LRT[2L], table[["Pr(Chi)"]][2L])
}

default_residuals <- function(name) as.vector(residuals(fit_of(name)))

means <- function(name, specs) {
  table <- summary(emmeans::emmeans(fit_of(name), specs), infer = TRUE)
  c(table$emmean, table$SE, table$asymp.LCL, table$asymp.UCL, table$z.ratio, table$p.value)
}

glm_figures <- function(family) {
  fit <- glm(TICKS ~ YEAR + HEIGHT, family, grouseticks)
  c(as.vector(coef(summary(fit))), as.vector(quietly(confint(fit))), deviance(fit), sigma(fit))
}

#' Coefficients of separate fits, and their intervals
separate_figures <- function(family = NULL) {
  fits <- if (is.null(family)) {
    lmList(Reaction ~ Days | Subject, sleepstudy)
  } else {
    quietly(lmList(TICKS ~ HEIGHT | YEAR, grouseticks, family = poisson))
  }
  figures <- summary(fits)$coefficients
  intervals <- quietly(confint(fits))
  columns <- c(lapply(1:4, function(i) figures[, i, ]), lapply(1:2, function(i) intervals[, i, ]))
  unlist(lapply(columns, function(column) as.vector(t(column))))
}

structured <- function(term) {
  formula <- as.formula(paste("Reaction ~ Days +", term))
  fit <- quietly(lmer(formula, sleepstudy))
  components <- as.data.frame(VarCorr(fit), order = "lower.tri")
  c(fixef(fit), components$sdcor, as.numeric(logLik(fit)))
}

structured_replicates <- function(term, n_sim, seed) {
  formula <- as.formula(paste("Reaction ~ Days +", term))
  fit <- quietly(lmer(formula, sleepstudy))
  as.vector(t(quietly(bootMer(fit, fixef, nsim = n_sim, seed = seed))$t))
}

linear_predictions <- function(interval, level) {
  fit <- lm(Reaction ~ poly(Days, 2), sleepstudy)
  found <- predict(fit, data.frame(Days = c(0, 4.5, 9)),
    interval = interval, level = level, se.fit = TRUE
  )
  c(as.vector(found$fit), found$se.fit, quietly(predict(fit))[1:3])
}

glm_predictions <- function(type) {
  fit <- glm(TICKS ~ YEAR + HEIGHT, poisson, grouseticks)
  at <- data.frame(YEAR = c("95", "97"), HEIGHT = c(400, 500))
  found <- predict(fit, at, type = type, se.fit = TRUE)
  link <- predict(fit, at, se.fit = TRUE)
  ends <- c(link$fit - qnorm(0.95) * link$se.fit, link$fit + qnorm(0.95) * link$se.fit)
  c(found$fit, found$se.fit, if (type == "response") exp(ends) else ends)
}

links <- c("logit", "probit", "cauchit", "cloglog", "log", "sqrt", "identity", "inverse", "1/mu^2")

#' A mean by every family and every link, where R can fit it: NULL where it stops
every_link <- function() {
  families <- c(
    "binomial", "poisson", "Gamma", "inverse.gaussian", "gaussian", "quasi", "quasibinomial",
    "quasipoisson"
  )
  set.seed(1)
  data <- data.frame(y = runif(40, 0.2, 0.8))
  grid <- expand.grid(link = links, family = families, stringsAsFactors = FALSE)
  grid$estimate <- mapply(function(link, family) {
    tryCatch(
      suppressWarnings(coef(glm(y ~ 1, get(family)(link = link), data))[[1L]]),
      error = function(condition) NA_real_
    )
  }, grid$link, grid$family)
  c(as.list(grid), list(y = data$y))
}

#' A mixed model with a link that is none of the family's usual ones
probit_of_a_share <- function() {
  data <- transform(sleepstudy, share = Reaction / 600)
  state_of(quietly(glmer(share ~ Days + (1 | Subject), data, gaussian(link = "probit"))))
}

relinked <- function(link) {
  state_of(quietly(update(fit_of("binomial"), family = binomial(link = link))))
}

started <- function(theta) {
  state_of(quietly(lmer(Reaction ~ Days + (1 | Subject), sleepstudy, start = list(theta = theta))))
}

wald_at <- function(name, level) {
  as.vector(confint(fit_of(name), "beta_", method = "Wald", level = level))
}
