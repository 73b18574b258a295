# allFit() and its summary as an R user would call them. Plain R: nothing here knows
# of pymer_bridge.

suppressMessages(library(lme4))

gaps <- sleepstudy
gaps$Reaction[c(3L, 50L)] <- NA
gaps$Days[7L] <- NA

fits <- alist(
  slopes = lmer(Reaction ~ Days + (Days | Subject), sleepstudy),
  slopes_ml = lmer(Reaction ~ Days + (Days | Subject), sleepstudy, REML = FALSE),
  crossed = lmer(diameter ~ 1 + (1 | plate) + (1 | sample), Penicillin),
  nested = lmer(strength ~ 1 + (1 | batch / cask), Pastes),
  singular = lmer(Yield ~ 1 + (1 | Batch), Dyestuff2),
  weighted = lmer(Reaction ~ Days + (1 | Subject), sleepstudy,
    weights = 1 / (1 + Days), offset = Days, REML = FALSE
  ),
  controlled = lmer(Reaction ~ Days + (Days | Subject), sleepstudy,
    control = lmerControl(optimizer = "bobyqa", optCtrl = list(rhobeg = 0.2), calc.derivs = FALSE)
  ),
  excluded = lmer(Reaction ~ Days + (1 | Subject), gaps,
    weights = 1 / (1 + Days), offset = Days, na.action = na.exclude
  ),
  binomial = glmer(cbind(incidence, size - incidence) ~ period + (1 | herd), cbpp, binomial)
)

here <- environment()

fit_of <- function(name) suppressWarnings(suppressMessages(eval(fits[[name]], here)))

parts_of <- function(name) list(fit = fit_of(name), frame_env = here, call = fits[[name]])

#' allFit(), also where R's own stops
#'
#' allFit() of lme4 before 1.1-33 stops at its table where optimx and dfoptim are both missing.
try_all <- function(fit) {
  missing <- !nzchar(c(system.file(package = "dfoptim"), system.file(package = "optimx")))
  if (packageVersion("lme4") >= "1.1-33" || !any(missing)) {
    return(allFit(fit, verbose = FALSE))
  }
  repaired <- allFit
  environment(repaired) <- list2env(
    list(requireNamespace = function(...) TRUE),
    parent = asNamespace("lme4")
  )
  table <- lme4:::meth.tab.0 # not exported
  repaired(fit, verbose = FALSE, meth.tab = table[!table[, "optimizer"] %in%
    c("nmkbw", "optimx")[missing], ])
}

summary_of <- function(name) {
  # From lme4 1.1-38 on allFit() finds data in the workspace, and nowhere else.
  assign("gaps", gaps, globalenv())
  on.exit(rm("gaps", envir = globalenv()))
  fits <- suppressWarnings(suppressMessages(try_all(fit_of(name))))
  found <- summary(fits)
  list(
    optimizers = names(found$which.OK), ok = unname(found$which.OK),
    fixef = as.vector(t(found$fixef)), llik = unname(found$llik),
    sdcor = as.vector(t(as.matrix(found$sdcor))), theta = as.vector(t(found$theta)),
    feval = as.double(found$feval), msgs = lapply(unname(found$msgs), as.character),
    theta_names = names(getME(fits[[1L]], "theta")), printed = capture.output(print(fits))
  )
}
