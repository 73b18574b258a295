# 2 models
#
# Plain R, written by pymer_bridge 0.1.0.dev0; nothing but R and the packages below is needed.
# Run it in the folder that holds trial-trial.csv

# -- Versions ------------------------------------------------------------------------------

# With these the figures were made; with others the last digits may differ.
made_with <- c(R = "4.2.2", lme4 = "1.1-31", lmerTest = "3.1-3", emmeans = "1.8.4-1")
for (package in names(made_with)) {
  found <- if (package == "R") {
    as.character(getRversion())
  } else if (nzchar(system.file(package = package))) {
    packageDescription(package, fields = "Version")
  } else {
    stop("This analysis needs the package ", package, ": install.packages(\"", package, "\")")
  }
  if (found != made_with[[package]]) {
    message("Made with ", package, " ", made_with[[package]], "; this is ", package, " ", found, ".")
  }
}

library(lme4)
library(lmerTest)
library(emmeans)

options(contrasts = c(unordered = "contr.treatment", ordered = "contr.poly"))
RNGkind("Mersenne-Twister", "Inversion", "Rejection")

# -- Data --------------------------------------------------------------------------------

trial <- read.csv(
  "trial-trial.csv",
  col.names = c("site", "arm", "change"),
  check.names = FALSE,
  colClasses = c("character", "character", "numeric"),
  encoding = "UTF-8"
)
trial$arm <- factor(trial$arm, levels = c("placebo", "low", "high"))

# -- Model 1 -----------------------------------------------------------------------------

model1 <- lmer(
  change ~ arm + (1 | site),
  data = trial,
  contrasts = list(
    arm = matrix(
      c(
        -0x1.5555555555556p-1, 0x1.5555555555556p-2, 0x1.5555555555556p-2,
        0x1.48d22d607b774p-54, -0x1.ffffffffffffcp-2, 0x1.ffffffffffffep-2
      ),
      nrow = 3,
      dimnames = list(c("placebo", "low", "high"), c("treated - placebo", "high - low"))
    )
  )
)

model_summary <- summary(model1, ddf = "Kenward-Roger")
print(model_summary)

model_summary_2 <- summary(model1)
print(model_summary_2)

means_grid <- emmeans(model1, "arm", lmer.df = "kenward-roger")
means <- summary(means_grid, infer = TRUE)
print(means)

differences_grid <- contrast(means_grid, method = "trt.vs.ctrl")
differences <- summary(differences_grid, infer = TRUE)
print(differences)

random_tests <- ranova(model1)
print(random_tests)

# -- Model 2 -----------------------------------------------------------------------------

model2 <- lmer(
  change ~ arm + (1 | site) + (1 | site:arm),
  data = trial,
  contrasts = list(
    arm = matrix(
      c(
        -0x1.5555555555556p-1, 0x1.5555555555556p-2, 0x1.5555555555556p-2,
        0x1.48d22d607b774p-54, -0x1.ffffffffffffcp-2, 0x1.ffffffffffffep-2
      ),
      nrow = 3,
      dimnames = list(c("placebo", "low", "high"), c("treated - placebo", "high - low"))
    )
  )
)
print(summary(model2, ddf = "lme4"))

comparison <- anova(model1, model2, refit = FALSE)
print(comparison)

intervals <- confint(model1, method = "profile", quiet = TRUE)
print(intervals)
