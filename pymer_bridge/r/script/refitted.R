# A fit to another response, which finds its data in another data frame.
refitted <- function(fit, response, data) {
  fit <- refit(fit, response)
  fit@call$data <- substitute(data)
  fit
}
