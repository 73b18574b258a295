# Facts about this R, and what protects its session.

#' The version of a package, NA where it is not installed
#'
#' A package that is broken has the version "0".
package_version_text <- function(package) {
  path <- system.file("DESCRIPTION", package = package)
  if (!nzchar(path)) {
    return(NA_character_)
  }
  version <- tryCatch(as.character(read.dcf(path, "Version")), error = function(condition) "0")
  valid <- length(version) == 1L && !is.na(numeric_version(version, strict = FALSE))
  if (valid) version else "0"
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

#' Operation: load a package, or say why it does not load
#'
#' @param package A package's name.
#' @param minimum The oldest version that is supported.
require_package <- function(package, minimum) {
  version <- package_version_text(package)
  problem <- ""
  if (is.na(version)) {
    problem <- "is not installed"
  } else if (version == "0") {
    problem <- paste0("is broken: ", system.file("DESCRIPTION", package = package),
      " tells no version")
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
#' @param what The feature that needs a newer one.
#' @param version The first version that has it.
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
  # Not packageVersion(), which stops at a broken package that R would ignore.
  versions <- vapply(c("lme4", "Matrix"), package_version_text, "")
  !anyNA(versions) && numeric_version(versions[["lme4"]]) < "1.1-35" &&
    numeric_version(versions[["Matrix"]]) >= "1.5-0"
}

#' Operation: is the state left to chance, and is everything installed that lme4's library needs?
#'
#' @param minimum The oldest lme4 that is supported.
ready_to_pin <- function(minimum) {
  version <- package_version_text("lme4")
  if (is.na(version) || numeric_version(version) < minimum || !built_with_defect()) {
    return(FALSE)
  }
  ready <- tryCatch(is.environment(loadNamespace("Matrix")), error = function(condition) FALSE)
  gc() # else memory could be freed, and its place taken, while the library is loaded
  ready
}

#' Operation: load lme4's shared library alone, before its namespace
#'
#' Errors are reported later, by require_package().
load_lme4_library <- function() {
  tryCatch(
    {
      library.dynam("lme4", "lme4", dirname(system.file(package = "lme4")))
      TRUE
    },
    error = function(condition) FALSE
  )
}

#' Operation: which of the two states this process is in
#'
#' The type of the Cholesky factor shows it; without the defect there is one state only.
process_state <- function() {
  # This needs crossed factors: for a single factor there is one ordering only.
  fit <- lme4::lmer(diameter ~ 1 + (1 | plate) + (1 | sample), lme4::Penicillin)
  methods::slot(lme4::getME(fit, "L"), "type")[1L]
}

#' Allow any letter in names and levels, whatever the locale
#'
#' In the C locale, and in those without UTF-8 (ja_JP.EUC-JP), R parses and deparses
#' letters that it does not know as <U+00E9>. The order of strings does not change.
use_utf8 <- function() {
  if (!l10n_info()[["UTF-8"]]) {
    for (name in c("C.UTF-8", "C.utf8", "en_US.UTF-8", "UTF-8")) {
      if (nzchar(suppressWarnings(Sys.setlocale("LC_CTYPE", name)))) break
    }
  }
}

#' Refuse to end the process
#'
#' R's own quit() would end Python too, whoever calls it: a function that the user
#' allows, or another package.
refuse_quit <- function() {
  refuse <- function(save = "default", status = 0, runLast = TRUE) {
    stop("quit() is refused: it would end the Python process that R runs in", call. = FALSE)
  }
  environment(refuse) <- baseenv()
  for (name in c("quit", "q")) {
    unlockBinding(name, baseenv())
    assign(name, refuse, envir = baseenv())
    lockBinding(name, baseenv())
  }
}

#' Run the user's .Last, as R does at its end, but catch errors, which would end Python
end_session <- function() {
  if (exists(".Last", globalenv(), mode = "function", inherits = FALSE)) {
    tryCatch(get(".Last", globalenv())(), error = function(condition) NULL)
    rm(".Last", envir = globalenv())
  }
  TRUE
}
