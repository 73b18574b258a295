# Models of several imputations, put together by mice and mitml.

#' Operation: Rubin's rules
#'
#' @param models Models of the same formula, one for each imputation.
#' @param df_complete The degrees of freedom of complete data; NULL for what mice takes.
#' @param components Put the variances of random effects together as well?
#' @return A row for each fixed effect; the variances and correlations as mitml labels them.
pool_models <- function(models, df_complete, conf_level, components) {
  used <- lapply(models, plain_model)
  fits <- lapply(used, function(one) one$model$fit)
  pooled <- mice::pool(fits, dfcom = df_complete)
  rows <- pooled$pooled
  table <- summary(pooled, conf.int = TRUE, conf.level = conf_level)
  ends <- grep("%$", names(table))
  random <- if (components) mitml::testEstimates(fits, extra.pars = TRUE)$extra.pars
  own_names(list(
    terms = as.character(rows$term), estimate = rows$estimate,
    std_error = table$std.error, df = as.double(table$df),
    statistic = table$statistic, p_value = table$p.value,
    conf_low = table[[ends[1L]]], conf_high = table[[ends[2L]]],
    within = rows$ubar, between = rows$b,
    relative_increase = rows$riv, missing_information = rows$fmi,
    df_complete = as.double(rows$dfcom[1L]),
    parameters = rownames(random), values = as.double(random)
  ), used[[1L]]$plain)
}
