# Fences around the fast paths.
#
# A fast path gives what functions of lme4, lmerTest or nloptr give, for less work, and so
# relies on what is inside of them. Each of these functions has a mark here, made of its
# code, for all versions in which the tests found the same figures to the last bit. If one
# of them has other code, R's ordinary way is taken, and `doctor` says why.

#' The marks of the code that fast paths stand for, by path and function
#'
#' A function that differs between versions has several marks.
fast_paths <- list(
  fits = function() {
    home <- getNamespaceName(design_home())
    built <- list(
      c("109315-78439006", "112649-83566993"), c("176665-214554810", "197797-268304223")
    )
    c(structure(built, names = paste0(home, c("::mkBlist", "::mkReTrms"))), list(
      "lme4::lmer" = c("137043-118564053", "149576-142300259", "174836-196402393"),
      "lme4::lFormula" = c("246851-409247018", "59102-23184950"),
      "lme4::mkFormula" = c("absent", "304117-595440592")
    ))
  },
  `Satterthwaite's degrees of freedom` = list(
    "lmerTest::as_lmerModLmerTest" = c("85897-50301882", "81896-45630030"),
    "lmerTest::as_lmerModLT" = c("121385-100295264", "124299-104719199"),
    "lmerTest::devfun_vp" = "40910-12165857",
    "lmerTest::get_covbeta" = "18897-2352550",
    "lme4::mkdevfun" = c("164874-185265969", "202685-278985245"),
    "lme4::merPredD$initializePtr" = c("20313-2611519", "19163-2295839"),
    "lme4::lmerResp$initializePtr" = "12750-1005985"
  ),
  `Satterthwaite's table` = list(
    "lmerTest::summary.lmerModLmerTest" = c("86549-48287859", "89304-51229073"),
    "lmerTest::get_coefmat" = "29380-5999370",
    "lmerTest::contest1D.lmerModLmerTest" = "132089-116146156",
    "lmerTest::qform" = "2406-57264"
  ),
  `hat values` = list(
    "lme4::hatvalues.merMod" = c("50302-17604599", "51173-18200847"),
    "lme4::cooks.distance.merMod" = "22749-3798798",
    "lme4::rstudent.merMod" = "20160-2974590",
    "lme4::rstandard.merMod" = "absent"
  ),
  predictions = list("lme4::get.orig.levs" = "56226-21895774"),
  simulations = list("lme4::simulate.merMod" = c("20524-2638868", "20462-2576846")),
  `deviance functions` = list(
    "lme4::mkdevfun" = c("164874-185265969", "202685-278985245"),
    "lme4::merPredD$initializePtr" = c("20313-2611519", "19163-2295839"),
    "lme4::lmerResp$initializePtr" = "12750-1005985"
  ),
  `optima of resampled rows` = list(
    "lme4::mkLmerDevfun" = c("89147-57194955", "106458-81783626"),
    "lme4::mkRespMod" = c("213421-322508880", "224829-358193688"),
    "lme4::merPredD$initialize" = "103838-82845399",
    "lme4::merPredD$initializePtr" = c("20313-2611519", "19163-2295839"),
    "lme4::merPredD$ptr" = "12527-919660",
    "lme4::lmerResp$initialize" = "7937-539444",
    "lme4::lmerResp$initialize#lmResp" = "51459-19775150",
    "lme4::lmerResp$initializePtr" = "12750-1005985",
    "lme4::lmerResp$ptr" = "11814-816343"
  ),
  summaries = list(
    "lme4::summary.merMod" = c("147224-147617076", "152138-157337919", "151668-156415795"),
    "lme4::vcov.merMod" = c("155736-166523721", "160578-176013100", "179836-219846719")
  ),
  `Wald intervals` = list("lme4::confint.merMod" = c("168199-193606621", "181157-220538340")),
  profiles = list(
    "lme4::devfun2" = c("142754-147132302", "154239-169465542"),
    "lme4::profile.merMod" = c(
      "743550-3757146673", "767425-3993640658", "792327-4274241064"
    ),
    "lme4::merPredD$copy" = "41818-11396086",
    "lme4::merPredD$initialize" = "103838-82845399",
    "lme4::merPredD$initializePtr" = c("20313-2611519", "19163-2295839")
  ),
  `Kenward-Roger's covariance` = list(
    "pbkrtest::vcovAdj.lmerMod" = "20632-3100637",
    "pbkrtest::vcovAdj_internal" = "206777-326123773"
  ),
  `conditional variances` = list("lme4::ranef.merMod" = "152088-161229040"),
  `optima of linear mixed models` = list()
)

#' What is tried, beside marks, before a path is taken: functions that give "" or what is unknown
fence_trials <- list(
  `optima of linear mixed models` = function() unknown_in_optimizing(),
  `Kenward-Roger's covariance` = function() unknown_in_products(),
  profiles = function() unknown_in_profiles()
)

#' What was found out so far, by path: "" or the reason to take the ordinary way
fences <- new.env(parent = emptyenv())

#' Is the code that a fast path stands for as known?
#'
#' @param path A name of `fast_paths`.
as_known <- function(path) {
  if (is.null(fences[[path]])) assign(path, unknown_code(path), envir = fences)
  !nzchar(fences[[path]])
}

#' The first function of a path that has other code, with its package's version, or ""
unknown_code <- function(path) {
  stopifnot(path %in% names(fast_paths))
  known <- fast_paths[[path]]
  if (is.function(known)) known <- known()
  for (name in names(known)) {
    parts <- strsplit(name, "::", fixed = TRUE)[[1L]]
    if (!code_mark(parts[1L], parts[2L]) %in% known[[name]]) {
      return(with_version(parts[2L], parts[1L]))
    }
  }
  tried <- fence_trials[[path]]
  if (is.null(tried)) "" else tried()
}

#' A function and its package as a reason not to take a path tells them
with_version <- function(name, package) {
  paste0(name, "() of ", package, " ", utils::packageDescription(package, fields = "Version"))
}

#' What a fast way gives; where that fails, what R's ordinary way does, which tells the error itself
#'
#' What the fast way says is heard when it has ended well, else it would be heard twice.
#'
#' @param fast,ordinary Unevaluated.
first_or_ordinary <- function(fast, ordinary) {
  said <- list()
  hold <- function(condition) {
    said[[length(said) + 1L]] <<- condition
    tryInvokeRestart("muffleWarning")
    tryInvokeRestart("muffleMessage")
  }
  found <- tryCatch(
    withCallingHandlers(list(fast), warning = hold, message = hold),
    error = function(condition) NULL
  )
  if (is.null(found)) {
    return(ordinary)
  }
  for (condition in said) {
    if (inherits(condition, "message")) message(condition) else warning(condition)
  }
  found[[1L]]
}

#' A function that finds other functions under the names of some that it calls
#'
#' It keeps its compiled code, which `environment<-` would throw away, and R compile again at the
#' second call. A few functions are in compiled code itself, rather than looked up by their names.
with_functions <- function(f, replaced) {
  found <- list2env(replaced, parent = environment(f))
  if (any(c(".Call", "*") %in% names(replaced))) {
    environment(f) <- found
    return(f)
  }
  as.function(c(formals(f), list(.Internal(bodyCode(f)))), envir = found)
}

#' A mark of a function of a package, or of a method of a reference class as class$method
#'
#' @return Two sums over the letters of its code; "absent" if there is no such function.
code_mark <- function(package, name) {
  namespace <- asNamespace(package)
  parts <- strsplit(name, "$", fixed = TRUE)[[1L]]
  found <- if (length(parts) == 2L) {
    namespace[[parts[1L]]]$def@refMethods[[parts[2L]]]
  } else {
    get0(name, namespace, mode = "function")
  }
  if (is.null(found)) {
    return("absent")
  }
  letters <- utf8ToInt(paste(code_words(c(formals(found), body(found))), collapse = " "))
  sprintf("%.0f-%.0f", sum(letters), sum(as.double(letters) * seq_along(letters)))
}

#' All names and constants of code in order, without what depends on how it was installed
code_words <- function(code) {
  if (is.name(code)) {
    return(as.character(code))
  }
  if (is.call(code) && identical(code[[1L]], quote(`function`))) code <- code[1:3]
  if (is.call(code) || is.list(code) || is.pairlist(code)) {
    parts <- as.list(code)
    return(c(names(parts), "(", unlist(lapply(parts, code_words)), ")"))
  }
  if (is.null(code)) "NULL" else deparse(code)
}

#' Operation: the reasons why R's ordinary way is taken rather than a fast one
ordinary_ways <- function() {
  reasons <- vapply(names(fast_paths), function(path) {
    if (as_known(path)) "" else fences[[path]]
  }, "")
  reasons <- reasons[nzchar(reasons)]
  list(paths = names(reasons), reasons = unname(reasons))
}
