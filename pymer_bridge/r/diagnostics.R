# The influence of each observation on a model.

#' Operation: a figure of each observation
#'
#' @param kind "hatvalues", "rstudent", "cooks.distance", or for models without random effects
#'   "rstandard".
case_figure <- function(model, kind) {
  figure <- switch(kind,
    hatvalues = stats::hatvalues,
    rstudent = stats::rstudent,
    rstandard = stats::rstandard,
    cooks.distance = stats::cooks.distance,
    stop("unknown figure: ", kind)
  )
  over_rows(figure(model$fit), model$fit)
}
