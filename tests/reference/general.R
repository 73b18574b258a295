# Tests of generalized models and of models without random effects, written out by hand. Plain R:
# nothing here knows of pymer_bridge.
#
#   Rscript --vanilla general.R ANSWERS STATE
#
# writes a named list of vectors to the file ANSWERS (saveRDS). It ends with status 3 at once where
# the process is not in the wanted state (lme4 issue 745).

suppressMessages(library(lme4))
arguments <- commandArgs(trailingOnly = TRUE)
crossed <- lmer(diameter ~ 1 + (1 | plate) + (1 | sample), Penicillin)
if (getME(crossed, "L")@type[1L] != as.integer(arguments[2L])) {
  quit(status = 3L)
}

answers <- list()
keep <- function(name, ...) answers[[name]] <<- unlist(list(...), use.names = FALSE)
quietly <- function(expression) suppressWarnings(suppressMessages(expression))

herds <- transform(cbpp,
  share = incidence / size, ill = as.integer(incidence > 2), sick = factor(incidence > 2)
)
gappy <- transform(herds, z = seq_along(size))
gappy$z[c(5, 20)] <- NA
whole <- gappy[!is.na(gappy$z), ]

# -- bootstraps of the likelihood ratio ---------------------------------------------------------------

#' pbkrtest's own test; from 0.5.5 on it stops for glmer(), and gets what it drew before
compare <- function(name, large, small) {
  set.seed(3)
  test <- quietly(if (is(large, "glmerMod") && packageVersion("pbkrtest") >= "0.5.5") {
    ratios <- vapply(simulate(small, nsim = 6), function(y) {
      tryCatch(2 * as.double(logLik(refit(large, y)) - logLik(refit(small, y))),
        error = function(condition) NA_real_
      )
    }, 1)
    pbkrtest::PBmodcomp(large, small, ref = ratios[!is.na(ratios)])
  } else {
    pbkrtest::PBmodcomp(large, small, nsim = 6)
  })
  table <- summary(test)$test
  keep(name, test$ref, table$stat, table$df, table$ddf, table$p.value)
}

shares <- glmer(share ~ period + (1 | herd), herds, binomial, weights = size)
pairs <- glmer(cbind(incidence, size - incidence) ~ period + (1 | herd), herds, binomial)
counts <- glmer(incidence ~ period + offset(log(size)) + (1 | herd), herds, poisson)
sizes <- quietly(glmer.nb(TICKS ~ YEAR + (1 | BROOD), grouseticks))
own <- quietly(glmer.nb(TICKS ~ 1 + (1 | BROOD), grouseticks))
compare("shares", shares, update(shares, . ~ . - period))
compare("pairs", pairs, update(pairs, . ~ . - period))
compare("counts", counts, update(counts, . ~ . - period))
compare("offset", glmer(incidence ~ period + (1 | herd), herds, poisson, offset = log(size)),
  glmer(incidence ~ 1 + (1 | herd), herds, poisson, offset = log(size)))
compare("zeros", quietly(glmer(ill ~ size + (1 | herd), herds, binomial)),
  quietly(glmer(ill ~ 1 + (1 | herd), herds, binomial)))
compare("factor", quietly(glmer(sick ~ size + (1 | herd), herds, binomial)),
  quietly(glmer(sick ~ 1 + (1 | herd), herds, binomial)))
compare("gamma", quietly(glmer(size ~ period + (1 | herd), herds, Gamma("log"))),
  quietly(glmer(size ~ 1 + (1 | herd), herds, Gamma("log"))))
compare("gaps", glmer(incidence ~ z + (1 | herd), whole, poisson),
  glmer(incidence ~ 1 + (1 | herd), whole, poisson))
compare("sizes", sizes, update(sizes, . ~ . - YEAR))
compare("own sizes", sizes, own)
compare("quadrature",
  glmer(incidence ~ period + (1 | herd), herds, poisson, nAGQ = 5),
  glmer(incidence ~ 1 + (1 | herd), herds, poisson, nAGQ = 5))
compare("line", lm(size ~ period + incidence, herds), lm(size ~ incidence, herds))
compare("weighted", lm(size ~ period, herds, weights = incidence + 1),
  lm(size ~ 1, herds, weights = incidence + 1))
compare("line with gaps", lm(size ~ z + period, whole), lm(size ~ period, whole))
compare("plain counts", glm(incidence ~ period, poisson, herds, offset = log(size)),
  glm(incidence ~ 1, poisson, herds, offset = log(size)))
compare("plain pairs", glm(cbind(incidence, size - incidence) ~ period, binomial, herds),
  glm(cbind(incidence, size - incidence) ~ 1, binomial, herds))
compare("plain zeros", glm(ill ~ size, binomial, herds), glm(ill ~ 1, binomial, herds))
compare("plain factor", glm(sick ~ size, binomial, herds), glm(sick ~ 1, binomial, herds))
compare("plain gamma", glm(size ~ period, Gamma("log"), herds), glm(size ~ 1, Gamma("log"), herds))

#' The model of a restriction, which keeps a call whose data are here
restrict <- function(large, restriction) {
  restricted <<- cbind(as.data.frame(structure(
    pbkrtest::make_model_matrix(getME(large, "X"), restriction),
    dimnames = list(NULL, paste0(".X", 1:3))
  )), herds)
  quietly(update(large, . ~ .X1 + .X2 + .X3 + (1 | herd) - 1, data = restricted))
}
compare("restricted", pairs, restrict(pairs, rbind(c(0, 1, -1, 0))))

# -- tests of terms by car, where it is installed -----------------------------------------------------

test_terms <- function(name, fit) {
  for (type in 2:3) {
    table <- car::Anova(fit, type = type)
    keep(paste("terms", name, type), table$Chisq, table$Df, table[["Pr(>Chisq)"]])
    answers[[paste("printed", name, type)]] <<- capture.output(print(table))
  }
}
if (requireNamespace("car", quietly = TRUE)) {
  odd <- data.frame(herds, `my x` = seq_along(herds$size) %% 7, check.names = FALSE)
  odd[["if"]] <- factor(c("a", "b", "c"))[seq_along(herds$size) %% 3 + 1]
  test_terms("pairs", pairs)
  test_terms("shares", shares)
  test_terms("counts", counts)
  test_terms("gaps", glmer(incidence ~ z + (1 | herd), gappy, poisson, na.action = na.exclude))
  test_terms("sizes", sizes)
  test_terms("odd", quietly(
    glmer(incidence ~ `my x` * `if` + (1 | herd), odd, poisson, weights = size)
  ))
  test_terms("sums", quietly(
    glmer(ill ~ size + period + (1 | herd), herds, binomial, contrasts = list(period = contr.sum))
  ))
}

# -- routes to inference on one coefficient ----------------------------------------------------------

#' Estimate, standard error, statistic and p-value of a coefficient, and ends of an interval
route <- function(name, fit, term, ends) keep(name, coef(summary(fit))[term, ], ends[term, ])

zeros <- quietly(glmer(ill ~ size + (1 | herd), herds, binomial))
route("zeros normal", zeros, "size", confint(zeros, method = "Wald"))
keep("zeros profile", quietly(confint(zeros, "size", quiet = TRUE)))
ratios <- quietly(anova(glmer(ill ~ 1 + (1 | herd), herds, binomial), zeros))
keep("zeros likelihood-ratio", ratios$Chisq[2], ratios$Df[2], ratios[["Pr(>Chisq)"]][2])
# anova() compares the names of data.
ratio <- 2 * as.double(logLik(pairs) - logLik(restrict(pairs, rbind(c(0, 1, 0, 0)))))
keep("pairs likelihood-ratio", ratio, 1, pchisq(ratio, 1, lower.tail = FALSE))

line <- lm(size ~ period + incidence, herds)
small <- lm(size ~ period, herds)
route("line t", line, "incidence", confint(line))
tests <- anova(small, line)
keep("line F", tests$F[2], line$df.residual, tests[["Pr(>F)"]][2])
ratio <- 2 * as.double(logLik(line) - logLik(small))
keep("line likelihood-ratio", ratio, 1, pchisq(ratio, 1, lower.tail = FALSE))

ticks <- glm(TICKS ~ YEAR + HEIGHT, poisson, grouseticks)
small <- update(ticks, . ~ . - HEIGHT)
route("ticks normal", ticks, "HEIGHT", confint.default(ticks))
keep("ticks profile", quietly(confint(ticks, "HEIGHT")))
tests <- anova(small, ticks, test = "LRT")
keep("ticks likelihood-ratio", tests$Deviance[2], tests$Df[2], tests[["Pr(>Chi)"]][2])

sizes_alone <- glm(size ~ period + incidence, Gamma("log"), herds)
small <- update(sizes_alone, . ~ . - incidence)
half <- qt(0.975, sizes_alone$df.residual) * sqrt(diag(vcov(sizes_alone)))[["incidence"]]
middle <- coef(sizes_alone)[["incidence"]]
keep("gamma t", coef(summary(sizes_alone))["incidence", ], middle - half, middle + half)
tests <- anova(small, sizes_alone, test = "F")
keep("gamma F", tests$F[2], sizes_alone$df.residual, tests[["Pr(>F)"]][2])
tests <- anova(small, sizes_alone, test = "LRT")
keep("gamma likelihood-ratio", tests$Deviance[2] / summary(sizes_alone)$dispersion, 1,
  tests[["Pr(>Chi)"]][2])

saveRDS(answers, arguments[1L])
