# How to cite R, its packages and this package.

#' Operation: citations as citation() gives them, each BibTeX entry with a key
#'
#' @param own Fields of this package's own entry: title, author, year, note.
#' @param packages Names of R packages; "base" is R itself.
cite_packages <- function(own, packages) {
  # A person with one name: otherwise "The ... developers" would be split into given and
  # family names.
  own$author <- utils::person(own$author)
  ours <- do.call(utils::bibentry, c(list("Manual"), own))
  installed <- nzchar(vapply(packages, function(package) system.file(package = package), ""))
  entries <- c(list(ours), lapply(packages[installed], utils::citation))
  names(entries) <- c("pymer_bridge", packages[installed])
  cited <- Map(cite_entries, entries, names(entries))
  list(
    missing = packages[!installed],
    package = rep(names(entries), lengths(entries)),
    version = rep(
      c(own$version, vapply(packages[installed], package_version_text, "")), lengths(entries)
    ),
    text = as.character(unlist(lapply(cited, `[[`, "text"))),
    bibtex = as.character(unlist(lapply(cited, `[[`, "bibtex")))
  )
}

#' The text and the BibTeX of one package's entries
cite_entries <- function(entries, package) {
  keys <- if (length(entries) == 1L) package else paste0(package, "-", seq_along(entries))
  bibtex <- Map(function(entry, key) {
    entry$key <- key
    paste(utils::toBibtex(entry), collapse = "\n")
  }, lapply(seq_along(entries), function(i) entries[i]), keys)
  list(text = format(entries, style = "text"), bibtex = unlist(bibtex))
}
