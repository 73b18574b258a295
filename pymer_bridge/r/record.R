# Records: what the figures depend on, so that a later check can say what changed.

#' Operation: the data of a model as R saw them, with factor levels and contrasts
#'
#' @param model A model environment.
#' @return A list of `frame` (see `frame_to_parts()`), `sorted` (for each column of
#'   text its levels in R's order, NULL for other columns), `call`
#'   (the call as text) and `contrasts` (of each factor, as text).
recorded_model <- function(model) {
  if (isTRUE(model$adopted) || !is.null(model$refits)) {
    stop("it was ", if (isTRUE(model$adopted)) "read from an .rds file" else "refitted",
      ", and may not be what its call would fit to its data; fit the model again",
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
  # The fits of lmList have no model frame in which rows could be looked up.
  if (methods::is(model$fit, "lmList4")) {
    return(get(as.character(model$call$data), model$frame_env))
  }
  model_data(model)$frame
}

#' The contrasts of the design of a fit
#'
#' @return A named list of texts: the name of a function, or a matrix written out.
contrasts_in_use <- function(fit) {
  lapply(design_contrasts(fit), function(contrast) {
    if (is.character(contrast)) {
      return(contrast[1L])
    }
    exact <- c("keepNA", "digits17", "showAttributes")
    paste(deparse(contrast, width.cutoff = 500L, control = exact), collapse = " ")
  })
}

#' Operation: what figures can depend on, other than data and model
#'
#' @param packages Names of packages.
#' @return A named list of texts, NA for those that do not exist.
describe_stack <- function(packages) {
  found <- describe_session(packages)
  versions <- stats::setNames(as.list(found$versions), packages)
  # The file that the name of a library links to shows its version.
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

#' Operation: what several vectors are like
#'
#' @param values All of their values, one vector after the other.
#' @param sizes How many values each has.
#' @return A list of `mean`, `sd`, `min` and `max`, a number for each vector: of the values that are
#'   not missing, NA where there are none.
vector_summaries <- function(values, sizes) {
  known <- lapply(in_groups(values, sizes), function(vector) vector[!is.na(vector)])
  of_each <- function(of) {
    vapply(known, function(vector) if (length(vector)) of(vector) else NA_real_, numeric(1L))
  }
  list(mean = of_each(mean), sd = of_each(stats::sd), min = of_each(min), max = of_each(max))
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
