# Fits to rows drawn with replacement.
.VARIABLE. <- local({
  statistic <- function(fit) .STATISTIC.
  observed <- statistic(.FIT.)
  data <- eval(getCall(.FIT.)$data)
  rows <- match(rownames(model.frame(.FIT.)), rownames(data))
  set.seed(.SEED.)
  drawn <- replicate(.N., sample.int(length(rows), replace = TRUE), simplify = FALSE)
  values <- vapply(drawn, function(i) {
    statistic(update(.FIT., data = data[rows[i], ]))[names(observed)]
  }, observed)
  list(t0 = observed, t = matrix(values, ncol = length(observed), byrow = TRUE))
})
