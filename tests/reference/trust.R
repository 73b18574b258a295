# What car, clubSandwich, sandwich and performance give. Plain R: nothing here knows of pymer_bridge.

suppressMessages(library(lme4))

gaps <- sleepstudy
gaps$Reaction[c(3, 50)] <- NA
gaps$late <- factor(gaps$Days > 4, labels = c("no", "yes"))
cake$moist <- cake$angle > 30

models <- list(
  slopes = quote(lmer(Reaction ~ Days + (Days | Subject), sleepstudy)),
  nested = quote(lmer(strength ~ 1 + (1 | batch / cask), Pastes)),
  terms = quote(lmer(angle ~ recipe * temp + (1 | recipe:replicate), cake, REML = FALSE)),
  gaps = quote(lmer(Reaction ~ Days + late + (1 | Subject), gaps)),
  excluded = quote(lmer(Reaction ~ Days + late + (1 | Subject), gaps, na.action = na.exclude)),
  singular = quote(lmer(Yield ~ 1 + (1 | Batch), Dyestuff2)),
  crossed = quote(lmer(diameter ~ 1 + (1 | plate) + (1 | sample), Penicillin)),
  trials = quote(glmer(cbind(incidence, size - incidence) ~ period + (1 | herd), cbpp, binomial)),
  counts = quote(glmer(incidence ~ period + scale(size) + (1 | herd), cbpp, poisson)),
  line = quote(lm(Reaction ~ Days + late, gaps)),
  line_excluded = quote(lm(Reaction ~ Days + late, gaps, na.action = na.exclude)),
  weighted = quote(lm(angle ~ recipe + temp, cake, weights = temp)),
  aliased = quote(lm(angle ~ temp + I(2 * temp) + recipe, cake)),
  odds = quote(glm(moist ~ recipe + temp, binomial, cake))
)

known <- new.env()

#' What some code gives, which is run once for each key
once <- function(key, code) {
  if (is.null(known[[key]])) assign(key, code, known)
  known[[key]]
}

fitted_model <- function(name) once(name, suppressMessages(suppressWarnings(eval(models[[name]]))))

#' car::vif(), always as columns
inflation <- function(name) {
  found <- car::vif(fitted_model(name))
  if (!is.matrix(found)) {
    found <- cbind(found, 1, found^(1 / 2))
  }
  list(terms = rownames(found), factor = found[, 1], df = found[, 2], adjusted = found[, 3])
}

#' The clusters of a model without random effects: of the rows that it uses
rows_clusters <- function(name) {
  if (grepl("line", name)) {
    return(gaps$Subject[!is.na(gaps$Reaction)])
  }
  cake$replicate
}

#' clubSandwich's covariance
cluster_covariance <- function(fit, name, kind) {
  once(paste(name, kind), if (isS4(fit)) {
    clubSandwich::vcovCR(fit, type = kind)
  } else {
    clubSandwich::vcovCR(fit, cluster = rows_clusters(name), type = kind)
  })
}

#' clubSandwich, with its own default of clusters for mixed models
clustered <- function(name, kind, test, conf_level) {
  fit <- fitted_model(name)
  if (name == "line_excluded") fit <- fitted_model("line")
  covariance <- cluster_covariance(fit, name, kind)
  table <- clubSandwich::coef_test(fit, vcov = covariance, test = test)
  table <- as.data.frame(table)
  p <- grep("^p_", names(table))
  ends <- if (test == "saddlepoint") {
    NULL
  } else {
    as.data.frame(clubSandwich::conf_int(fit, vcov = covariance, level = conf_level, test = test))
  }
  df <- grep("^df", names(table))
  list(
    terms = rownames(table), estimate = table$beta, std_error = table$SE,
    statistic = table$tstat, p_value = table[[p]],
    df = if (length(df) && test != "z") as.double(table[[df]]),
    conf_low = ends$CI_L, conf_high = ends$CI_U, covariance = as.vector(covariance)
  )
}

#' clubSandwich's joint test that coefficients are zero
joint <- function(name, kind, positions, test) {
  fit <- fitted_model(name)
  covariance <- cluster_covariance(fit, name, kind)
  constraints <- clubSandwich::constrain_zero(positions)
  table <- as.data.frame(clubSandwich::Wald_test(fit, constraints, covariance, test = test))
  list(
    statistic = table$Fstat, df1 = as.double(table$df_num), df2 = as.double(table$df_denom),
    p_value = table$p_val
  )
}

#' sandwich's covariance, and the tests that lmtest::coeftest() makes of it
consistent <- function(name, kind, conf_level) {
  fit <- fitted_model(if (name == "line_excluded") "line" else name)
  covariance <- sandwich::vcovHC(fit, type = kind)
  b <- coef(fit)[!is.na(coef(fit))]
  se <- sqrt(diag(covariance))
  t <- b / se
  normal <- inherits(fit, "glm")
  df <- df.residual(fit)
  a <- (1 - conf_level) / 2
  ends <- if (normal) qnorm(c(a, 1 - a)) else qt(c(a, 1 - a), df)
  list(
    terms = names(b), estimate = unname(b), std_error = unname(se), statistic = unname(t),
    p_value = unname(if (normal) 2 * pnorm(-abs(t)) else 2 * pt(-abs(t), df)),
    df = if (!normal) rep(as.double(df), length(b)),
    conf_low = unname(b + se * ends[1]), conf_high = unname(b + se * ends[2]),
    covariance = as.vector(covariance)
  )
}

#' The figures of performance's checks, and what it prints of some
checked <- function(name) {
  fit <- fitted_model(name)
  quiet <- function(code) tryCatch(suppressMessages(suppressWarnings(code)), error = function(e) NULL)
  over <- quiet(performance::check_overdispersion(fit))
  zeros <- quiet(performance::check_zeroinflation(fit))
  random <- if (isS4(fit)) quiet(performance::check_normality(fit, effects = "random"))
  terms <- quiet(performance::check_collinearity(fit))
  judged <- function(found) {
    # Newer versions give a number of glm() models, and print no verdict.
    if (!is.null(found) && !anyNA(found) && length(capture.output(print(found)))) as.double(found)
  }
  set.seed(1)
  correlated <- quiet(performance::check_autocorrelation(fit))
  list(
    heteroscedasticity = judged(quiet(performance::check_heteroscedasticity(fit))),
    normality = judged(quiet(performance::check_normality(fit))),
    random_normality = as.double(random), random_groups = attr(random, "re_groups"),
    outliers = sum(quiet(performance::check_outliers(fit)), na.rm = TRUE),
    overdispersion = c(over$dispersion_ratio, over$p_value, over$residual_df),
    zeroinflation = zeros$ratio, autocorrelation = as.double(correlated),
    collinearity = terms$VIF, terms = terms$Term,
    printed = if (length(random)) gsub("\033\\[[0-9;]*m", "", capture.output(print(random)))
  )
}

#' Three data sets that differ in a few responses, as imputations do
imputed_data <- function(name) {
  data <- if (name %in% c("trials", "odds")) cake else sleepstudy
  lapply(1:3, function(i) {
    if (name %in% c("trials", "odds")) {
      data$moist[c(4, 9 + i, 30)] <- i > 1
    } else {
      data$Reaction[c(4, 50)] <- data$Reaction[c(4, 50)] + c(-20, 0, 30)[i]
    }
    data
  })
}

imputed_models <- list(
  slopes = function(data) lmer(Reaction ~ Days + (Days | Subject), data),
  intercepts = function(data) lmer(Reaction ~ Days + (1 | Subject), data, REML = FALSE),
  trials = function(data) glmer(moist ~ recipe + (1 | replicate), data, binomial),
  line = function(data) lm(Reaction ~ Days, data),
  odds = function(data) glm(moist ~ recipe + temp, binomial, data)
)

#' mice's rules and mitml's means
pooled <- function(name, df_complete, conf_level) {
  library(broom.mixed)
  fits <- lapply(imputed_data(name), imputed_models[[name]])
  found <- mice::pool(fits, dfcom = df_complete)
  rows <- found$pooled
  table <- summary(found, conf.int = TRUE, conf.level = conf_level)
  ends <- grep("%", names(table))
  extra <- if (isS4(fits[[1L]])) mitml::testEstimates(fits, extra.pars = TRUE)$extra.pars
  list(
    terms = as.character(rows$term), estimate = rows$estimate, std_error = table$std.error,
    df = table$df, statistic = table$statistic, p_value = table$p.value,
    conf_low = table[[ends[1L]]], conf_high = table[[ends[2L]]], within = rows$ubar,
    between = rows$b, relative_increase = rows$riv, missing_information = rows$fmi,
    df_complete = rows$dfcom[1L], labels = rownames(extra), values = as.vector(extra)
  )
}

# insight would take lme4's own data of that name.
moistened <- cake

#' Models that are compared, set by set
compared_sets <- list(
  likelihood = list(
    slopes = quote(lmer(Reaction ~ Days + (Days | Subject), sleepstudy, REML = FALSE)),
    intercepts = quote(lmer(Reaction ~ Days + (1 | Subject), sleepstudy, REML = FALSE)),
    line = quote(lm(Reaction ~ Days, sleepstudy))
  ),
  reml = list(
    slopes = quote(lmer(Reaction ~ Days + (Days | Subject), sleepstudy)),
    intercepts = quote(lmer(Reaction ~ Days + (1 | Subject), sleepstudy))
  ),
  crossed = list(
    both = quote(lmer(diameter ~ 1 + (1 | plate) + (1 | sample), Penicillin)),
    plates = quote(lmer(diameter ~ 1 + (1 | plate), Penicillin))
  ),
  gaps = list(
    late = quote(lmer(Reaction ~ Days + late + (1 | Subject), gaps, REML = FALSE)),
    days = quote(lmer(Reaction ~ Days + (1 | Subject), gaps, REML = FALSE)),
    line = quote(lm(Reaction ~ Days + late, gaps))
  ),
  singular = list(
    batches = quote(lmer(Yield ~ 1 + (1 | Batch), Dyestuff2, REML = FALSE)),
    mean = quote(lm(Yield ~ 1, Dyestuff2))
  ),
  trials = list(
    herds = quote(glmer(cbind(incidence, size - incidence) ~ period + (1 | herd), cbpp, binomial)),
    periods = quote(glmer(cbind(incidence, size - incidence) ~ 1 + (1 | herd), cbpp, binomial))
  ),
  moist = list(
    mixed = quote(glmer(moist ~ recipe + (1 | replicate), moistened, binomial)),
    odds = quote(glm(moist ~ recipe, binomial, moistened))
  ),
  counts = list(
    herds = quote(glmer(incidence ~ period + (1 | herd), cbpp, poisson)),
    periods = quote(glm(incidence ~ period, poisson, cbpp))
  )
)

#' performance's table, and R's own log-likelihoods and criteria
compared <- function(name) {
  fits <- lapply(compared_sets[[name]], function(call) suppressMessages(suppressWarnings(eval(call))))
  estimator <- if (isREML(fits[[1L]])) "REML" else "ML"
  call <- as.call(c(
    quote(performance::compare_performance), lapply(names(fits), as.name),
    list(estimator = estimator, verbose = FALSE)
  ))
  table <- suppressWarnings(eval(call, fits))
  table <- table[match(names(fits), table$Name), ]
  figure <- function(name) {
    if (is.null(table[[name]])) rep(NA_real_, nrow(table)) else as.double(table[[name]])
  }
  likelihoods <- lapply(fits, logLik)
  list(
    names = names(fits), log_likelihood = vapply(likelihoods, as.double, 1),
    n_parameters = vapply(likelihoods, function(x) as.double(attr(x, "df")), 1),
    aic = figure("AIC"), aicc = figure("AICc"), bic = vapply(fits, BIC, 1),
    aic_weight = figure("AIC_wt"), aicc_weight = figure("AICc_wt"),
    bic_weight = if (name %in% c("trials", "moist")) NULL else figure("BIC_wt"),
    r2_marginal = figure("R2_marginal"), r2_conditional = figure("R2_conditional"),
    r2 = figure("R2"), r2_adjusted = figure("R2_adjusted"), icc = figure("ICC"),
    rmse = figure("RMSE"), sigma = figure("Sigma")
  )
}

#' performance's shares of variance with bootstrap intervals
shares <- function(name, conf_level, n_sim, seed) {
  fit <- fitted_model(name)
  quietly <- function(code) suppressMessages(suppressWarnings(code))
  with_ends <- function(of) {
    set.seed(seed)
    quietly(of(fit, ci = conf_level, iterations = n_sim))
  }
  icc <- with_ends(performance::icc)
  r2 <- with_ends(performance::r2_nakagawa)
  # Each the share, then the ends of its interval.
  list(
    adjusted = if (is.list(icc)) as.double(icc$ICC_adjusted) else NA_real_,
    unadjusted = if (is.list(icc)) as.double(icc$ICC_unadjusted) else NA_real_,
    marginal = as.double(r2$R2_marginal), conditional = as.double(r2$R2_conditional)
  )
}

#' performance's shares by group
shares_by_group <- function(name) {
  fit <- fitted_model(name)
  icc <- suppressWarnings(performance::icc(fit, by_group = TRUE))
  r2 <- suppressWarnings(performance::r2_nakagawa(fit, by_group = TRUE))
  list(groups = icc$Group, icc = icc$ICC, levels = r2$Level, r2 = r2$R2)
}

#' New rows for the models whose new observations are predicted
new_rows <- function(name) {
  switch(name,
    slopes = data.frame(Days = c(0, 4.5, 9), Subject = c("308", "335", "372")),
    excluded = ,
    gaps = data.frame(
      Days = c(0, 9), late = factor(c("no", "yes"), levels(gaps$late)), Subject = c("309", "351")
    ),
    nested = data.frame(batch = c("A", "H"), cask = c("a", "c")),
    singular = data.frame(Batch = c("A", "C")),
    crossed = data.frame(plate = c("a", "x"), sample = c("B", "F")),
    trials = data.frame(period = factor(c(1, 3)), herd = c("2", "15")),
    counts = data.frame(period = factor(c(1, 3)), size = c(10, 22), herd = c("2", "15"))
  )
}

#' Quantiles of new observations, one for each refit of bootMer()
#'
#' @param new_groups Draw effects of new groups?
#' @param at_data Predict the rows used, not new ones?
observed_anew <- function(name, new_groups, at_data, use_u, n_sim, seed, conf_level, trials) {
  fit <- fitted_model(name)
  at <- if (!at_data) new_rows(name)
  form <- if (new_groups) NA
  parts <- function(fit) {
    link <- predict(fit, newdata = at, re.form = form)
    factors <- unlist(lapply(getME(fit, "Tlist"), as.vector))
    as.numeric(c(link[!is.na(link)], factors, sigma(fit)))
  }
  refits <- suppressMessages(suppressWarnings(
    bootMer(fit, parts, nsim = n_sim, seed = seed, use.u = use_u)
  ))$t
  n <- if (at_data) nobs(fit) else nrow(at)
  sizes <- lengths(getME(fit, "cnms"))
  # Models here have intercepts and slopes of columns of numbers alone.
  rows <- if (at_data) model.frame(fit) else at
  designs <- lapply(getME(fit, "cnms"), function(columns) {
    sapply(columns, function(column) if (column == "(Intercept)") rep(1, n) else rows[[column]])
  })
  weights <- if (at_data) fit@resp$weights else rep(trials, n)
  drawn <- sapply(seq_len(n_sim), function(i) {
    link <- refits[i, 1:n]
    sigma <- refits[i, ncol(refits)]
    if (new_groups) {
      at <- n
      effects <- 0
      for (j in seq_along(designs)) {
        factor <- matrix(refits[i, at + seq_len(sizes[j]^2)], sizes[j])
        at <- at + sizes[j]^2
        normal <- matrix(rnorm(n * sizes[j]), n)
        effects <- effects + rowSums(designs[[j]] * (normal %*% t(factor)))
      }
      link <- link + sigma * effects
    }
    if (isLMM(fit)) {
      rnorm(n, link, sigma)
    } else if (family(fit)$family == "binomial") {
      rbinom(n, weights, plogis(link)) / weights
    } else {
      rpois(n, exp(link))
    }
  })
  ends <- apply(drawn, 1, quantile, c((1 - conf_level) / 2, (1 + conf_level) / 2))
  list(conf_low = ends[1, ], conf_high = ends[2, ])
}

#' merTools' intervals
simulated_anew <- function(name, new_groups, n_sim, seed, conf_level) {
  fit <- fitted_model(name)
  found <- suppressWarnings(merTools::predictInterval(fit,
    newdata = new_rows(name), which = if (new_groups) "fixed" else "full", level = conf_level,
    n.sims = n_sim, seed = seed, type = if (name == "trials") "probability" else "linear.prediction"
  ))
  list(estimate = found$fit, conf_low = found$lwr, conf_high = found$upr)
}

#' datawizard's refit to standardized data, and effectsize's coefficients where it is there
standardized <- function(name, two_sd, response) {
  fit <- fitted_model(name)
  refit <- suppressMessages(suppressWarnings(
    datawizard::standardize(fit, two_sd = two_sd, include_response = response)
  ))
  table <- coef(summary(refit))
  frame <- if (isS4(refit)) refit@frame else refit$model
  scaled <- Filter(function(column) !is.null(attr(column, "scale")), as.list(frame))
  of_package <- if (requireNamespace("effectsize", quietly = TRUE) && !two_sd && response) {
    suppressMessages(suppressWarnings(
      effectsize::standardize_parameters(fit, method = "refit", ci = NULL)
    ))$Std_Coefficient
  }
  list(
    terms = rownames(table), estimate = unname(table[, 1]), std_error = unname(table[, 2]),
    columns = names(scaled), center = vapply(scaled, function(x) as.double(attr(x, "center")), 1),
    scale = vapply(scaled, function(x) as.double(attr(x, "scale")), 1), of_package = of_package
  )
}
