# Plain R's side of bootstrap.py: prints a name and seconds of clock on each line.

suppressMessages({
  library(lme4)
  library(pbkrtest)
})
arguments <- commandArgs(trailingOnly = TRUE)
n <- as.integer(arguments[1L])
data <- read.csv(arguments[2L], colClasses = c(school = "factor"))

clock <- function(name, expression) {
  seconds <- system.time(suppressMessages(suppressWarnings(force(expression))))[["elapsed"]]
  cat(name, seconds, "\n")
}

fit <- lmer(Reaction ~ Days + (Days | Subject), sleepstudy)
invisible(suppressWarnings(bootMer(fit, fixef, nsim = 5)))
clock("bootmer", bootMer(fit, fixef, nsim = n, seed = 1))
clock("multicore", bootMer(fit, fixef, nsim = n, seed = 1, parallel = "multicore", ncpus = 2))

large <- lmer(score ~ hours + (hours | school), data)
small <- lmer(score ~ 1 + (hours | school), data)
clock("ratios", {
  set.seed(1)
  PBmodcomp(large, small, nsim = n)
})

subjects <- split(seq_len(nrow(sleepstudy)), sleepstudy$Subject)
clock("cases", {
  set.seed(1)
  for (i in seq_len(n)) {
    drawn <- subjects[sample.int(length(subjects), replace = TRUE)]
    resampled <- sleepstudy[unlist(drawn), ]
    resampled$Subject <- factor(rep(seq_along(drawn), lengths(drawn)))
    fixef(lmer(Reaction ~ Days + (Days | Subject), resampled))
  }
})

set.seed(2)
responses <- simulate(fit, n)
clock("responses", for (i in seq_len(n)) {
  changed <- sleepstudy
  changed$Reaction <- responses[[i]]
  coef(summary(lmer(Reaction ~ Days + (Days | Subject), changed)))
})
