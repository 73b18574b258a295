.VARIABLE. <- local({
  known <- allFit(show.meth.tab = TRUE)
  known[match(.NAMES., sub("[.]$", "", paste(known[, 1], known[, 2], sep = "."))), , drop = FALSE]
})
