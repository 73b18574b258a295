# Can the model be trusted? What car and performance say of a fit.

#' Operation: variance inflation factors, by car
#'
#' @return A row for each term: car gives degrees of freedom only where one has several.
inflation_factors <- function(model) {
  found <- car::vif(model$fit)
  table <- if (is.matrix(found)) found else cbind(found, 1)
  df <- as.double(table[, 2L])
  list(
    terms = rownames(table), factor = as.double(table[, 1L]), df = df,
    adjusted = as.double(table[, 1L])^(1 / (2 * df))
  )
}

#' The checks of performance that there are, by the words that follow `check_`
#'
#' Each returns a list of rows: `what` is checked, `statistic`, `df`, `p_value`, and what R says.
check_readers <- list(
  collinearity = function(fit) {
    found <- performance::check_collinearity(fit)
    if (is.null(found)) {
      return(NULL)
    }
    lines <- said_by(found)
    groups <- grep("Correlation$", lines)
    list(
      what = found$Term, statistic = column(found, "VIF"),
      # Above each group of terms stands what R says of it; a name begins its term's line.
      said = vapply(found$Term, function(term) {
        at <- match(TRUE, startsWith(trimws(lines), paste0(term, " ")))
        lines[max(groups[groups < at])]
      }, "")
    )
  },
  heteroscedasticity = function(fit) {
    p_value_of(performance::check_heteroscedasticity(fit), "residuals")
  },
  normality = function(fit) {
    p_value_of(performance::check_normality(fit), "residuals")
  },
  random_normality = function(fit) {
    stop_without_groups(fit)
    found <- performance::check_normality(fit, effects = "random")
    p_value_of(found, attr(found, "re_groups"))
  },
  outliers = function(fit) {
    found <- performance::check_outliers(fit)
    list(
      what = "observations", statistic = sum(as.logical(found), na.rm = TRUE),
      said = paste(said_by(found), collapse = " ")
    )
  },
  overdispersion = function(fit) {
    found <- performance::check_overdispersion(fit)
    list(
      what = "residuals", statistic = found$dispersion_ratio, df = found$residual_df,
      p_value = found$p_value, said = last_of(said_by(found))
    )
  },
  zeroinflation = function(fit) {
    found <- performance::check_zeroinflation(fit)
    list(
      what = "response", statistic = found$ratio, p_value = found$p.value,
      said = last_of(said_by(found))
    )
  },
  autocorrelation = function(fit) {
    p_value_of(performance::check_autocorrelation(fit), "residuals")
  },
  singularity = function(fit) {
    stop_without_groups(fit)
    found <- performance::check_singularity(fit)
    list(what = "random effects", said = paste("singular:", any(unlist(found))))
  },
  convergence = function(fit) {
    stop_without_groups(fit)
    found <- performance::check_convergence(fit)
    gradient <- attr(found, "gradient")
    list(
      what = "optimizer", statistic = if (length(gradient)) as.double(gradient),
      said = paste("converged:", isTRUE(as.logical(found)))
    )
  }
)

#' Stop for a check that is of random effects, where there are none
stop_without_groups <- function(fit) {
  if (!methods::is(fit, "merMod")) stop("the model has no random effects", call. = FALSE)
}

#' What R prints of a check, line by line; some verdicts are messages
said_by <- function(x) {
  messages <- character()
  lines <- withCallingHandlers(utils::capture.output(print(x)), message = function(condition) {
    messages <<- c(messages, strsplit(conditionMessage(condition), "\n")[[1L]])
    invokeRestart("muffleMessage")
  })
  lines <- c(lines, messages)
  lines <- gsub("\033\\[[0-9;]*m", "", lines) # colours
  trimws(lines[nzchar(trimws(lines))])
}

last_of <- function(lines) lines[length(lines)]

#' Rows of a check that gives p-values; NULL where R gives none, or prints no verdict
p_value_of <- function(found, what) {
  said <- if (!is.null(found) && !anyNA(found)) said_by(found)
  if (length(said) > 0L) list(what = what, p_value = as.double(found), said = said)
}

#' Operation: what performance's checks say of the model
#'
#' @param checks Names of `check_readers`.
#' @param seed For the checks that draw.
#' @return A row for each thing checked, and which checks R left out, with its reason.
check_model <- function(model, checks, seed) {
  fit <- plain_model(model)
  rows <- list()
  left_out <- warned <- character()
  for (name in checks) {
    said <- warnings <- character()
    found <- with_seed(seed, tryCatch(
      withCallingHandlers(
        within_model(fit$model, bquote(.(check_readers[[name]])(.fit))),
        message = function(condition) {
          said <<- c(said, conditionMessage(condition))
          invokeRestart("muffleMessage")
        },
        warning = function(condition) {
          warnings <<- c(warnings, conditionMessage(condition))
          invokeRestart("muffleWarning")
        }
      ),
      error = function(condition) {
        said <<- c(said, conditionMessage(condition))
        NULL
      }
    ))
    if (is.null(found)) {
      reason <- trimws(gsub("\\s+", " ", paste(c(said, warnings), collapse = " ")))
      left_out[name] <- if (nzchar(reason)) reason else "R gives nothing"
    } else {
      rows[[name]] <- found
      warned <- c(warned, warnings)
    }
  }
  # R says the same several times, as of the hat values that more than one check needs.
  for (text in unique(warned)) warning(text, call. = FALSE)
  own_names(check_table(rows, left_out), fit$plain)
}

#' Rows of checks as columns
check_table <- function(rows, left_out) {
  spread <- function(name, missing) {
    unlist(lapply(rows, function(row) {
      value <- row[[name]]
      if (is.null(value)) rep(missing, length(row$what)) else unname(value)
    }), use.names = FALSE)
  }
  list(
    check = rep(names(rows), lengths(lapply(rows, `[[`, "what"))),
    what = as.character(spread("what", NA_character_)),
    statistic = as.double(spread("statistic", NA_real_)),
    df = as.double(spread("df", NA_real_)), p_value = as.double(spread("p_value", NA_real_)),
    said = as.character(spread("said", NA_character_)),
    left_out = names(left_out), reasons = as.character(left_out)
  )
}
