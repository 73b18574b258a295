# What an R user writes by hand; run in the process of ours by fits.py, alone by Rscript.

workspace <- new.env(parent = globalenv())

prepare <- function() {
  utils::data(
    list = c("sleepstudy", "Penicillin", "cake", "InstEval"), package = "lme4", envir = workspace
  )
  NULL
}

shorten <- function(name, rows) {
  assign(name, get(name, workspace)[seq_len(rows), ], workspace)
  NULL
}

fit_only <- function(formula, data) {
  fit <- eval(bquote(lme4::lmer(.(str2lang(formula)), .(as.name(data)))), workspace)
  list2env(list(fit = fit))
}

fit_table <- function(formula, data) {
  fit <- eval(bquote(lmerTest::lmer(.(str2lang(formula)), .(as.name(data)))), workspace)
  coef(summary(fit))
}

fit_and_read <- function(formula, data) {
  fit <- eval(bquote(lmerTest::lmer(.(str2lang(formula)), .(as.name(data)))), workspace)
  shown <- summary(fit)
  list2env(list(fit = fit, read = list(
    coef(shown), as.data.frame(lme4::VarCorr(fit)), lme4::ranef(fit, condVar = TRUE), coef(fit),
    lme4::REMLcrit(fit), logLik(fit), deviance(fit, REML = FALSE), AIC(fit), BIC(fit),
    df.residual(fit), shown$optinfo, lme4::isSingular(fit), as.matrix(vcov(fit)), fitted(fit),
    residuals(fit), capture.output(print(anova(fit))), capture.output(print(shown))
  )))
}

# For functions.py: a model of ours, as R's own function bootstraps it.
bootstrap <- function(model, statistic, n) {
  suppressMessages(suppressWarnings(
    lme4::bootMer(model$fit, eval(str2lang(statistic), asNamespace("lme4")), nsim = n, seed = 1)
  ))$t
}

# The resident memory of this process in bytes, now or at most since it was last reset.
resident <- function(field) {
  line <- grep(field, readLines("/proc/self/status"), value = TRUE)[1L]
  as.double(gsub("[^0-9]", "", line)) * 1024
}

# For growth.py: columns from a file, a fit, its seconds and bytes on one line.
grow <- function(path, rows) {
  file <- file(path, "rb")
  y <- readBin(file, "double", rows)
  x <- readBin(file, "double", rows)
  g <- readBin(file, "integer", rows)
  close(file)
  data <- data.frame(y = y, x = x, g = factor(g))
  grown <- function(formula, data) {
    fit <- lme4::lmer(formula, data)
    list(fit, coef(summary(fit)), as.data.frame(lme4::VarCorr(fit)), fitted(fit))
  }
  for (i in 1:3) grown(Reaction ~ Days + (1 | Subject), lme4::sleepstudy)
  gc()
  cat("5", file = "/proc/self/clear_refs")
  before <- resident("VmRSS")
  start <- proc.time()
  kept <- grown(y ~ x + (1 | g), data)
  taken <- proc.time() - start
  cat(taken[[1L]] + taken[[2L]], max(resident("VmHWM") - before, 4096), "\n")
}

arguments <- commandArgs(trailingOnly = TRUE)
if (length(arguments) == 3L && arguments[1L] == "grow") {
  grow(arguments[2L], as.integer(arguments[3L]))
}
