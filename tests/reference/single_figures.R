# Figures that take one call each, written out by hand. Plain R: nothing here knows of pymer_bridge.
#
#   Rscript --vanilla single_figures.R ANSWERS STATE
#
# writes a named list of vectors to the file ANSWERS (saveRDS). It ends with status 3 at once where
# the process is not in the wanted state (lme4 issue 745).

suppressMessages(library(lme4))
arguments <- commandArgs(trailingOnly = TRUE)
script <- sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE))
other <- new.env()
sys.source(file.path(dirname(script), "all_fit.R"), other)
try_all <- other$try_all
crossed <- lmer(diameter ~ 1 + (1 | plate) + (1 | sample), Penicillin)
if (getME(crossed, "L")@type[1L] != as.integer(arguments[2L])) {
  quit(status = 3L)
}

answers <- list()
keep <- function(name, ...) answers[[name]] <<- unlist(list(...), use.names = FALSE)
quietly <- function(expression) suppressWarnings(suppressMessages(expression))
printed <- function(x) capture.output(print(x))

slopes <- lmer(Reaction ~ Days + (Days | Subject), sleepstudy)
slopes_ml <- lmer(Reaction ~ Days + (Days | Subject), sleepstudy, REML = FALSE)
herds <- glmer(cbind(incidence, size - incidence) ~ period + (1 | herd), cbpp, binomial)

# -- shares of variance, where performance is installed ----------------------------------------------

for (name in c("slopes", "herds")) {
  keep(paste("shares", name), if (requireNamespace("performance", quietly = TRUE)) {
    shares <- performance::icc(get(name))
    r2 <- performance::r2_nakagawa(get(name))
    c(shares$ICC_adjusted, shares$ICC_unadjusted, r2$R2_marginal, r2$R2_conditional)
  })
}

# -- replicates ------------------------------------------------------------------------------------

boot <- quietly(bootMer(slopes_ml, fixef, nsim = 40, seed = 1))
keep("bootstrap", boot$t0, colMeans(boot$t) - boot$t0, apply(boot$t, 2, sd))
tails <- c(0.05, 0.95)
days <- boot$t[, "Days"]
observed <- boot$t0[["Days"]]
keep("lmeresampler percentile", quantile(days, tails))
keep("lmeresampler basic", 2 * observed - rev(quantile(days, tails)))
keep("lmeresampler normal", observed - (mean(days) - observed) + qnorm(tails) * sd(days))
for (kind in c("perc", "basic", "norm")) {
  keep(paste("boot", kind), confint(boot, level = 0.9, type = kind)["Days", ])
}
extreme <- abs(days - observed) >= abs(observed - 8)
keep("p-value", (1 + sum(extreme)) / (1 + length(days)))

small <- lmer(Reaction ~ 1 + (Days | Subject), sleepstudy)
set.seed(4)
test <- quietly(pbkrtest::PBmodcomp(slopes, small, nsim = 25))
table <- summary(test)$test
keep("ratio test", table$stat, table$df, table$ddf, table$p.value)
keep("ratio test in short", test$LRTstat[["tobs"]], test$test["PBtest", "p.value"])

# -- routes to inference on one coefficient ------------------------------------------------------

normal <- coef(summary(slopes))["Days", ]
keep("route normal", normal, 2 * pnorm(abs(normal[[3]]), lower.tail = FALSE),
  normal[[1]] - qnorm(0.975) * normal[[2]])
tested <- lmerTest::as_lmerModLmerTest(slopes)
for (ddf in c("Satterthwaite", "Kenward-Roger")) {
  keep(paste("route", tolower(ddf)), coef(summary(tested, ddf = ddf))["Days", ])
}
table <- quietly(anova(small, slopes))
keep("route likelihood-ratio", table$Chisq[2], table$Df[2], table[2, "Pr(>Chisq)"])
set.seed(7)
test <- quietly(pbkrtest::PBmodcomp(slopes, small, nsim = 20))
keep("route bootstrap-likelihood-ratio", test$LRTstat[["tobs"]], test$test["PBtest", "p.value"])
middle <- (1 + c(-1, 1) * 0.95) / 2
days <- quietly(bootMer(slopes, fixef, nsim = 20, seed = 7))$t[, "Days"]
keep("route parametric-bootstrap", sd(days), quantile(days, middle))
set.seed(7)
days <- vapply(1:20, function(i) {
  groups <- split(seq_len(nrow(sleepstudy)), sleepstudy$Subject)
  drawn <- groups[sample.int(18, replace = TRUE)]
  rows <- lapply(drawn, function(own) own[sample.int(length(own), replace = TRUE)])
  again <- sleepstudy[unlist(rows), ]
  again$Subject <- factor(rep(seq_along(rows), lengths(rows)))
  quietly(fixef(lmer(Reaction ~ Days + (Days | Subject), again))[["Days"]])
}, 0)
keep("route case-bootstrap", sd(days), quantile(days, middle))

# -- many responses --------------------------------------------------------------------------------

sleepstudy$half <- sleepstudy$Reaction / 2
# Without differences between the subjects: a singular fit.
sleepstudy$flat <- as.vector(residuals(lm(Reaction ~ Subject, sleepstudy)))
for (response in c("half", "flat")) {
  fit <- quietly(lmer(as.formula(paste(response, "~ Days + (Days | Subject)")), sleepstudy))
  # As confint(method = "boot") takes them.
  spread <- if (packageVersion("lme4") >= "2.0") {
    lme4:::convParToProfPar(fit@optinfo$val, fit, profscale = "sdcor", sc = sigma(fit))
  } else {
    Cv_to_Sv(getME(fit, "theta"), n = lengths(getME(fit, "cnms")), s = sigma(fit))
  }
  keep(paste("many", response), spread, fixef(fit), sqrt(diag(as.matrix(vcov(fit)))),
    REMLcrit(fit), logLik(fit), isSingular(fit))
}

sleepstudy$gappy <- replace(sleepstudy$Reaction, c(3, 4, 5, 56), NA)
for (ddf in c("Satterthwaite", "Kenward-Roger")) {
  for (response in c("Reaction", "half", "gappy")) {
    formula <- as.formula(paste(response, "~ Days + (Days | Subject)"))
    keep(paste("tests", tolower(ddf), response),
      coef(summary(lmerTest::lmer(formula, sleepstudy), ddf = ddf)))
  }
}

# -- influence -------------------------------------------------------------------------------------

found <- quietly(influence(slopes, "Subject"))
keep("influence", fixef(slopes), found[["var.cov.comps"]])
none <- lmer(Reaction ~ 0 + (1 | Subject), sleepstudy)
keep("influence of none", quietly(influence(none, "Subject"))[["var.cov.comps[-Subject]"]])
keep("influence singular", vapply(levels(sleepstudy$Subject), function(level) {
  isSingular(quietly(update(slopes, data = sleepstudy[sleepstudy$Subject != level, ])))
}, NA))

# -- optimizers ------------------------------------------------------------------------------------

found <- quietly(summary(try_all(slopes)))
ranges <- apply(cbind(found$llik, found$fixef, found$sdcor, found$theta), 2, range)
keep("agreement", ranges[1, ], ranges[2, ], ranges[2, ] - ranges[1, ])

# -- models without groups -------------------------------------------------------------------------

line <- lm(Reaction ~ poly(Days, 2), sleepstudy, weights = 1 / (1 + Days))
counts <- glm(TICKS ~ YEAR + HEIGHT, poisson, grouseticks)
for (name in c("line", "counts")) {
  fit <- get(name)
  table <- coef(summary(fit))
  ends <- quietly(confint(fit, level = 0.9))
  degrees <- if (name == "line") rep(df.residual(fit), nrow(table))
  keep(paste(name, "effects"), table[, 1:2], degrees, table[, 3:4], ends)
  # Of a linear model anova() of lme4 gives the deviance of the likelihood.
  deviance <- if (name == "line") -2 * as.vector(logLik(fit)) else deviance(fit)
  keep(paste(name, "statistics"), logLik(fit), deviance, AIC(fit), BIC(fit),
    attr(logLik(fit), "df"), df.residual(fit), nobs(fit), sigma(fit))
  keep(paste(name, "rows"), fitted(fit), lapply(
    c("response", "pearson", "deviance", "working"), function(kind) residuals(fit, type = kind)
  ))
  keep(paste(name, "matrices"), vcov(fit), model.matrix(fit))
  keep(paste(name, "summary"), printed(summary(fit)))
}
apart <- lmList(Reaction ~ Days | Subject, sleepstudy)
keep("apart", sigma(apart), sum(vapply(apart, nobs, 1)))

# -- families --------------------------------------------------------------------------------------

ticks <- quietly(glmer.nb(TICKS ~ 1 + (1 | BROOD), grouseticks))
keep("size", getME(ticks, "glmer.nb.theta"))
for (name in c("ticks", "herds", "counts")) {
  keep(paste("family", name), family(get(name))$family, family(get(name))$link)
}

saveRDS(answers, arguments[1L])
