# The recap notebook as an R user would type it, written out by hand. Plain R: nothing here knows
# of pymer_bridge.
#
#   Rscript --vanilla recap.R ANSWERS STATE N
#
# takes N draws in each bootstrap, and writes a list to the file ANSWERS (saveRDS): for each line of the notebook that shows something,
# its numbers by column, and what R prints of it where R prints it. It ends with status 3 at once
# where the process is not in the wanted state (lme4 issue 745).

suppressMessages({
  library(lme4)
  library(lmerTest)
  library(pbkrtest)
  library(emmeans)
})
arguments <- commandArgs(trailingOnly = TRUE)
n_sim <- as.integer(arguments[3L])
script <- sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE))
source(file.path(dirname(script), "childread.R"))
lmer <- lme4::lmer

crossed <- lmer(diameter ~ 1 + (1 | plate) + (1 | sample), Penicillin)
if (getME(crossed, "L")@type[1L] != as.integer(arguments[2L])) {
  quit(status = 3L)
}

answers <- list()
#' Keep what a line of the notebook shows
keep <- function(line, ...) answers[[line]] <<- list(...)
quietly <- function(expression) suppressWarnings(suppressMessages(expression))
printed <- function(x) capture.output(print(x))

drawn <- childread(1)
childread <- data.frame(
  child = paste0("child_", seq_len(132)), school = paste0("school_", drawn$school),
  hrs_week = drawn$hours, reading_age = drawn$age
)
keep("childread.head()",
  hrs_week = head(childread$hrs_week, 5), reading_age = head(childread$reading_age, 5),
  child = head(childread$child, 5), school = head(childread$school, 5)
)

# -- pooling ---------------------------------------------------------------------------------------

#' Coefficients of lm() with intervals
coefficients_of <- function(fit) {
  table <- coef(summary(fit))
  ends <- confint(fit)
  list(
    estimate = table[, 1], std_error = table[, 2], df = rep(df.residual(fit), nrow(table)),
    statistic = table[, 3], p_value = table[, 4], conf_low = ends[, 1], conf_high = ends[, 2]
  )
}

#' What measures a fit; the deviance is that of the likelihood, as anova() gives it
statistics_of <- function(fit) {
  reml <- inherits(fit, "merMod") && isREML(fit)
  deviance <- if (inherits(fit, "merMod")) deviance(fit, REML = FALSE) else -2 * as.vector(logLik(fit))
  c(
    if (reml) REMLcrit(fit), as.vector(logLik(fit)), deviance, AIC(fit), BIC(fit),
    attr(logLik(fit), "df"), df.residual(fit), nobs(fit)
  )
}

line <- lm(reading_age ~ hrs_week, childread)
do.call(keep, c(list("line"), coefficients_of(line), list(statistics = statistics_of(line))))

by_school <- lmList(reading_age ~ hrs_week | school, childread)
slopes <- coef(by_school)$hrs_week
keep('slopes["estimate"].describe().round(2)', estimate = round(
  c(length(slopes), mean(slopes), sd(slopes), quantile(slopes, c(0, 0.25, 0.5, 0.75, 1))), 2
))

with_schools <- lm(reading_age ~ hrs_week + school, childread)
row <- coef(summary(with_schools))["hrs_week", ]
keep('with_schools.report("hrs_week")',
  sentence = c(row[[1]], row[[2]], df.residual(with_schools), row[[3]], row[[4]])
)

#' Every figure that a mixed model shows
model_of <- function(fit) {
  table <- coef(summary(fit))
  variances <- as.data.frame(VarCorr(fit))
  single <- is.na(variances$var2)
  list(
    variance = variances$vcov[single], std_dev = variances$sdcor[single],
    correlation = variances$sdcor[!single], estimate = table[, 1], std_error = table[, 2],
    statistic = table[, 3], statistics = statistics_of(fit), groups = unname(ngrps(fit))
  )
}

full <- lmer(reading_age ~ 1 + hrs_week + (1 + hrs_week | school), childread)
do.call(keep, c(list("full"), model_of(full)))
keep('print(full.summary(ddf="none"))', text = printed(summary(full)))
model1 <- full
model2 <- line
table <- quietly(anova(model1, model2))
#' A table of anova() by columns
anova_of <- function(table) {
  list(
    n_parameters = table$npar, aic = table$AIC, bic = table$BIC, log_likelihood = table$logLik,
    # lme4 1.1-36 renamed the column.
    deviance = table[[intersect(c("deviance", "-2*log(L)"), names(table))]],
    chi_square = table$Chisq, df = table$Df, p_value = table[["Pr(>Chisq)"]]
  )
}
do.call(keep, c(list("pb.anova(full, line)"), anova_of(table), list(text = printed(table))))

modes <- ranef(full, condVar = TRUE)$school
variances <- attr(modes, "postVar")
keep("school.estimate, departure.estimate, departure.std_error", values = c(
  coef(full)$school["school_3", "hrs_week"], modes["school_3", "hrs_week"],
  sqrt(variances[2, 2, which(rownames(modes) == "school_3")])
))

null <- lmer(reading_age ~ 1 + (1 | school), childread)
shares <- as.data.frame(VarCorr(null))$vcov
keep("round(between / (between + within), 3)", values = round(shares[1] / sum(shares), 3))

# -- seven ways ------------------------------------------------------------------------------------

restricted <- lmer(reading_age ~ 1 + (1 + hrs_week | school), childread)
estimate <- fixef(full)
error <- sqrt(diag(as.matrix(vcov(full))))
normal <- list(
  estimate = estimate, std_error = error, statistic = estimate / error,
  p_value = 2 * pnorm(abs(estimate / error), lower.tail = FALSE),
  conf_low = estimate - qnorm(0.975) * error, conf_high = estimate + qnorm(0.975) * error
)
do.call(keep, c(list('full.fixed_effects(ddf="normal")'), normal))

tested <- lmerTest::lmer(reading_age ~ 1 + hrs_week + (1 + hrs_week | school), childread)
#' Tests of lmerTest with the intervals that belong to them
t_tests_of <- function(fit, ddf) {
  table <- coef(summary(fit, ddf = ddf))
  half <- qt(0.975, table[, "df"]) * table[, "Std. Error"]
  list(
    estimate = table[, "Estimate"], std_error = table[, "Std. Error"], df = table[, "df"],
    statistic = table[, "t value"], p_value = table[, "Pr(>|t|)"],
    conf_low = table[, "Estimate"] - half, conf_high = table[, "Estimate"] + half
  )
}
satterthwaite <- t_tests_of(tested, "Satterthwaite")
do.call(keep, c(list('full.fixed_effects(ddf="satterthwaite")'), satterthwaite))
in_words <- c("estimate", "std_error", "df", "statistic", "p_value")
of <- function(tests, term, columns = in_words) {
  vapply(tests[columns], function(column) column[[term]], 0)
}
keep('full.report("hrs_week")', sentence = unname(of(satterthwaite, "hrs_week")))

kr <- KRmodcomp(full, restricted)
keep("pb.kr_modcomp(full, restricted)",
  values = unlist(kr$stats[c("Fstat", "ndf", "ddf", "F.scaling", "p.value")]), text = printed(kr)
)

model1 <- restricted
model2 <- full
table <- quietly(anova(model1, model2))
do.call(keep, c(list("pb.anova(restricted, full)"), anova_of(table), list(text = printed(table))))

set.seed(1)
test <- quietly(PBmodcomp(full, restricted, nsim = n_sim))
ratios <- summary(test)$test
keep("pb.pb_modcomp(full, restricted, n_sim=200, seed=1, n_jobs=2)",
  statistic = ratios$stat, df = ratios$df, df2 = ratios$ddf, p_value = ratios$p.value,
  replicates = test$samples[c("npos", "nsim")]
)

#' Every parameter as confint(method = "boot") takes it: a correlation with what does not vary is 0
parameters_of <- function(fit) {
  spread <- if (packageVersion("lme4") >= "2.0") {
    lme4:::convParToProfPar(fit@optinfo$val, fit, profscale = "sdcor", sc = sigma(fit))
  } else {
    Cv_to_Sv(getME(fit, "theta"), n = lengths(getME(fit, "cnms")), s = sigma(fit))
  }
  c(unname(spread), fixef(fit))
}
#' Percentile intervals by boot::boot.ci(), of replicates in rows
percentiles_of <- function(replicates, observed) {
  ends <- vapply(seq_along(observed), function(i) {
    own <- structure(list(
      t0 = observed[i], t = replicates[, i, drop = FALSE], R = nrow(replicates), sim = "parametric"
    ), class = "boot")
    boot::boot.ci(own, type = "perc", t0 = observed[i], t = replicates[, i])$percent[4:5]
  }, c(0, 0))
  list(conf_low = ends[1, ], conf_high = ends[2, ])
}
replicates <- quietly(bootMer(full, parameters_of, nsim = n_sim, seed = 1))$t
do.call(keep, c(list('parametric.confint("percentile")'), percentiles_of(replicates, parameters_of(full))))

#' The model fitted to schools drawn with replacement, and children within them
case_replicates <- function(n) {
  schools <- factor(childread$school)
  t(vapply(seq_len(n), function(i) {
    groups <- split(seq_len(nrow(childread)), schools)
    groups <- groups[sample.int(length(groups), replace = TRUE)]
    rows <- lapply(groups, function(own) own[sample.int(length(own), replace = TRUE)])
    again <- childread[unlist(rows), ]
    again$school <- factor(rep(seq_along(rows), lengths(rows)))
    parameters_of(quietly(
      lmer(reading_age ~ 1 + hrs_week + (1 + hrs_week | school), again)
    ))
  }, parameters_of(full)))
}
set.seed(1)
cases <- case_replicates(n_sim)
do.call(keep, c(list('cases.confint("percentile")'), percentiles_of(cases, parameters_of(full))))

# The routes take R's ordinary quantiles.
quantiles <- function(values) unname(quantile(values, (1 + c(-1, 1) * 0.95) / 2))
kenward_roger <- t_tests_of(tested, "Kenward-Roger")
both <- quietly(anova(restricted, full))
drawn <- quietly(bootMer(full, fixef, nsim = n_sim, seed = 1))$t[, "hrs_week"]
cased <- cases[, ncol(cases)]
columns <- c("estimate", "std_error", "df", "statistic", "p_value", "conf_low", "conf_high")
rows <- rbind(
  of(c(normal, list(df = c(hrs_week = NA))), "hrs_week", columns),
  of(satterthwaite, "hrs_week", columns),
  of(kenward_roger, "hrs_week", columns),
  c(NA, NA, both$Df[2], both$Chisq[2], both[["Pr(>Chisq)"]][2], NA, NA),
  c(NA, NA, NA, test$LRTstat[["tobs"]], test$test["PBtest", "p.value"], NA, NA),
  c(estimate[["hrs_week"]], sd(drawn), NA, NA, NA, quantiles(drawn)),
  c(estimate[["hrs_week"]], sd(cased), NA, NA, NA, quantiles(cased))
)
do.call(keep, c(list("routes"), lapply(structure(seq_along(columns), names = columns), function(i) {
  unname(rows[, i])
})))

# -- models in a table -----------------------------------------------------------------------------

shares_of <- function(fit) {
  if (!inherits(fit, "merMod")) {
    return(summary(fit)$r.squared)
  }
  if (requireNamespace("performance", quietly = TRUE)) {
    r2 <- performance::r2_nakagawa(fit)
    return(c(r2$R2_marginal, r2$R2_conditional, performance::icc(fit)$ICC_adjusted))
  }
  if (!requireNamespace("insight", quietly = TRUE)) {
    return(NA)
  }
  of <- insight::get_variance(fit)
  whole <- of$var.fixed + of$var.random + of$var.residual
  c(
    of$var.fixed / whole, (of$var.fixed + of$var.random) / whole,
    of$var.random / (of$var.random + of$var.residual)
  )
}
table_of <- function(fit) {
  table <- coef(summary(fit))
  spread <- if (inherits(fit, "merMod")) as.data.frame(VarCorr(fit))
  list(
    estimate = table[, 1], std_error = table[, 2],
    spread = if (is.null(spread)) sigma(fit) else spread$sdcor,
    shares = shares_of(fit), n_obs = nobs(fit),
    groups = if (is.null(spread)) NA else unname(ngrps(fit)),
    log_likelihood = as.vector(logLik(fit)), aic = AIC(fit), bic = BIC(fit)
  )
}
keep('pb.model_table(line, null, full, names=["lm", "null", "full"])',
  lm = unlist(table_of(line), use.names = FALSE),
  null = unlist(table_of(null), use.names = FALSE), full = unlist(table_of(full), use.names = FALSE)
)

# -- sleepstudy ------------------------------------------------------------------------------------

sleep <- lmer(Reaction ~ Days + (Days | Subject), sleepstudy)
do.call(keep, c(list("sleep"), model_of(sleep)))
tested <- lmerTest::lmer(Reaction ~ Days + (Days | Subject), sleepstudy)
keep('sleep.report("Days", interval=True)', sentence = unname(of(t_tests_of(tested, "Satterthwaite"),
  "Days", c("estimate", "std_error", "conf_low", "conf_high", "df", "statistic", "p_value")
)))
model1 <- lmer(Reaction ~ Days + (Days || Subject), sleepstudy)
model2 <- sleep
table <- quietly(anova(model1, model2))
do.call(keep, c(list("pb.anova(apart, sleep)"), anova_of(table), list(text = printed(table))))

means <- summary(emmeans(sleep, "Days", at = list(Days = c(0, 9))), infer = c(TRUE, TRUE))
keep('sleep.emmeans("Days", at={"Days": [0, 9]})',
  Days = means$Days, estimate = means$emmean, std_error = means$SE, df = means$df,
  statistic = means$t.ratio, p_value = means$p.value, conf_low = means$lower.CL,
  conf_high = means$upper.CL, text = printed(means)
)
distances <- cooks.distance(quietly(influence(sleep, "Subject")))
largest <- order(distances, decreasing = TRUE)[1:3]
keep('influence.to_frame().nlargest(3, "cooks_distance")[["level", "cooks_distance"]]',
  cooks_distance = unname(distances[largest]), level = levels(sleepstudy$Subject)[largest]
)

saveRDS(lapply(answers, function(answer) {
  lapply(answer, function(values) if (is.character(values)) values else as.double(values))
}), arguments[1L])
