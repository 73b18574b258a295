# The influence of each observation on a mixed model.

#' Operation: a figure of each observation
#'
#' @param kind "hatvalues", "rstudent" or "cooks.distance".
case_figure <- function(model, kind) {
  figure <- switch(kind,
    hatvalues = stats::hatvalues,
    rstudent = stats::rstudent,
    cooks.distance = stats::cooks.distance,
    stop("unknown figure: ", kind)
  )
  over_rows(figure(model$fit), model$fit)
}
