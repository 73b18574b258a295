# What plain R says, to the last bit: the figures that a soak run compares with.
#
#     Rscript --no-init-file scripts/soak.R REPLICATES
#
# Prints lines of a name and numbers in hexadecimal.

say <- function(name, values) {
  cat(name, sprintf("%a", as.double(values)), sep = " ")
  cat("\n")
}

say_model <- function(name, fit) {
  say(paste0(name, ":fixed"), lme4::fixef(fit))
  say(paste0(name, ":errors"), sqrt(diag(as.matrix(vcov(fit)))))
  say(paste0(name, ":sigma"), sigma(fit))
  say(paste0(name, ":predict"), predict(fit))
}

sleepstudy <- lme4::sleepstudy
slopes <- lme4::lmer(Reaction ~ Days + (Days | Subject), sleepstudy)
say_model("slopes", slopes)
say_model("intercepts", lme4::lmer(Reaction ~ Days + (1 | Subject), sleepstudy, REML = FALSE))
say_model("batches", lme4::lmer(Yield ~ 1 + (1 | Batch), lme4::Dyestuff))
say_model(
  "herds",
  lme4::glmer(
    cbind(incidence, size - incidence) ~ period + (1 | herd),
    lme4::cbpp,
    family = binomial
  )
)
n_sim <- as.integer(commandArgs(TRUE)[1L])
say("bootstrap", t(lme4::bootMer(slopes, lme4::fixef, nsim = n_sim, seed = 1)$t))
