# Cluster-robust and heteroscedasticity-consistent standard errors, by clubSandwich and sandwich.

#' The clusters of the rows that a fit uses
#'
#' @param cluster The name of a grouping factor or of a column of the data, or the parts of a data
#'   frame with them for each row of the data.
cluster_of <- function(model, cluster) {
  if (is.list(cluster)) {
    values <- frame_from_parts(cluster)[[1L]][model_data(model)$used]
    return(known_clusters(values, "cluster="))
  }
  if (methods::is(model$fit, "merMod")) {
    factors <- lme4::getME(model$fit, "flist")
    if (cluster %in% names(factors)) {
      return(droplevels(factors[[cluster]]))
    }
  }
  data <- model_data(model)
  known_clusters(data$frame[[cluster]][data$used], paste0("the column '", cluster, "'"))
}

#' Clusters, or an error if some are missing
known_clusters <- function(values, what) {
  if (anyNA(values)) {
    stop(what, " lacks values in rows that the model uses, so that their clusters are not known",
      call. = FALSE
    )
  }
  droplevels(as.factor(values))
}

#' The covariance of the coefficients, and the clusters behind it
#'
#' @param cluster As of `cluster_of()`; NULL for the outermost grouping factor.
#' @param kind "CR0" to "CR3", or "HC0" to "HC5" of a model without random effects.
robust_covariance <- function(model, cluster, kind) {
  fit <- as_omitting(model$fit) # both packages count on residuals of the rows used
  if (startsWith(kind, "HC")) {
    return(sandwich::vcovHC(fit, type = kind))
  }
  if (is.null(cluster)) {
    return(clubSandwich::vcovCR(fit, type = kind))
  }
  clubSandwich::vcovCR(fit, cluster = cluster_of(model, cluster), type = kind)
}

#' clubSandwich's names of tests
club_tests <- c(
  satterthwaite = "Satterthwaite", saddlepoint = "saddlepoint", "naive-t" = "naive-t",
  "naive-tp" = "naive-tp", normal = "z"
)

#' Operation: the fixed effects with tests and intervals by robust standard errors
#'
#' @param cluster,kind See `robust_covariance()`.
#' @param test A name of `club_tests`; "residual" or "normal" where there are no clusters.
#' @return What `fixed_effects()` gives, with the covariance and the number of clusters.
robust_effects <- function(model, cluster, kind, test, conf_level) {
  covariance <- robust_covariance(model, cluster, kind)
  found <- if (inherits(covariance, "clubSandwich")) {
    clustered_tests(as_omitting(model$fit), covariance, test, conf_level)
  } else {
    plain_tests(model$fit, covariance, test, conf_level)
  }
  clusters <- attr(covariance, "cluster")
  c(found, list(
    reference = factor_coding(design_contrasts(model$fit), stats::model.frame(model$fit)),
    covariance = as.double(covariance), covariance_names = rownames(covariance),
    n_clusters = if (!is.null(clusters)) nlevels(clusters)
  ))
}

#' Tests and intervals by clubSandwich
clustered_tests <- function(fit, covariance, test, conf_level) {
  name <- club_tests[[test]]
  table <- clubSandwich::coef_test(fit, vcov = covariance, test = name)
  ends <- if (test != "saddlepoint") { # which has no interval
    clubSandwich::conf_int(fit, vcov = covariance, test = name, level = conf_level)
  }
  list(
    terms = rownames(table), estimate = table$beta, std_error = unname(table$SE),
    statistic = unname(table$tstat),
    df = if (test != "normal") column(table, "df_Satt", "df_t", "df_tp", "df"),
    p_value = column(table, "p_Satt", "p_t", "p_tp", "p_z", "p_saddle", "p_val"),
    conf_low = column(ends, "CI_L"), conf_high = column(ends, "CI_U")
  )
}

#' Tests and intervals of a linear model whose covariance has no clusters, as lmtest has them
plain_tests <- function(fit, covariance, test, conf_level) {
  estimate <- stats::coef(fit)
  estimate <- estimate[!is.na(estimate)]
  error <- sqrt(diag(covariance))
  statistic <- estimate / error
  by_t <- test == "residual"
  df <- stats::df.residual(fit)
  tail <- (1 - conf_level) / 2
  levels <- c(tail, 1 - tail)
  quantiles <- if (by_t) stats::qt(levels, df) else stats::qnorm(levels)
  list(
    terms = names(estimate), estimate = unname(estimate), std_error = unname(error),
    statistic = unname(statistic), df = if (by_t) rep(as.double(df), length(estimate)),
    p_value = unname(
      if (by_t) 2 * stats::pt(-abs(statistic), df) else 2 * stats::pnorm(-abs(statistic))
    ),
    conf_low = unname(estimate + error * quantiles[1L]),
    conf_high = unname(estimate + error * quantiles[2L])
  )
}

#' The positions of coefficients, by their names or by the names of terms
positions_of <- function(fit, names) {
  design <- stats::model.matrix(fit)
  kept <- fixed_names(fit)
  terms <- attr(stats::terms(fit), "term.labels")
  of_terms <- attr(design, "assign")[match(kept, colnames(design))]
  found <- lapply(names, function(name) {
    which(if (name %in% kept) kept == name else of_terms == match(name, terms, nomatch = -1L))
  })
  sort(unique(unlist(found)))
}

#' Operation: the names of coefficients and terms that a joint test may have
testable_names <- function(model) {
  unique(c(fixed_names(model$fit), attr(stats::terms(model$fit), "term.labels")))
}

#' Operation: a joint test that coefficients are zero, by clubSandwich
#'
#' @param names Coefficients or terms.
#' @param test One of clubSandwich's tests, such as "HTZ".
robust_wald <- function(model, cluster, kind, names, test) {
  covariance <- robust_covariance(model, cluster, kind)
  estimates <- rownames(covariance)
  constraints <- diag(length(estimates))[positions_of(model$fit, names), , drop = FALSE]
  table <- clubSandwich::Wald_test(
    as_omitting(model$fit),
    constraints = constraints, vcov = covariance, test = test
  )
  list(
    terms = paste(names, collapse = ", "),
    df1 = column(table, "df_num", "df"), df2 = column(table, "df_denom"),
    statistic = column(table, "Fstat"), p_value = column(table, "p_val"),
    positions = positions_of(model$fit, names),
    heading = sprintf(
      "Robust Wald test (%s; %s, %d clusters)", test, kind, nlevels(attr(covariance, "cluster"))
    ), text = printed(table)
  )
}
