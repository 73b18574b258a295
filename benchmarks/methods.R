# What methods.py asks of a model, as an R user asks it: alone in a process of its own.

# Columns of a file that methods.py wrote.
read_data <- function(path, rows) {
  file <- file(path, "rb")
  on.exit(close(file))
  y <- readBin(file, "double", rows)
  x <- readBin(file, "double", rows)
  g <- readBin(file, "integer", rows)
  data.frame(y = y, x = x, f = factor(c("a", "b", "c")[seq_len(rows) %% 3L + 1L]), g = factor(g))
}

# A picture, drawn to a file that nobody keeps.
drawn <- function(picture) {
  path <- tempfile(fileext = ".png")
  grDevices::png(path)
  print(picture)
  grDevices::dev.off()
  unlink(path)
}

tested <- function(fit) lmerTest::as_lmerModLmerTest(fit)

methods <- list(
  `lmer()` = function(fit, new) lme4::lmer(y ~ x + f + (1 | g), data),
  `fixed_effects("normal")` = function(fit, new) {
    list(coef(summary(fit)), confint(fit, "beta_", method = "Wald"))
  },
  `fixed_effects()` = function(fit, new) coef(summary(tested(fit))),
  `variance_components` = function(fit, new) as.data.frame(lme4::VarCorr(fit)),
  `random_effects` = function(fit, new) lme4::ranef(fit, condVar = TRUE),
  `group_coefficients` = function(fit, new) coef(fit),
  `fit_statistics` = function(fit, new) {
    list(
      lme4::REMLcrit(fit), logLik(fit), deviance(fit, REML = FALSE), AIC(fit), BIC(fit),
      df.residual(fit), nobs(fit)
    )
  },
  `convergence` = function(fit, new) list(summary(fit)$optinfo, lme4::isSingular(fit)),
  `vcov` = function(fit, new) as.matrix(vcov(fit)),
  `model_matrix` = function(fit, new) model.matrix(fit),
  `model_frame` = function(fit, new) list(model.frame(fit), lme4::getME(fit, "flist")),
  `fitted` = function(fit, new) fitted(fit),
  `residuals()` = function(fit, new) residuals(fit),
  `residuals("pearson", scaled=True)` = function(fit, new) residuals(fit, "pearson", scaled = TRUE),
  `scaled_residual_quantiles` = function(fit, new) quantile(summary(fit)$residuals),
  `predict()` = function(fit, new) predict(fit),
  `predict(new)` = function(fit, new) predict(fit, new),
  `predict(new, "population")` = function(fit, new) predict(fit, new, re.form = NA),
  `predict(new, std_error=True)` = function(fit, new) {
    design <- model.matrix(~ x + f, new)
    list(
      predict(fit, new, re.form = NA),
      sqrt(rowSums((design %*% as.matrix(vcov(fit))) * design))
    )
  },
  `simulate()` = function(fit, new) simulate(fit, 1, seed = 1),
  `confint("wald")` = function(fit, new) confint(fit, method = "Wald"),
  `anova()` = function(fit, new) anova(tested(fit)),
  `contest()` = function(fit, new) lmerTest::contest(tested(fit), c(0, 1, 0, 0)),
  `summary()` = function(fit, new) capture.output(print(summary(tested(fit)))),
  `ranova()` = function(fit, new) lmerTest::ranova(tested(fit)),
  `refit()` = function(fit, new) lme4::refit(fit, rev(data$y)),
  `refit_ml()` = function(fit, new) lme4::refitML(fit),
  `update()` = function(fit, new) update(fit, . ~ . - f),
  `tidy()` = function(fit, new) {
    list(coef(summary(fit)), as.data.frame(lme4::VarCorr(fit)))
  },
  `tidy("ran_vals")` = function(fit, new) as.data.frame(lme4::ranef(fit, condVar = TRUE)),
  `tidy("ran_coefs")` = function(fit, new) {
    table <- coef(fit)$g
    data.frame(
      level = rep(rownames(table), ncol(table)), term = rep(names(table), each = nrow(table)),
      estimate = unlist(table)
    )
  },
  `glance()` = function(fit, new) {
    list(nobs(fit), sigma(fit), logLik(fit), AIC(fit), BIC(fit), df.residual(fit))
  },
  `augment()` = function(fit, new) {
    data.frame(model.frame(fit),
      .fitted = fitted(fit), .resid = residuals(fit), .hat = hatvalues(fit),
      .cooksd = cooks.distance(fit), .fixed = predict(fit, re.form = NA), .mu = lme4::getME(fit, "mu")
    )
  },
  `augment(new)` = function(fit, new) data.frame(new, .fitted = predict(fit, new)),
  `hat_values()` = function(fit, new) hatvalues(fit),
  `rstudent()` = function(fit, new) rstudent(fit),
  `cooks_distance()` = function(fit, new) cooks.distance(fit),
  `is_singular()` = function(fit, new) lme4::isSingular(fit),
  `re_pca()` = function(fit, new) summary(lme4::rePCA(fit)),
  `get_me("Z")` = function(fit, new) lme4::getME(fit, "Z"),
  `deviance_function()` = function(fit, new) {
    deviance <- lme4::getME(fit, "devfun")
    deviance(lme4::getME(fit, "theta"))
  },
  `r2()` = function(fit, new) performance::r2_nakagawa(fit),
  `emmeans()` = function(fit, new) summary(emmeans::emmeans(fit, "f"), infer = TRUE),
  `emtrends()` = function(fit, new) summary(emmeans::emtrends(fit, "f", var = "x"), infer = TRUE),
  `save_rds()` = function(fit, new) {
    path <- tempfile()
    saveRDS(fit, path)
    unlink(path)
  },
  `plot.residuals_fitted()` = function(fit, new) drawn(plot(fit, type = c("p", "smooth"))),
  `plot.residual_quantiles()` = function(fit, new) drawn(lattice::qqmath(fit)),
  `plot.random_effects()` = function(fit, new) {
    drawn(lattice::dotplot(lme4::ranef(fit, condVar = TRUE))$g)
  },
  `plot.leverage()` = function(fit, new) {
    drawn(lattice::xyplot(residuals(fit, "pearson", scaled = TRUE) ~ hatvalues(fit)))
    cooks.distance(fit)
  },
  `plot.residuals_by_group()` = function(fit, new) drawn(plot(fit, g ~ resid(.))),
  `plot.lines()` = function(fit, new) {
    drawn(lattice::xyplot(fitted(fit) ~ x, data, groups = g, type = "l"))
  }
)

# The resident memory of this process in bytes, now or at most since it was last reset.
resident <- function(field) {
  line <- grep(field, readLines("/proc/self/status"), value = TRUE)[1L]
  as.double(gsub("[^0-9]", "", line)) * 1024
}

measure <- function(run) {
  gc()
  cat("5", file = "/proc/self/clear_refs")
  before <- resident("VmRSS")
  start <- proc.time()
  times <- 0L
  spent <- 0
  # R's clock has steps of a millisecond.
  while (spent < 0.02) {
    kept <- run()
    if (times == 0L) most <- resident("VmHWM")
    times <- times + 1L
    spent <- sum((proc.time() - start)[1:2])
  }
  c(spent / times, max(most - before, 4096))
}

arguments <- commandArgs(trailingOnly = TRUE)
suppressPackageStartupMessages(for (name in c("lme4", "lmerTest")) library(name, character.only = TRUE))
whole <- read_data(arguments[1L], as.integer(arguments[2L]))
little <- droplevels(whole[as.integer(whole$g) <= 8L, ])
data <- whole
fits <- lapply(list(little, whole), function(data) lme4::lmer(y ~ x + f + (1 | g), data))
news <- lapply(list(little, whole), function(data) data[rev(seq_len(nrow(data))), c("x", "f", "g")])
cat("ready\n")

# One method after the other, as their names come in. Of little first: packages are loaded, and R
# compiles a function when it is called for the third time.
asked <- file("stdin", "r")
while (length(name <- readLines(asked, 1L)) > 0L) {
  run <- function(i) {
    data <<- list(little, whole)[[i]] # which some methods read
    function() suppressMessages(suppressWarnings(methods[[name]](fits[[i]], news[[i]])))
  }
  for (turn in 1:3) run(1L)()
  asked_of_all <- run(2L)
  cat(measure(asked_of_all), "\n")
}
