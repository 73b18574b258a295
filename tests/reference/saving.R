# Models in .rds files as an R user would write and read them. Plain R: nothing here knows of
# pymer_bridge.

suppressMessages(library(lme4))

#' A fit whose data lie in a function, as in many scripts
with_data <- function(linear) {
  cars <- mtcars
  cars$mpg[3L] <- NA
  if (linear) {
    lm(mpg ~ wt, cars, na.action = na.exclude)
  } else {
    lmer(mpg ~ wt + (1 | cyl), cars, na.action = na.exclude)
  }
}

#' A fit whose data are not found where it is read
without_data <- function(linear) {
  holder <- list(cars = mtcars)
  if (linear) lm(mpg ~ log(wt), holder$cars) else lmer(mpg ~ log(wt) + (1 | cyl), holder$cars)
}

makers <- list(
  data = with_data, none = without_data,
  lmertest = function(linear) lmerTest::lmer(Reaction ~ Days + (Days | Subject), sleepstudy),
  glm = function(linear) glm(am ~ wt, binomial, mtcars),
  glmer = function(linear) glmer(TICKS ~ 1 + (1 | BROOD), grouseticks, poisson, nAGQ = 2L),
  nb = function(linear) glmer.nb(TICKS ~ 1 + (1 | BROOD), grouseticks),
  nlmer = function(linear) {
    nlmer(circumference ~ SSlogis(age, Asym, xmid, scal) ~ Asym | Tree, Orange,
      start = c(Asym = 200, xmid = 725, scal = 350)
    )
  },
  many = function(linear) lm(cbind(mpg, wt) ~ hp, mtcars),
  text = function(linear) "no model"
)

write_fit <- function(name, linear, path) {
  saveRDS(suppressMessages(suppressWarnings(makers[[name]](linear))), path)
  TRUE
}

figures_of_fit <- function(fit) {
  fixed <- if (isS4(fit)) fixef(fit) else coef(fit)
  list(
    fixed = unname(fixed), sigma = sigma(fit), log_likelihood = as.double(logLik(fit)),
    residuals = as.double(residuals(fit)), rows = names(residuals(fit)),
    covariance = as.vector(as.matrix(vcov(fit)))
  )
}

figures_in <- function(path) figures_of_fit(readRDS(path))

#' What an R user does with a fit: fit it again without a term
updated_in <- function(path, formula) {
  fit <- readRDS(path)
  sigma(update(fit, as.formula(formula)))
}
