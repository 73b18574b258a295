# Run a snippet of R on given data, and write its value as exact text:
#
#   Rscript --vanilla snippet.R FOLDER
#
# FOLDER holds snippet.R, a file "names" with the names of the data, and the data
# as 1.rds, 2.rds ... The value is written to "value", and the state of the process (see
# below) to "state". Plain R, which knows nothing of pymer_bridge.

folder <- commandArgs(trailingOnly = TRUE)[1L]

#' The state of this process, if the installation has two
#'
#' Processes of an lme4 that was built with old headers of CHOLMOD differ in the
#' last bits (lme4 issue 745).
process_state <- function() {
  if (!"lme4" %in% loadedNamespaces() || utils::packageVersion("lme4") >= "1.1-35" ||
    utils::packageVersion("Matrix") < "1.5-0") {
    return(0L)
  }
  fit <- lme4::lmer(diameter ~ 1 + (1 | plate) + (1 | sample), lme4::Penicillin)
  methods::slot(lme4::getME(fit, "L"), "type")[1L]
}

#' Strings on one line each
one_line <- function(texts) {
  texts <- gsub("\\", "\\\\", enc2utf8(as.character(texts)), fixed = TRUE)
  gsub("\r", "\\r", gsub("\n", "\\n", texts, fixed = TRUE), fixed = TRUE)
}

#' A vector as lines: its kind, its length, whether it has names; names; values
vector_lines <- function(value) {
  kind <- typeof(value)
  values <- switch(kind,
    double = sprintf("%a", value),
    integer = ,
    logical = as.character(value),
    character = ifelse(is.na(value), "N", paste0("T", one_line(value)))
  )
  values[is.na(value) & kind != "character"] <- "NA"
  named <- !is.null(names(value))
  c(paste(kind, length(value), as.integer(named)), if (named) one_line(names(value)), values)
}

#' A value as lines
value_lines <- function(value) {
  if (inherits(value, c("merMod", "lm"))) {
    value <- as.list(model_figures(value))
  }
  if (is.null(value)) {
    return("null 0 0")
  }
  if (is.factor(value)) {
    value <- structure(as.character(value), names = names(value))
  }
  if (is.atomic(value) && length(dim(value)) == 2L) {
    value <- as.data.frame(unclass(value), stringsAsFactors = FALSE)
  }
  if (is.data.frame(value)) {
    columns <- lapply(unname(as.list(value)), value_lines)
    return(c(
      paste("frame", ncol(value), nrow(value)), one_line(names(value)),
      one_line(row.names(value)), unlist(columns)
    ))
  }
  if (is.list(value) && !is.object(value)) {
    named <- !is.null(names(value))
    return(c(
      paste("list", length(value), as.integer(named)), if (named) one_line(names(value)),
      unlist(lapply(unname(value), value_lines))
    ))
  }
  if (typeof(value) %in% c("double", "integer", "logical", "character")) {
    return(vector_lines(structure(as.vector(value), names = names(value))))
  }
  stop("the value of the snippet is of class ", paste(class(value), collapse = "/"),
    "; let it end with numbers, strings, a list or a data frame of them, or a fitted model",
    call. = FALSE
  )
}

#' A name as it stands in the key of a figure
escaped <- function(names) {
  for (letter in c("%", "/", "&", "#")) {
    code <- sprintf("%%%02X", utf8ToInt(letter))
    names <- gsub(letter, code, names, fixed = TRUE)
  }
  names
}

#' Figures of a fitted model, each under its key: family/group/level/term/quantity
model_figures <- function(fit) {
  figures <- c()
  add <- function(family, group, level, term, quantity, values) {
    keys <- paste(family, escaped(group), escaped(level), term, quantity, sep = "/")
    figures <<- c(figures, structure(as.double(values), names = keys))
  }
  quantities <- c(
    "Estimate" = "estimate", "Std. Error" = "std_error", "df" = "df", "t value" = "statistic",
    "z value" = "statistic", "Pr(>|t|)" = "p_value", "Pr(>|z|)" = "p_value"
  )
  fixed <- stats::coef(summary(fit))
  for (name in intersect(colnames(fixed), names(quantities))) {
    add("fixed_effect", "", "", escaped(rownames(fixed)), quantities[[name]], fixed[, name])
  }
  add("model", "", "", "", "n_obs", stats::nobs(fit))
  add("model", "", "", "", "sigma", stats::sigma(fit))
  add("fit_statistic", "", "", "", "log_likelihood", stats::logLik(fit))
  add("fit_statistic", "", "", "", "aic", stats::AIC(fit))
  add("fit_statistic", "", "", "", "bic", stats::BIC(fit))
  if (!inherits(fit, "merMod")) {
    return(figures)
  }
  theta <- lme4::getME(fit, "theta")
  add("theta", "", "", escaped(names(theta)), "estimate", theta)
  varying <- as.data.frame(lme4::VarCorr(fit))
  single <- varying[is.na(varying$var2), ]
  term <- ifelse(is.na(single$var1), "", escaped(single$var1))
  add("variance_component", single$grp, "", term, "variance", single$vcov)
  add("variance_component", single$grp, "", term, "std_dev", single$sdcor)
  pairs <- varying[!is.na(varying$var2), ]
  if (nrow(pairs) > 0L) {
    term <- paste(escaped(pairs$var1), escaped(pairs$var2), sep = "&")
    add("correlation", pairs$grp, "", term, "covariance", pairs$vcov)
    add("correlation", pairs$grp, "", term, "correlation", pairs$sdcor)
  }
  modes <- as.data.frame(lme4::ranef(fit))
  term <- escaped(as.character(modes$term))
  level <- as.character(modes$grp)
  group <- as.character(modes$grpvar)
  add("random_effect", group, level, term, "estimate", modes$condval)
  add("random_effect", group, level, term, "std_error", modes$condsd)
  figures
}

workspace <- new.env(parent = globalenv())
names <- readLines(file.path(folder, "names"), encoding = "UTF-8")
for (number in seq_along(names)) {
  assign(names[number], readRDS(file.path(folder, paste0(number, ".rds"))), envir = workspace)
}
value <- NULL
for (expression in parse(file.path(folder, "snippet.R"), encoding = "UTF-8", keep.source = FALSE)) {
  value <- eval(expression, workspace)
}
writeLines(value_lines(value), file.path(folder, "value"), useBytes = TRUE)
writeLines(as.character(process_state()), file.path(folder, "state"))
