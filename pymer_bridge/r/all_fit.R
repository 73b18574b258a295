# The same model by every optimizer of lme4: lme4::allFit().

#' The optimizers that allFit() knows, and the package that each one needs
known_optimizers <- function() {
  table <- asNamespace("lme4")$meth.tab.0
  package <- c(nmkbw = "dfoptim", optimx = "optimx")[table[, "optimizer"]]
  list(
    table = table, package = unname(package),
    name = gsub("\\.$", "", paste(table[, "optimizer"], table[, "method"], sep = "."))
  )
}

#' allFit(), made to believe that all packages are installed
#'
#' Rows of missing packages are taken out of the table beforehand. allFit() of lme4 before
#' 1.1-33 stops where both packages are missing or the table is not the whole one. No garbage is
#' collected before each fit: that takes longer than most fits.
ready_all_fit <- function() {
  all_fit <- lme4::allFit
  environment(all_fit) <- list2env(
    list(
      requireNamespace = function(...) TRUE,
      system.time = function(expr) base::system.time(expr, gcFirst = FALSE)
    ),
    parent = environment(all_fit)
  )
  all_fit
}

#' Optimizers by name: rows of the table of those known, and whether their package is installed
#'
#' @param optimizers Their names, or NULL for all.
chosen_optimizers <- function(optimizers) {
  known <- known_optimizers()
  rows <- if (is.null(optimizers)) seq_along(known$name) else match(optimizers, known$name)
  installed <- vapply(known$package[rows], function(package) {
    is.na(package) || nzchar(system.file(package = package))
  }, NA, USE.NAMES = FALSE)
  list(known = known, rows = rows, installed = installed)
}

#' Operation: fit the model again by each optimizer
#'
#' @param optimizers Their names, or NULL for all.
#' @param max_evaluations The limit of function evaluations.
#' @return Vectors over the optimizers; `fixed`, `sdcor` and `theta` with `names` and, fit
#'   by fit, `values`; the `agreement` of the fits that ended without an error.
all_fit <- function(model, optimizers, max_evaluations) {
  chosen <- chosen_optimizers(optimizers)
  known <- chosen$known
  rows <- chosen$rows[chosen$installed]
  ready <- model$ready_fits
  on.exit(model$ready_fits <- NULL)
  fits <- lapply(rows, function(row) {
    made <- ready[[known$name[row]]]
    if (is.null(made)) fit_by_optimizer(row, model, known, max_evaluations) else said_again(made)
  })
  names(fits) <- known$name[rows]
  result <- list(
    optimizer = known$name[chosen$rows], package = known$package[chosen$rows],
    available = chosen$installed
  )
  # Printing shows this fit's call: the model as it was given.
  fits <- structure(fits, class = "allFit", fit = model$fit)
  c(result, if (length(fits) > 0L) all_fit_figures(fits))
}

#' Operation: the names of those optimizers whose package is installed
available_optimizers <- function(optimizers) {
  chosen <- chosen_optimizers(optimizers)
  chosen$known$name[chosen$rows[chosen$installed]]
}

#' Operation: fits by some optimizers, as bytes
#'
#' @param task See `prepare_task()`.
#' @param optimizers Names of optimizers.
#' @return Bytes, four to an integer: for each optimizer its `fit` and what R `said` of it.
pack_fits <- function(task, optimizers, max_evaluations) {
  known <- known_optimizers()
  made <- lapply(stats::setNames(match(optimizers, known$name), optimizers), function(row) {
    said <- list()
    keep <- function(restart) {
      function(condition) {
        said <<- c(said, list(condition))
        invokeRestart(restart)
      }
    }
    fit <- withCallingHandlers(task$measure(row, known, max_evaluations),
      warning = keep("muffleWarning"), message = keep("muffleMessage")
    )
    list(fit = fit, said = said)
  })
  without_toolbox(made)
}

#' Operation: have the next `all_fit()` take fits that are made already
#'
#' @param packed What `pack_fits()` gave, of each chunk.
use_fits <- function(model, packed) {
  model$ready_fits <- do.call(c, lapply(packed, with_toolbox))
  TRUE
}

#' A fit that was made before; what R said then is said now
said_again <- function(made) {
  for (condition in made$said) {
    if (inherits(condition, "warning")) warning(condition) else message(condition)
  }
  made$fit
}

#' Fits of one model, each by the optimizer of a row of the table
optimizer_task <- function(model) {
  function(row, known, max_evaluations) fit_by_optimizer(row, model, known, max_evaluations)
}

#' One fit, as allFit() makes it: a fit or an error
#'
#' allFit() evaluates the call in frames of its own, and some versions leave a variable in
#' the environment of the formula.
fit_by_optimizer <- function(row, model, known, max_evaluations) {
  env <- model$frame_env
  before <- if (exists("ctrl", env, inherits = FALSE)) list(get("ctrl", env))
  on.exit(if (!is.null(before)) {
    assign("ctrl", before[[1L]], env)
  } else if (exists("ctrl", env, inherits = FALSE)) {
    rm("ctrl", envir = env)
  })
  ready_all_fit()(self_contained_fit(model),
    meth.tab = known$table[row, , drop = FALSE], verbose = FALSE, maxfun = max_evaluations
  )[[1L]]
}

#' The figures of summary(allFit()), and how well they agree
all_fit_figures <- function(fits) {
  ok <- !vapply(fits, inherits, NA, what = "error")
  result <- list(
    ok = ok,
    errors = vapply(fits, function(fit) {
      if (inherits(fit, "error")) conditionMessage(fit) else NA_character_
    }, "", USE.NAMES = FALSE)
  )
  if (!any(ok)) {
    return(result)
  }
  found <- summary(fits)
  first <- fits[[which(ok)[1L]]]
  parts <- list(
    fixed = list(names = names(lme4::fixef(first)), values = unname(found$fixef)),
    sdcor = list(names = variance_labels(first), values = unname(as.matrix(found$sdcor))),
    theta = list(names = names(lme4::getME(first, "theta")), values = unname(found$theta))
  )
  c(result, list(
    messages = lapply(unname(found$msgs), as.character),
    converged = vapply(fits[ok], has_ended_well, NA, USE.NAMES = FALSE),
    singular = vapply(fits[ok], lme4::isSingular, NA, USE.NAMES = FALSE),
    log_likelihood = unname(found$llik), evaluations = as.double(found$feval),
    seconds = unname(found$times[, "elapsed"]),
    fixed = by_rows(parts$fixed), sdcor = by_rows(parts$sdcor), theta = by_rows(parts$theta),
    agreement = agreement_of(parts, found$llik),
    text = printed(fits)
  ))
}

#' Did the optimizer end well, and do R's checks find nothing but a singular fit?
has_ended_well <- function(fit) {
  found <- methods::slot(fit, "optinfo")$conv
  said <- as.character(unlist(found$lme4$messages))
  all(found$opt == 0) && !any(!grepl("singular", said))
}

#' Readable names of standard deviations and correlations, in the order of VarCorr()
variance_labels <- function(fit) {
  table <- as.data.frame(lme4::VarCorr(fit))
  what <- ifelse(is.na(table$var2), paste0("sd_", table$var1),
    paste0("cor_", table$var2, ".", table$var1)
  )
  ifelse(is.na(table$var1), "sigma", paste(what, table$grp, sep = "|"))
}

#' Values fit by fit
by_rows <- function(part) list(names = part$names, values = as.vector(t(part$values)))

#' The range of each parameter over the fits
agreement_of <- function(parts, log_likelihood) {
  values <- c(list(log_likelihood), unlist(unname(lapply(parts, function(part) {
    lapply(seq_along(part$names), function(i) part$values[, i])
  })), recursive = FALSE))
  low <- vapply(values, min, 1)
  high <- vapply(values, max, 1)
  list(
    kind = c("log_likelihood", rep(names(parts), lengths(lapply(parts, `[[`, "names")))),
    names = c("log_likelihood", unlist(lapply(parts, `[[`, "names"), use.names = FALSE)),
    minimum = low, maximum = high, spread = high - low
  )
}
