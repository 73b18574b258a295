# .TITLE.
#
# Plain R, written by pymer_bridge .VERSION.; nothing but R and the packages below is needed.
# .HINT.

# -- Versions ------------------------------------------------------------------------------

# With these the figures were made; with others the last digits may differ.
made_with <- .MADE_WITH.
for (package in names(made_with)) {
  found <- if (package == "R") {
    as.character(getRversion())
  } else if (nzchar(system.file(package = package))) {
    packageDescription(package, fields = "Version")
  } else {
    stop("This analysis needs the package ", package, ": install.packages(\"", package, "\")")
  }
  if (found != made_with[[package]]) {
    message("Made with ", package, " ", made_with[[package]], "; this is ", package, " ", found, ".")
  }
}
