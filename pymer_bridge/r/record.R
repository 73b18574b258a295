# Records: what a figure depends on, so that a change of it can be named.

#' Operation: the data of a model as R saw them, and what R made of them
#'
#' @param model A model environment.
#' @return A list of `frame` (see `frame_to_parts()`), `sorted` (of each column of
#'   text the levels in the order that R gives them here, NULL of others), `call`
#'   (the call as text) and `contrasts` (of each factor, as text).
recorded_model <- function(model) {
  if (isTRUE(model$adopted) || isTRUE(model$refitted)) {
    stop("it was ", if (isTRUE(model$adopted)) "read from an .rds file" else "refitted",
      ", and need not be what its call would fit to its data; fit it anew",
      call. = FALSE
    )
  }
  frame <- data_in_r(model)
  list(
    frame = frame_to_parts(frame),
    sorted = lapply(unname(as.list(frame)), function(column) {
      if (is.character(column)) levels(factor(column))
    }),
    call = paste(deparse(model$call, width.cutoff = 500L), collapse = "\n"),
    contrasts = contrasts_in_use(model$fit)
  )
}

#' The data of a model
data_in_r <- function(model) {
  # lmList's fits have no model frame of their own to look rows up in.
  if (methods::is(model$fit, "lmList4")) {
    return(get(as.character(model$call$data), model$frame_env))
  }
  model_data(model)$frame
}

#' The contrasts by which the design of a fit was made
#'
#' @return A named list of texts: the name of a function, or a matrix written out.
contrasts_in_use <- function(fit) {
  used <- if (methods::is(fit, "merMod")) {
    attr(lme4::getME(fit, "X"), "contrasts")
  } else if (!methods::is(fit, "lmList4")) {
    fit$contrasts
  }
  lapply(used, function(contrast) {
    if (is.character(contrast)) {
      return(contrast[1L])
    }
    exact <- c("keepNA", "digits17", "showAttributes")
    paste(deparse(contrast, width.cutoff = 500L, control = exact), collapse = " ")
  })
}

#' Operation: what figures can depend on, besides data and model
#'
#' @param packages Names of packages.
#' @return A named list of texts, NA where there is none.
describe_stack <- function(packages) {
  found <- describe_session(packages)
  versions <- stats::setNames(as.list(found$versions), packages)
  # What the name of a library links to tells of its version.
  real <- function(path) if (nzchar(path)) normalizePath(path, mustWork = FALSE) else NA_character_
  c(list(R = found$r_version), versions, list(
    platform = found$platform,
    system = utils::osVersion,
    blas = real(found$blas),
    lapack = real(found$lapack),
    lapack_version = La_version(),
    collation = found$locale,
    rng = paste(found$rng, collapse = ", "),
    state = if (built_with_defect()) as.character(process_state()) else NA_character_
  ))
}

#' Operation: write a data frame as R's own file
#'
#' @param frame The parts of the frame, see `frame_from_parts()`.
write_frame <- function(frame, path) {
  saveRDS(frame_from_parts(frame), path)
  TRUE
}

#' Operation: write the data of a model as R's own file
write_model_data <- function(model, path) {
  saveRDS(data_in_r(model), path)
  TRUE
}
