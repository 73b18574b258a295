# Formulas of the examples on the help pages of an installed package.

#' All formulas with a response that stand as such in the code of the examples
#'
#' @param package The package's name.
#' @return Their texts, each once.
example_formulas <- function(package) {
  pages <- tools::Rd_db(package)
  found <- character()
  look <- function(expression) {
    if (is.call(expression)) {
      if (identical(expression[[1L]], quote(`~`)) && length(expression) == 3L) {
        found <<- c(found, paste(deparse(expression, width.cutoff = 500L), collapse = " "))
      } else {
        for (part in as.list(expression)) if (!missing(part)) look(part)
      }
    }
  }
  for (page in pages) {
    file <- tempfile(fileext = ".R")
    tools::Rd2ex(page, file, commentDontrun = FALSE, commentDonttest = FALSE)
    if (file.exists(file)) {
      code <- tryCatch(parse(file, keep.source = FALSE), error = function(condition) NULL)
      for (expression in as.list(code)) look(expression)
      unlink(file)
    }
  }
  unique(found)
}
environment(example_formulas) <- environment()
