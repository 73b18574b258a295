# The data of the models, as an R user would have them in the workspace.
#
# Plain R: nothing here, or in any file of this folder, knows of pymer_bridge.

#' Data sets that the models take from installed packages
package_data <- list(
  lme4 = c(
    "Arabidopsis", "cake", "cbpp", "Dyestuff", "Dyestuff2", "grouseticks", "InstEval", "Pastes",
    "Penicillin", "sleepstudy", "VerbAgg"
  ),
  datasets = "Orange",
  MASS = "oats",
  nlme = "Orthodont"
)

#' One column that was written as raw memory
#'
#' @param path The path without its ending.
#' @param kind "double", "integer", "logical", "text", "factor" or "ordered";
#'   the last three are integer codes into the lines of a file of levels.
#' @return A vector, with NA where the number or the code is missing.
read_column <- function(path, kind) {
  file <- paste0(path, ".bin")
  type <- if (kind == "double") "double" else "integer"
  values <- readBin(file, type, n = file.size(file))
  if (kind == "double") {
    values[is.nan(values)] <- NA_real_
    return(values)
  }
  if (kind %in% c("integer", "logical")) {
    return(if (kind == "logical") as.logical(values) else values)
  }
  levels <- readLines(paste0(path, ".levels"), encoding = "UTF-8")
  if (kind == "text") {
    return(levels[values])
  }
  factor(levels[values], levels = levels, ordered = kind == "ordered")
}

#' A data frame that was written column by column
#'
#' @param folder A folder with the lines "names" and "kinds", and the columns as
#'   1.bin, 2.bin, ...
read_frame <- function(folder) {
  names <- readLines(file.path(folder, "names"), encoding = "UTF-8")
  kinds <- readLines(file.path(folder, "kinds"))
  columns <- Map(read_column, file.path(folder, seq_along(kinds)), kinds)
  names(columns) <- names
  as.data.frame(columns, optional = TRUE, stringsAsFactors = FALSE)
}

#' An R user's workspace: packages, data sets and loose vectors
#'
#' What a model calls is bound here instead of attached to the search path, so
#' that nothing else in the process sees it.
#'
#' @param folder A folder with one folder for each data set.
#' @return An environment below the search path.
open_workspace <- function(folder) {
  workspace <- new.env(parent = parent.env(globalenv()))
  for (name in c("lmerControl", "glmer", "glmer.nb", "glmerControl", "nlmer")) {
    assign(name, get(name, envir = asNamespace("lme4")), envir = workspace)
  }
  workspace$ns <- splines::ns
  for (package in names(package_data)) {
    utils::data(list = package_data[[package]], package = package, envir = workspace)
  }
  for (path in list.dirs(folder, recursive = FALSE)) {
    assign(basename(path), read_frame(path), envir = workspace)
  }
  # A vector beside the data goes by this name in the printed call.
  workspace$.weights <- workspace$vectors$weights
  workspace$.offset <- workspace$vectors$offset
  workspace$.subset <- workspace$vectors$subset
  workspace
}
