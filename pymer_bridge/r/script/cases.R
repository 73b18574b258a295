# Fits to .WHAT. drawn with replacement.
.VARIABLE. <- local({
  observed <- .STATISTIC.(.FIT.)
  data <- eval(getCall(.FIT.)$data)
  rows <- match(rownames(model.frame(.FIT.)), rownames(data))
  units <- .UNITS.
  set.seed(.SEED.)
  drawn <- replicate(.N., .DRAWN., simplify = FALSE)
  values <- vapply(drawn, function(units) {
    again <- data[unlist(units), ]
    .LABELS.
    .STATISTIC.(update(.FIT., data = again))
  }, observed)
  list(t0 = observed, t = matrix(values, ncol = length(observed), byrow = TRUE))
})
