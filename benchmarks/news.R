# The items of the NEWS of the installed lme4: version, category and text, one on each line.
news <- utils::news(package = "lme4")
text <- lapply(news[c("Version", "Category", "Text")], function(column) {
  trimws(gsub("[[:space:]]+", " ", as.character(column)))
})
writeLines(enc2utf8(do.call(paste, c(text, sep = "\t"))), useBytes = TRUE)
