# What R's packages offer: one line a function or method, separated by tabs:
#
#   package  version  kind  name
#
# where kind is "function", "S3 method" or "S4 method". Plain R, for scripts/list-r-functions:
#
#   Rscript scripts/namespaces.R lme4 lmerTest pbkrtest emmeans

#' The methods that a package defines for S4 generics, as R's help names them
s4_methods <- function(package) {
  namespace <- asNamespace(package)
  tables <- grep("^\\.__T__", getNamespaceExports(package), value = TRUE)
  as.character(unlist(lapply(tables, function(table) {
    generic <- sub(":[^:]*$", "", sub("^\\.__T__", "", table))
    methods <- as.list(get(table, envir = namespace), all.names = TRUE)
    # A table also holds what other packages have defined.
    own <- vapply(methods, function(method) identical(topenv(environment(method)), namespace), NA)
    paste0(generic, ",", gsub("#", ",", names(methods)[own]), "-method", recycle0 = TRUE)
  })))
}

#' The functions that a package exports: neither classes nor tables of methods
functions <- function(package) {
  names <- grep("^\\.__[CT]__", getNamespaceExports(package), value = TRUE, invert = TRUE)
  names[vapply(names, function(name) is.function(getExportedValue(package, name)), NA)]
}

#' The methods that a package registers for S3 generics
s3_methods <- function(package) {
  library_path <- dirname(system.file(package = package))
  found <- parseNamespaceFile(package, library_path)$S3methods
  paste(found[, 1L], found[, 2L], sep = ".")
}

for (package in commandArgs(trailingOnly = TRUE)) {
  offered <- list(
    "function" = functions(package), "S3 method" = s3_methods(package),
    "S4 method" = s4_methods(package)
  )
  version <- read.dcf(system.file("DESCRIPTION", package = package), "Version")
  for (kind in names(offered)) {
    # In the same order everywhere.
    names <- sort(unique(offered[[kind]]), method = "radix")
    cat(sprintf("%s\t%s\t%s\t%s\n", package, version, kind, names), sep = "")
  }
}
