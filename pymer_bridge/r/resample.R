# Bootstraps of one model in one process.

#' The model without one coefficient, random effects kept
#'
#' @param model A model environment.
#' @param term The name of a fixed effect. One that is a whole term is taken out
#'   of the formula, where that takes just this coefficient away; another by a
#'   restriction of the design.
without_coefficient <- function(model, term) {
  fit <- model$fit
  coefficients <- names(lme4::fixef(fit))
  if (!term %in% coefficients) {
    stop("no fixed effect ", sQuote(term, FALSE), "; there are: ",
      paste(coefficients, collapse = ", "),
      call. = FALSE
    )
  }
  if (length(coefficients) == 1L) {
    stop("the model has one fixed effect only, and none would be left to compare with",
      call. = FALSE
    )
  }
  if (term %in% attr(stats::terms(fit), "term.labels")) {
    change <- stats::as.formula(bquote(. ~ . - .(str2lang(term))), env = model$frame_env)
    holder <- new.env(parent = model$frame_env)
    holder$.fit <- fit
    small <- eval(bquote(stats::update(.fit, .(change))), holder)
    # Without `a`, the design of a * b with a factor b is written another way.
    if (length(lme4::fixef(small)) == length(coefficients) - 1L) {
      return(small)
    }
  }
  restriction <- matrix(as.double(coefficients == term), nrow = 1L)
  pbkrtest::restriction_matrix2model(self_contained_fit(model), restriction,
    REML = lme4::isREML(fit)
  )
}

#' Operation: likelihood ratio test of one coefficient
ratio_test_of <- function(model, term) {
  small <- without_coefficient(model, term)
  # anova() tells data apart by how the call names them.
  methods::slot(small, "call")$data <- stats::getCall(model$fit)$data
  table <- stats::anova(lme4::refitML(small), lme4::refitML(model$fit),
    refit = FALSE, model.names = c("small", "full")
  )
  list(
    statistic = column(table, "Chisq")[2L], df = column(table, "Df")[2L],
    p_value = column(table, "Pr(>Chisq)")[2L]
  )
}

#' A parametric bootstrap of the likelihood ratio as lists of columns
#'
#' @param compared What pbkrtest::PBmodcomp() returned.
describe_bootstrap_test <- function(compared) {
  table <- summary(compared)$test
  list(
    terms = rownames(table), statistic = column(table, "stat"), df = column(table, "df"),
    df2 = column(table, "ddf"), p_value = column(table, "p.value"),
    lrt = compared$LRTstat[["tobs"]], p_bootstrap = compared$test["PBtest", "p.value"],
    n_sim = compared$samples[["nsim"]], n_usable = compared$samples[["npos"]],
    text = printed(compared)
  )
}

#' Operation: parametric bootstrap of the likelihood ratio of a restriction
#'
#' @param restricted As for `kr_modcomp()`, or the name of a coefficient as
#'   `list(coefficient = )`.
bootstrap_modcomp <- function(model, restricted, n_sim, seed) {
  small <- if (is.list(restricted) && !is.null(restricted$coefficient)) {
    without_coefficient(model, restricted$coefficient)
  } else {
    restricted_model(model, restricted)
  }
  # pbkrtest 0.5.2 takes a seed and ignores it.
  if (!is.null(seed)) set.seed(seed)
  describe_bootstrap_test(pbkrtest::PBmodcomp(model$fit, small, nsim = n_sim))
}

#' Rows of a case bootstrap: groups drawn, then rows within each
#'
#' @param group A factor.
#' @return A list of `rows` and of `group`, a new label for each group drawn.
case_rows <- function(group) {
  members <- split(seq_along(group), group, drop = TRUE)
  drawn <- members[sample.int(length(members), replace = TRUE)]
  rows <- lapply(drawn, function(own) own[sample.int(length(own), replace = TRUE)])
  list(
    rows = unlist(rows, use.names = FALSE),
    group = factor(rep(seq_along(rows), lengths(rows)))
  )
}

#' Operation: case bootstrap of the fixed effects
#'
#' Groups of one factor are drawn with replacement, and rows within each group;
#' a group drawn twice counts as two.
#'
#' @param group The name of a grouping factor that is a column of the data.
#' @return The replicates, column by column; NA where a refit failed.
case_bootstrap <- function(model, group, n_sim, seed, conf_level) {
  if (!is.null(seed)) set.seed(seed)
  fit <- model$fit
  # As it was given: the formula in it has no environment yet, and gets the holder's.
  call <- model$call
  frame <- get(as.character(call$data), model$frame_env)
  used <- match(rownames(stats::model.frame(fit)), rownames(frame))
  call$data <- quote(.resampled)
  call$subset <- NULL # the rows are chosen already
  extras <- intersect(c(".weights", ".offset"), all.vars(call))
  observed <- lme4::fixef(fit)
  failure <- NULL
  replicates <- matrix(vapply(seq_len(n_sim), function(i) {
    drawn <- case_rows(frame[[group]][used])
    rows <- used[drawn$rows]
    holder <- new.env(parent = model$frame_env)
    holder$.resampled <- frame[rows, , drop = FALSE]
    holder$.resampled[[group]] <- drawn$group
    for (name in extras) assign(name, get(name, model$frame_env)[rows], envir = holder)
    tryCatch(
      unname(lme4::fixef(suppressMessages(suppressWarnings(eval(call, holder))))[names(observed)]),
      error = function(condition) {
        failure <<- conditionMessage(condition)
        rep(NA_real_, length(observed))
      }
    )
  }, observed), nrow = n_sim, byrow = TRUE)
  if (all(is.na(replicates))) {
    stop("every refit of the case bootstrap failed; the last said: ", failure, call. = FALSE)
  }
  if (!is.null(failure)) {
    warning(sum(is.na(replicates[, 1L])), " of ", n_sim, " refits of the case bootstrap failed; ",
      "the last said: ", failure,
      call. = FALSE
    )
  }
  ends <- apply(replicates, 2L, stats::quantile, c(1 - conf_level, 1 + conf_level) / 2,
    na.rm = TRUE
  )
  list(
    terms = names(observed), estimate = unname(observed),
    std_error = unname(apply(replicates, 2L, stats::sd, na.rm = TRUE)),
    conf_low = unname(ends[1L, ]), conf_high = unname(ends[2L, ]),
    n_usable = sum(!is.na(replicates[, 1L]))
  )
}

#' Operation: parametric bootstrap of the fixed effects
parametric_bootstrap <- function(model, n_sim, seed, conf_level) {
  warn_of_refit_defect(model$fit)
  # From here bootMer() finds what the call's control argument names.
  boot <- within_model(model, bquote(
    lme4::bootMer(.fit, lme4::fixef, nsim = .(n_sim), seed = .(seed))
  ))
  ends <- apply(boot$t, 2L, stats::quantile, c(1 - conf_level, 1 + conf_level) / 2,
    na.rm = TRUE
  )
  list(
    terms = names(boot$t0), estimate = unname(boot$t0),
    std_error = unname(apply(boot$t, 2L, stats::sd, na.rm = TRUE)),
    conf_low = unname(ends[1L, ]), conf_high = unname(ends[2L, ]),
    n_usable = sum(!is.na(boot$t[, 1L]))
  )
}
