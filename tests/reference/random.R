# One model of a random formula, as an R user would fit it.

#' What a user who attached lme4 and splines has in the workspace
#'
#' @param folder Where the data are, see read_frame().
open_random <- function(folder) {
  workspace <- new.env(parent = parent.env(globalenv()))
  for (name in getNamespaceExports("lme4")) {
    assign(name, get(name, envir = asNamespace("lme4")), envir = workspace)
  }
  workspace$ns <- splines::ns
  workspace$bs <- splines::bs
  workspace$data <- read_frame(folder)
  workspace
}

#' Does R's parser take a text for one expression?
is_readable <- function(text) !inherits(try(str2lang(text), silent = TRUE), "try-error")

#' Fit a model, and return its figures, or R's error
#'
#' @param workspace See above.
#' @param text The formula.
#' @param renamed A vector of names: what the column of each name is called, by old name.
#' @return A list of `error` (NULL where there was none), `said` (warnings and messages),
#'   `figures` (numbers one after the other), `names` of the fixed effects, and their
#'   `std_errors`, or why there are none.
random_fit <- function(workspace, text, renamed = NULL) {
  here <- new.env(parent = workspace)
  if (!is.null(renamed)) {
    here$data <- workspace$data
    names(here$data)[match(names(renamed), names(here$data))] <- unlist(renamed)
  }
  said <- character()
  keep <- function(condition, restart) {
    said <<- c(said, conditionMessage(condition))
    invokeRestart(restart)
  }
  result <- tryCatch(
    withCallingHandlers(
      {
        call <- as.call(list(quote(lmer), formula = str2lang(text), data = quote(data)))
        fit <- eval(call, here)
        list(
          figures = c(
            nobs(fit), lme4::fixef(fit), lme4::getME(fit, "theta"), sigma(fit), logLik(fit)
          ), names = names(lme4::fixef(fit)),
          std_errors = tryCatch(
            suppressWarnings(sqrt(diag(as.matrix(vcov(fit))))), error = conditionMessage
          )
        )
      },
      warning = function(condition) keep(condition, "muffleWarning"),
      message = function(condition) keep(condition, "muffleMessage")
    ),
    error = function(condition) list(error = conditionMessage(condition))
  )
  list(
    error = result$error, said = sub("\n$", "", said), figures = as.double(result$figures),
    names = as.character(result$names), std_errors = unname(result$std_errors)
  )
}
environment(random_fit) <- environment()
