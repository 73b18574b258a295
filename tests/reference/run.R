# Write every figure of every model to files, from an R process of its own:
#
#   Rscript --vanilla run.R FOLDER_OF_DATA FOLDER_OF_ANSWERS STATE
#
# ends with status 3 at once where the process is not in the wanted state.

arguments <- commandArgs(trailingOnly = TRUE)
answers <- arguments[2L]
script <- sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE))
for (file in c("data.R", "models.R", "figures.R")) {
  source(file.path(dirname(script), file), encoding = "UTF-8")
}

#' Values as exact text: C's hexadecimal floats, or strings on one line
exact <- function(values) {
  if (is.double(values)) {
    return(sprintf("%a", values))
  }
  gsub("\n", "\\n", gsub("\\", "\\\\", values, fixed = TRUE), fixed = TRUE)
}

#' Write figures: a line of name, kind and length, then a line for each value
write_figures <- function(figures, name) {
  lines <- Map(function(figure, label) {
    kind <- if (is.double(figure$values)) "number" else "text"
    n <- length(figure$values)
    body <- if (n > 0L) paste(exact(figure$values), figure$keys, sep = "\t")
    c(paste(label, kind, n, sep = "\t"), body)
  }, figures, names(figures))
  writeLines(unlist(lines), file.path(answers, name), useBytes = TRUE)
}

if (process_state() != as.integer(arguments[3L])) {
  quit(status = 3L)
}
workspace <- open_workspace(arguments[1L])
for (name in names(models)) {
  write_figures(model_figures(name, workspace), name)
}
for (name in names(failures)) {
  write_figures(failure_figures(name, workspace), name)
}
