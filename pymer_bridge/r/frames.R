# Data frames: from the parts that Python sends, and back to parts.

#' One column from its parts
#'
#' @param part A list with `kind` and `values`, and for some kinds `levels`,
#'   `ordered` or `timezone`. Strings and factors arrive as integer codes (NA
#'   where missing) into `levels`.
#' @return An R vector.
column_from_part <- function(part) {
  switch(part$kind,
    numeric = ,
    integer = part$values,
    logical = as.logical(part$values),
    character = as.character(part$levels)[part$values],
    factor = structure(
      part$values,
      levels = as.character(part$levels),
      class = if (part$ordered) c("ordered", "factor") else "factor"
    ),
    datetime = .POSIXct(part$values, tz = part$timezone),
    duration = .difftime(part$values, units = "secs"),
    stop("unknown kind of column: ", part$kind)
  )
}

#' A data frame from its parts
#'
#' @param frame A list of `names`, `n_rows` and `parts`.
#' @return A data frame with automatic row names.
frame_from_parts <- function(frame) {
  structure(
    lapply(frame$parts, column_from_part),
    names = as.character(frame$names),
    row.names = .set_row_names(frame$n_rows),
    class = "data.frame"
  )
}

#' One column as parts
#'
#' Columns of other classes (matrices, lists, complex numbers ...) have no
#' counterpart in a pandas frame and are refused by name.
column_to_part <- function(column, name) {
  if (!is.null(dim(column)) && length(dim(column)) == 1L) {
    column <- as.vector(column)
  }
  if (is.factor(column)) {
    list(
      kind = "factor", values = as.integer(column), levels = levels(column),
      ordered = is.ordered(column)
    )
  } else if (inherits(column, "POSIXct")) {
    timezone <- attr(column, "tzone")
    list(
      kind = "datetime", values = as.double(column),
      timezone = if (is.null(timezone)) "" else timezone[1L]
    )
  } else if (inherits(column, "Date")) {
    list(kind = "datetime", values = as.double(column) * 86400, timezone = "")
  } else if (inherits(column, "difftime")) {
    list(kind = "duration", values = as.double(column, units = "secs"))
  } else if (!is.null(dim(column)) || !is.atomic(column) || is.complex(column)) {
    stop("column '", name, "' is of class ", paste(class(column), collapse = "/"),
      ", which has no counterpart in a data frame of Python",
      call. = FALSE
    )
  } else if (is.character(column)) {
    levels <- unique(column)
    levels <- levels[!is.na(levels)]
    list(kind = "character", values = match(column, levels), levels = levels)
  } else if (is.logical(column)) {
    list(kind = "logical", values = as.vector(column))
  } else if (is.integer(column)) {
    list(kind = "integer", values = as.integer(column))
  } else {
    list(kind = "numeric", values = as.double(column))
  }
}

#' The row names of a data frame, as texts or whole numbers; NULL where they only count the rows
own_row_names <- function(frame) {
  if (.row_names_info(frame) < 0L) {
    return(NULL) # only their number is stored
  }
  names <- attr(frame, "row.names")
  if (!identical(as.character(names), as.character(seq_len(nrow(frame))))) names
}

#' A data frame as parts
#'
#' @param frame A data frame.
#' @return A list of `names`, `n_rows`, `parts` and `row_names` (NULL where
#'   they are automatic).
frame_to_parts <- function(frame) {
  list(
    names = names(frame),
    n_rows = nrow(frame),
    parts = unname(Map(column_to_part, frame, names(frame))),
    row_names = own_row_names(frame)
  )
}

#' Operation: of which kind each column of a model's data is, and its levels
#'
#' @return Lists of `names`, `kinds` and `levels` (of text too; NULL for what is no factor).
column_kinds <- function(model) {
  frame <- get(as.character(stats::getCall(model$fit)$data), model$frame_env)
  described <- lapply(frame, function(column) {
    kinds <- c(POSIXct = "datetime", Date = "datetime", difftime = "duration", logical = "logical")
    if (is.factor(column)) {
      list(kind = "factor", levels = levels(column))
    } else if (is.character(column)) {
      list(kind = "factor", levels = levels(as.factor(column)))
    } else {
      kind <- kinds[intersect(class(column), names(kinds))]
      number <- if (is.integer(column)) "integer" else "numeric"
      list(kind = if (length(kind) > 0L) kind[[1L]] else number, levels = NULL)
    }
  })
  list(
    names = names(frame), kinds = vapply(described, `[[`, "", "kind", USE.NAMES = FALSE),
    levels = unname(lapply(described, `[[`, "levels"))
  )
}

#' Operation: take a data frame in and give it back
echo_frame <- function(frame) {
  frame_to_parts(frame_from_parts(frame))
}

#' Operation: a data set that an installed package carries
#'
#' @param name The data set's name.
#' @param package The package's name.
load_dataset <- function(name, package) {
  if (!nzchar(system.file(package = package))) {
    stop("the R package '", package, "' is not installed", call. = FALSE)
  }
  holder <- new.env(parent = emptyenv())
  # An item reads "name (file)" where the file is called otherwise: auto.noise of emmeans.
  carried <- utils::data(package = package)$results[, "Item"]
  names <- sub(" \\(.*", "", carried)
  file <- sub(".* \\((.*)\\)$", "\\1", carried[names == name])
  withCallingHandlers(
    utils::data(list = c(file, name)[1L], package = package, envir = holder),
    warning = function(condition) invokeRestart("muffleWarning")
  )
  if (!exists(name, envir = holder, inherits = FALSE)) {
    stop("the R package '", package, "' has no data set '", name, "'; it has: ",
      paste(names, collapse = ", "),
      call. = FALSE
    )
  }
  frame <- get(name, envir = holder, inherits = FALSE)
  if (!is.data.frame(frame)) {
    stop("the data set '", name, "' of '", package, "' is not a data frame but ",
      paste(class(frame), collapse = "/"),
      call. = FALSE
    )
  }
  frame_to_parts(frame)
}
