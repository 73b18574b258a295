# Predictions, simulations and parts of fits as an R user would ask for them. Plain R: nothing
# here knows of pymer_bridge.

suppressMessages(library(lme4))

gaps <- sleepstudy
gaps$Reaction[c(3, 50)] <- NA
gaps$Days[7] <- NA

texts <- transform(sleepstudy, Subject = as.character(Subject), Week = ifelse(Days > 6, "2nd", "1st"))

few <- Penicillin[-c(1, 2, 9, 17, 40, 41, 42, 80, 99, 120, 121), ]
rownames(few) <- NULL

Orchard <- as.data.frame(Orange)
Orchard$Tree <- factor(as.character(Orchard$Tree))

set.seed(42)
sick <- data.frame(herd = factor(rep(1:15, each = 12)), x = rep(c(-1, 0, 1), 60))
sick$state <- factor(ifelse(runif(180) < plogis(sick$x + rnorm(15)[sick$herd]), "ill", "well"))

fits <- alist(
  slopes = lmer(Reaction ~ Days + (Days | Subject), sleepstudy),
  slopes_ml = lmer(Reaction ~ Days + (Days | Subject), sleepstudy, REML = FALSE),
  uncorrelated = lmer(Reaction ~ Days + (Days || Subject), sleepstudy),
  crossed = lmer(diameter ~ 1 + (1 | plate) + (1 | sample), Penicillin),
  unbalanced = lmer(diameter ~ 1 + (1 | plate) + (1 | sample), few),
  nested = lmer(strength ~ 1 + (1 | batch / cask), Pastes),
  weighted = lmer(Reaction ~ Days + offset(2 * Days) + (1 | Subject), sleepstudy,
    weights = 1 / (1 + Days)
  ),
  offset_argument = lmer(Reaction ~ Days + (1 | Subject), sleepstudy, offset = 3 * Days),
  poly = lmer(Reaction ~ poly(Days, 2) + (1 | Subject), sleepstudy),
  spline = lmer(Reaction ~ splines::ns(Days, df = 3) + (Days | Subject), sleepstudy),
  factor = lmer(angle ~ recipe * temperature + (1 | recipe:replicate), cake),
  contrasts = lmer(angle ~ recipe + temp + (1 | recipe:replicate), cake,
    contrasts = list(recipe = "contr.sum")
  ),
  rank_deficient = lmer(Reaction ~ I(2 * Days) + Days + (1 | Subject), sleepstudy),
  strings = lmer(Reaction ~ Days + Week + (1 | Subject), texts),
  singular = lmer(Yield ~ 1 + (1 | Batch), Dyestuff2),
  dot = lmer(Reaction ~ . - Subject + (1 | Subject), sleepstudy),
  missing = lmer(Reaction ~ Days + (Days | Subject), gaps),
  missing_exclude = lmer(Reaction ~ Days + (Days | Subject), gaps, na.action = na.exclude),
  subset = lmer(Reaction ~ Days + (Days | Subject), sleepstudy, subset = Days > 1),
  counts = glmer(cbind(incidence, size - incidence) ~ period + (1 | herd), cbpp, binomial),
  levels = glmer(state ~ x + (1 | herd), sick, binomial),
  quick = glmer(cbind(incidence, size - incidence) ~ period + (1 | herd), cbpp, binomial, nAGQ = 0),
  nonlinear = nlmer(circumference ~ SSlogis(age, Asym, xmid, scal) ~ Asym | Tree, Orchard,
    start = c(Asym = 200, xmid = 725, scal = 350)
  )
)

kept <- new.env()

fit_of <- function(name) {
  if (is.null(kept[[name]])) {
    assign(name, suppressMessages(eval(fits[[name]])), envir = kept)
  }
  kept[[name]]
}

new_fit_of <- function(name) suppressMessages(eval(fits[[name]]))

as_re_form <- function(text) {
  if (is.null(text)) NULL else if (text == "NA") NA else as.formula(text)
}

as_new_data <- function(columns) if (!is.null(columns)) as.data.frame(columns)

with_names <- function(x) list(names = names(x), values = as.vector(x))

predictions_of <- function(name, new_data = NULL, re_form = NULL, type = "link", new_levels = FALSE) {
  with_names(predict(fit_of(name),
    newdata = as_new_data(new_data), re.form = as_re_form(re_form), type = type,
    allow.new.levels = new_levels
  ))
}

packageVersion_at_least <- function(version) packageVersion("lme4") >= version

gives_std_errors <- function() "se.fit" %in% names(formals(lme4:::predict.merMod))

#' R's own standard errors
std_errors_of <- function(name, new_data = NULL, re_form = NULL, type = "link") {
  as.vector(suppressWarnings(predict(fit_of(name),
    newdata = as_new_data(new_data), re.form = as_re_form(re_form), type = type, se.fit = TRUE
  ))$se.fit)
}

#' Those of the population, by hand
population_std_errors <- function(name, formula, new_data) {
  design <- model.matrix(as.formula(formula), as_new_data(new_data))
  sqrt(rowSums((design %*% as.matrix(vcov(fit_of(name)))) * design))
}

#' Standard errors of fitted values from the whole covariance of modes and fixed effects
#'
#' Henderson's equations, solved densely.
henderson_std_errors <- function(name) {
  fit <- fit_of(name)
  design <- as.matrix(cbind(getME(fit, "Z") %*% getME(fit, "Lambda"), getME(fit, "X")))
  n_random <- ncol(getME(fit, "Z"))
  penalty <- diag(rep(c(1, 0), c(n_random, ncol(design) - n_random)))
  w <- weights(fit)
  covariance <- sigma(fit)^2 * solve(crossprod(design * sqrt(w)) + penalty)
  sqrt(rowSums((design %*% covariance) * design))
}

link_interval <- function(name, new_data, level, type) {
  fit <- fit_of(name)
  data <- as_new_data(new_data)
  used <- model.frame(fit)
  for (column in names(Filter(is.factor, used[intersect(names(used), names(data))]))) {
    data[[column]] <- factor(data[[column]], levels(used[[column]]))
  }
  design <- model.matrix(delete.response(terms(fit)), data)
  eta <- predict(fit, newdata = as_new_data(new_data), re.form = NA)
  se <- if (gives_std_errors()) {
    std_errors_of(name, new_data, "NA")
  } else {
    sqrt(rowSums((design %*% as.matrix(vcov(fit))) * design))
  }
  ends <- c(eta - qnorm((1 + level) / 2) * se, eta + qnorm((1 + level) / 2) * se)
  as.vector(if (type == "response") family(fit)$linkinv(ends) else ends)
}

simulations_of <- function(name, n_sim, seed, new_data = NULL, re_form = NULL, use_u = NULL) {
  fit <- fit_of(name)
  drawn <- if (!is.null(new_data) && !is.null(use_u)) {
    simulate(fit, nsim = n_sim, seed = seed, newdata = as_new_data(new_data), use.u = use_u)
  } else if (!is.null(new_data)) {
    simulate(fit, nsim = n_sim, seed = seed, newdata = as_new_data(new_data))
  } else if (!is.null(re_form)) {
    simulate(fit, nsim = n_sim, seed = seed, re.form = as.formula(re_form))
  } else if (!is.null(use_u)) {
    simulate(fit, nsim = n_sim, seed = seed, use.u = use_u)
  } else {
    simulate(fit, nsim = n_sim, seed = seed)
  }
  list(
    names = names(drawn), rows = row.names(drawn),
    values = as.double(unlist(lapply(drawn, as.vector), use.names = FALSE)),
    levels = as.character(unlist(lapply(drawn, as.character)))
  )
}

#' The generator's next numbers after a simulation
numbers_after <- function(name, seed) {
  simulate(fit_of(name), nsim = 2, seed = seed)
  runif(3)
}

#' Any part of a fit as plain numbers and strings, one after the other
flat <- function(x) {
  if (is.null(x)) {
    list(numbers = numeric(), texts = character())
  } else if (is.factor(x)) {
    list(numbers = as.double(as.integer(x)), texts = levels(x))
  } else if (is(x, "CHMfactor")) {
    list(
      numbers = c(as.vector(as.matrix(as(x, "sparseMatrix"))), as.double(x@perm)), texts = character()
    )
  } else if (is(x, "Matrix") || is.matrix(x)) {
    list(numbers = as.double(as.vector(as.matrix(x))), texts = character())
  } else if (is.list(x)) {
    parts <- lapply(x, flat)
    list(
      numbers = as.double(unlist(lapply(parts, `[[`, "numbers"))),
      texts = c(names(x), as.character(unlist(lapply(parts, `[[`, "texts"))))
    )
  } else if (is.character(x)) {
    list(numbers = numeric(), texts = as.vector(x))
  } else if (length(x) == 1L && is.na(x)) {
    list(numbers = numeric(), texts = character())
  } else {
    list(numbers = as.double(x), texts = as.character(names(x)))
  }
}

part_of <- function(name, part) lapply(flat(getME(fit_of(name), part)), unname)

parts <- function() setdiff(eval(formals(lme4:::getME.merMod)$name), "devfun")

covariances_of <- function(name) {
  found <- VarCorr(fit_of(name))
  list(
    groups = names(found), values = as.double(unlist(lapply(found, as.vector))),
    correlations = as.double(unlist(lapply(found, function(x) as.vector(attr(x, "correlation")))))
  )
}

components_of <- function(name) {
  found <- rePCA(fit_of(name))
  list(
    groups = names(found), values = as.double(unlist(lapply(found, function(x) x$sdev))),
    importance = as.double(unlist(lapply(summary(found), function(x) as.vector(t(x$importance[2:3, ]))))),
    rotations = as.double(unlist(lapply(found, function(x) as.vector(x$rotation))))
  )
}

#' The deviance of a linear model, from a call that does not fit it
deviance_of <- function(name, theta) {
  call <- fits[[name]]
  call$devFunOnly <- TRUE
  eval(call)(theta)
}

#' The deviance of a fit that nobody else uses: it is changed
deviance_of_new_fit <- function(name, parameters) getME(new_fit_of(name), "devfun")(parameters)

case_figures_of <- function(name, kind) {
  with_names(suppressWarnings(
    switch(kind,
      hat_values = hatvalues,
      rstudent = rstudent,
      cooks_distance = cooks.distance
    )(fit_of(name))
  ))
}

#' Only those of beta, theta and sigma that are given
parameters_of <- function(...) {
  given <- Filter(Negate(is.null), list(...))
  if (length(given) > 0L) lapply(given, as.double)
}

random_parts_of <- function(name, new_data = NULL, re_form = NULL, new_levels = FALSE) {
  as.vector(predict(fit_of(name),
    newdata = as_new_data(new_data), re.form = as_re_form(re_form), random.only = TRUE,
    allow.new.levels = new_levels
  ))
}

predictions_at <- function(name, new_data = NULL, re_form = NULL, ...) {
  as.vector(predict(fit_of(name),
    newdata = as_new_data(new_data), re.form = as_re_form(re_form),
    newparams = parameters_of(...)
  ))
}

simulations_at <- function(name, seed, new_data = NULL, weights = NULL, ...) {
  fit <- fit_of(name)
  parameters <- parameters_of(...)
  drawn <- if (is.null(new_data)) {
    simulate(fit, nsim = 2, seed = seed, newparams = parameters, weights = weights)
  } else {
    simulate(fit,
      nsim = 2, seed = seed, newdata = as_new_data(new_data), newparams = parameters,
      weights = weights
    )
  }
  as.vector(unlist(lapply(drawn, function(column) if (is.matrix(column)) column[, 1L] else column)))
}

bootstrapped_predictions <- function(name, new_data = NULL, re_form = NULL, new_levels = FALSE) {
  fit <- fit_of(name)
  boot <- bootMer(fit, function(fit) {
    predict(fit,
      newdata = as_new_data(new_data), re.form = as_re_form(re_form),
      allow.new.levels = new_levels
    )
  }, nsim = 4, seed = 3)
  as.vector(boot$t)
}

refitted_levels <- function(name, seed) {
  fit <- fit_of(name)
  again <- refit(fit, simulate(fit, nsim = 1, seed = seed)[[1L]])
  c(fixef(again), getME(again, "theta"), as.vector(vcov(again)))
}

sick_columns <- function() lapply(sick, function(x) if (is.factor(x)) as.character(x) else x)
