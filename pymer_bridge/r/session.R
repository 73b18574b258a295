# What this R is.

#' The version of a package, NA where it is not installed
package_version_text <- function(package) {
  path <- system.file("DESCRIPTION", package = package)
  if (nzchar(path)) as.character(read.dcf(path, "Version")) else NA_character_
}

#' Operation: versions, libraries and settings that figures can depend on
#'
#' @param packages Names of packages to look for.
describe_session <- function(packages) {
  libraries <- extSoftVersion()
  list(
    r_version = paste(R.version$major, R.version$minor, sep = "."),
    platform = R.version$platform,
    r_home = R.home(),
    library_paths = .libPaths(),
    blas = unname(libraries["BLAS"]),
    lapack = La_library(),
    locale = Sys.getlocale("LC_COLLATE"),
    rng = RNGkind(),
    packages = packages,
    versions = vapply(packages, package_version_text, "", USE.NAMES = FALSE)
  )
}

#' Operation: load a package, saying what is wrong where it does not
#'
#' @param package A package's name.
#' @param minimum The oldest version that is supported.
require_package <- function(package, minimum) {
  version <- package_version_text(package)
  problem <- ""
  if (is.na(version)) {
    problem <- "is not installed"
  } else if (numeric_version(version) < minimum) {
    problem <- paste0("is of version ", version, ", and at least ", minimum, " is needed")
  } else {
    problem <- tryCatch(
      {
        loadNamespace(package)
        ""
      },
      error = function(condition) {
        paste0("cannot be loaded: ", conditionMessage(condition))
      }
    )
  }
  list(problem = problem, version = version, library_paths = .libPaths())
}

#' Stop because this lme4 is too old
#'
#' @param what What needs a newer one.
#' @param version The version that has it.
stop_for_newer_lme4 <- function(what, version) {
  stop(structure(
    class = c("needs_newer_lme4", "error", "condition"),
    list(
      message = paste0(
        what, " need lme4 ", version, " or newer; this is ", utils::packageVersion("lme4")
      ),
      call = NULL
    )
  ))
}

#' Operation: can processes of this installation differ in the last bits?
#'
#' lme4 before 1.1-35 was built with headers of CHOLMOD older than those of
#' Matrix 1.5, which then reads half of a pointer as the number of fill-reducing
#' orderings to try (lme4 issue 745).
built_with_defect <- function() {
  utils::packageVersion("lme4") < "1.1-35" && utils::packageVersion("Matrix") >= "1.5-0"
}

#' Operation: does chance choose the state, and is all there that lme4's library needs?
ready_to_pin <- function() {
  if (is.na(package_version_text("lme4")) || !built_with_defect()) {
    return(FALSE)
  }
  loadNamespace("Matrix")
  gc(full = FALSE) # else memory could be freed, and its place taken, while the library is loaded
  TRUE
}

#' Operation: load lme4's library, and nothing else; its namespace finds it loaded
load_lme4_library <- function() {
  library.dynam("lme4", "lme4", dirname(system.file(package = "lme4")))
  TRUE
}

#' Operation: which of the two states this process is in
#'
#' The kind of the Cholesky factor tells them apart; without the defect there is
#' one state only.
process_state <- function() {
  # It takes crossed factors: with one there is one ordering only.
  fit <- lme4::lmer(diameter ~ 1 + (1 | plate) + (1 | sample), lme4::Penicillin)
  methods::slot(lme4::getME(fit, "L"), "type")[1L]
}

#' Let names and levels have any letter, where the locale knows only ASCII
#'
#' Under the C locale R parses and deparses "\u00e9" as <U+00E9>. The order of
#' strings stays as it is.
use_utf8 <- function() {
  if (Sys.getlocale("LC_CTYPE") %in% c("C", "POSIX")) {
    for (name in c("C.UTF-8", "C.utf8", "en_US.UTF-8", "UTF-8")) {
      if (nzchar(suppressWarnings(Sys.setlocale("LC_CTYPE", name)))) break
    }
  }
}
