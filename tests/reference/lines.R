# The lines that pictures draw, as an R user would compute them. Plain R: nothing here knows of
# pymer_bridge.

suppressMessages(library(lme4))

#' cake: recipe does not vary within replicates, so that a group has its own
cake_lines <- function() {
  fit <- lmer(angle ~ recipe * temp + (1 | recipe:replicate), cake)
  at <- range(cake$temp)
  columns <- model.matrix(fit)
  B <- mean(columns[, "recipeB"])
  C <- mean(columns[, "recipeC"])
  averaged <- cbind(1, B, C, at, B * at, C * at)
  new <- expand.grid(temp = at, replicate = levels(cake$replicate), recipe = levels(cake$recipe))
  list(population = as.vector(averaged %*% fixef(fit)), groups = unname(predict(fit, new)))
}

#' cbpp: the period varies within herds, and everything is averaged over it
cbpp_lines <- function() {
  fit <- lmer(incidence ~ size + period + (size | herd), cbpp)
  periods <- apply(model.matrix(fit)[, 3:5], 2, mean)
  line <- function(size) cbind(1, size, periods[1], periods[2], periods[3])
  of_herd <- function(herd) {
    at <- range(cbpp$size[cbpp$herd == herd])
    mode <- unlist(ranef(fit)$herd[herd, ])
    as.vector(line(at) %*% fixef(fit)) + (mode[[1]] + mode[[2]] * at)
  }
  herds <- names(which(tapply(cbpp$size, cbpp$herd, function(size) diff(range(size)) > 0)))
  list(
    population = as.vector(line(range(cbpp$size)) %*% fixef(fit)),
    groups = as.vector(vapply(herds, of_herd, numeric(2)))
  )
}

#' A generalized model: the mean is taken on the scale of the link
binomial_lines <- function() {
  fit <- glmer(cbind(incidence, size - incidence) ~ size + period + (1 | herd), cbpp, binomial)
  at <- seq(min(cbpp$size), max(cbpp$size), length.out = 60)
  periods <- apply(model.matrix(fit)[, 3:5], 2, mean)
  link <- cbind(1, at, periods[1], periods[2], periods[3]) %*% fixef(fit)
  list(population = as.vector(binomial()$linkinv(link)), points = cbpp$incidence / cbpp$size)
}

#' An offset is at its mean
poisson_lines <- function() {
  fit <- glmer(incidence ~ as.integer(period) + (1 | herd) + offset(log(size)), cbpp, poisson)
  at <- seq(1, 4, length.out = 60)
  link <- cbind(1, at) %*% fixef(fit)
  list(population = as.vector(exp(as.vector(link) + mean(log(cbpp$size)))))
}

#' Two crossed factors: the random effects of one are added, those of the other set aside
crossed_lines <- function() {
  data <- subset(InstEval, as.integer(s) <= 40 & as.integer(d) <= 400)
  data$age <- as.numeric(data$lectage)
  fit <- suppressMessages(suppressWarnings(lmer(y ~ age + (1 | s) + (0 + age | d), data)))
  both <- predict(fit, data, random.only = TRUE)
  of_s <- ranef(fit)$s[as.character(data$s), 1]
  list(fixed = unname(predict(fit, data, re.form = NA)), s = of_s, d = unname(both) - of_s)
}

#' Lines of lm() alone, of the model's fixed effects, with recipe at its own level
cake_alone <- function() {
  at <- range(cake$temp)
  all <- lm(angle ~ recipe * temp, cake)
  columns <- model.matrix(all)
  B <- mean(columns[, "recipeB"])
  C <- mean(columns[, "recipeC"])
  alone <- lapply(split(cake, list(cake$replicate, cake$recipe)), function(part) {
    coef(lm(angle ~ temp, part))
  })
  list(
    complete = as.vector(cbind(1, B, C, at, B * at, C * at) %*% coef(all)),
    none = as.vector(vapply(alone, function(line) as.vector(cbind(1, at) %*% line), numeric(2)))
  )
}
