# What pictures of tables show, as an R user would compute it. Plain R: nothing here knows of
# pymer_bridge.

suppressMessages(library(lme4))

crossed <- lmerTest::lmer(angle ~ recipe * temp + (1 | recipe:replicate), cake)

#' Partial eta squared, and where the noncentral F distribution has the statistic at its quantiles
sizes <- function(level) {
  table <- anova(crossed)
  statistic <- table[["F value"]]
  df1 <- table$NumDF
  df2 <- table$DenDF
  list(
    estimate = statistic * df1 / (statistic * df1 + df2), statistic = statistic, df1 = df1,
    df2 = df2
  )
}

#' The probability of a smaller F, were partial eta squared this
below <- function(eta, statistic, df1, df2) {
  pf(statistic, df1, df2, ncp = eta * df2 / (1 - eta))
}

#' Estimates for one standard deviation of each variable, by its definition
scaled <- function() {
  fixed <- fixef(crossed)
  by <- ifelse(grepl("temp", names(fixed)), sd(cake$temp), 1)
  list(names = names(fixed), estimate = unname(as.double(fixed) * by / sd(cake$angle)))
}

#' The same by a fit to data that are divided by standard deviations
scaled_fit <- function() {
  data <- transform(cake, temp = temp / sd(temp), angle = angle / sd(angle))
  unname(fixef(lmerTest::lmer(angle ~ recipe * temp + (1 | recipe:replicate), data)))
}
