# Fits to responses simulated from the model.
.VARIABLE. <- local({
  statistic <- function(fit) .STATISTIC.
  observed <- statistic(.FIT.)
  data <- eval(getCall(.FIT.)$data)
  used <- update(.FIT., na.action = na.omit)
  rows <- match(rownames(model.frame(used)), rownames(data))
  set.seed(.SEED.)
  drawn <- simulate(used, .N.)
  values <- vapply(drawn, function(response) {
    if (is.factor(response)) response <- as.double(response != levels(response)[1])
    place <- match(seq_len(nrow(data)), rows)
    data$.simulated <- if (is.matrix(response)) response[place, ] else response[place]
    statistic(update(.FIT., .simulated ~ ., data = data))[names(observed)]
  }, observed)
  list(t0 = observed, t = matrix(values, ncol = length(observed), byrow = TRUE))
})
