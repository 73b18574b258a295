# Standard deviations, correlations and fixed effects, as confint() computes and names them.
.VARIABLE. <- function(fit) {
  spread <- as.data.frame(VarCorr(fit), order = "lower.tri")
  groups <- c(names(getME(fit, "cnms")), "Residual")
  group <- groups[match(spread$grp, make.unique(groups, "."))]
  correlated <- ifelse(is.na(spread$var2), "", paste0(spread$var2, "."))
  name <- paste0(ifelse(correlated == "", "sd_", "cor_"), correlated, spread$var1, "|", group)
  name[group == "Residual"] <- "sigma"
  estimates <- Cv_to_Sv(getME(fit, "theta"), n = lengths(getME(fit, "cnms")).SCALE.)
  c(setNames(as.vector(estimates), name), .FIXED.)
}
