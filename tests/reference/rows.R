# Comparisons of models of the complete cases, as an R user would make them. Plain R: nothing here
# knows of pymer_bridge.

suppressMessages(library(lme4))

complete_cases <- function(columns) {
  data <- as.data.frame(columns, stringsAsFactors = TRUE)
  data[stats::complete.cases(data), ]
}

quietly <- function(expression) suppressWarnings(suppressMessages(expression))

#' @param columns Lists of y, x, z, w and g.
compared <- function(columns, weighted, reml) {
  # pbkrtest looks for the data in the workspace.
  assign("cases", complete_cases(columns), envir = globalenv())
  on.exit(rm("cases", envir = globalenv()))
  large <- if (weighted) {
    quietly(lmer(y ~ x + z + (x | g), cases, weights = w, REML = reml))
  } else {
    quietly(lmer(y ~ x + z + (1 | g), cases, REML = reml))
  }
  small <- quietly(update(large, . ~ . - z))
  kr <- pbkrtest::KRmodcomp(large, small)$test
  sat <- pbkrtest::SATmodcomp(large, small)$test
  set.seed(3)
  boot <- quietly(pbkrtest::PBmodcomp(large, small, nsim = 5))
  table <- quietly(anova(small, large))
  list(
    kr = c(kr["Ftest", "stat"], kr["Ftest", "ndf"], kr["Ftest", "ddf"], kr["Ftest", "p.value"]),
    sat = c(sat[["statistic"]][1L], sat[["ndf"]][1L], sat[["ddf"]][1L], sat[["p.value"]][1L]),
    boot = c(boot$LRTstat[["tobs"]], boot$test["PBtest", "p.value"]),
    anova = c(table$AIC, table$logLik, table$Chisq[2L], table[2L, "Pr(>Chisq)"])
  )
}

#' For counts z of a generalized model, as given in `columns`
compared_counts <- function(columns) {
  data <- complete_cases(columns)
  large <- quietly(glmer(count ~ x + z + (1 | g), data, poisson))
  table <- quietly(anova(update(large, . ~ . - z), large))
  c(table$AIC, table$logLik, table$Chisq[2L], table[2L, "Pr(>Chisq)"])
}
