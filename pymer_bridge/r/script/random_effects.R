.VARIABLE. <- function(fit) {
  with(as.data.frame(ranef(fit)), setNames(condval, paste(grpvar, grp, term, sep = "\t")))
}
