# Standard deviations, correlations and fixed effects, as confint() computes and names them.
.VARIABLE._names <- rownames(confint(.FIT., method = "Wald", signames = FALSE))
.VARIABLE. <- function(fit) {
  # lme4 does not export this function of confint().
  spread <- lme4:::convParToProfPar(fit@optinfo$val, fit, profscale = "sdcor", sc = .SCALE.)
  c(setNames(spread, .VARIABLE._names[seq_along(spread)]), .FIXED.)
}
