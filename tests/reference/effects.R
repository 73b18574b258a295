# Effects of predictors, as an R user would ask for them. Plain R: nothing here knows of
# pymer_bridge. effects looks for data in the workspace and on the search path, where lme4's are.

suppressMessages({
  library(lme4)
  library(splines)
})

models <- list(
  slope = lmer(Reaction ~ Days + (Days | Subject), sleepstudy),
  poly = lmer(Reaction ~ poly(Days, 2) + (Days | Subject), sleepstudy, REML = FALSE),
  log = lmer(log(Reaction) ~ log(Days + 1) + (1 | Subject), sleepstudy),
  part = lmer(Reaction ~ Days + (1 | Subject), sleepstudy,
    subset = Days > 1, weights = 1 / (1 + Days), offset = 2 * Days
  ),
  cake = lmer(angle ~ recipe * temp + (1 | recipe:replicate), cake),
  ordered = lmer(angle ~ recipe + temperature + (1 | recipe:replicate), cake,
    contrasts = list(recipe = "contr.sum")
  ),
  binomial = glmer(
    cbind(incidence, size - incidence) ~ period + (1 | herd), cbpp, binomial
  ),
  poisson = glmer(TICKS ~ YEAR + cHEIGHT + (1 | BROOD), grouseticks, poisson),
  splines = lmer(Reaction ~ ns(Days, 3) + (1 | Subject), sleepstudy),
  negative = glmer.nb(TICKS ~ YEAR + (1 | BROOD), grouseticks),
  lm = lm(Reaction ~ poly(Days, 2) + Subject, sleepstudy),
  glm = glm(cbind(incidence, size - incidence) ~ period, binomial, cbpp)
)

days <- function(n) list(Days = seq(0, 9, length.out = n))
height <- function() {
  list(cHEIGHT = seq(min(grouseticks$cHEIGHT), max(grouseticks$cHEIGHT), length.out = 20))
}

#' Temperatures at the mean and one standard deviation to each side
temperatures <- list(temp = mean(cake$temp) + c(-1, 0, 1) * sd(cake$temp))

effects_asked <- list(
  slope = function() effects::Effect("Days", models$slope),
  slope_points = function() effects::Effect("Days", models$slope, xlevels = days(37)),
  slope_at = function() effects::Effect("Days", models$slope, xlevels = list(Days = c(1.5, 20))),
  slope_level = function() effects::Effect("Days", models$slope, se = list(level = 0.8)),
  slope_partial = function() effects::Effect("Days", models$slope, partial.residuals = TRUE),
  poly = function() effects::Effect("Days", models$poly),
  poly_partial = function() {
    effects::Effect("Days", models$poly, xlevels = days(11), partial.residuals = TRUE)
  },
  log = function() effects::Effect("Days", models$log),
  part = function() effects::Effect("Days", models$part, partial.residuals = TRUE),
  factor = function() effects::Effect("recipe", models$ordered),
  ordered = function() effects::Effect("temperature", models$ordered, partial.residuals = TRUE),
  factors = function() {
    effects::Effect(c("recipe", "temperature"), models$ordered, partial.residuals = TRUE)
  },
  interaction = function() effects::Effect(c("recipe", "temp"), models$cake, xlevels = temperatures),
  interaction_term = function() {
    effects::effect("recipe:temp", models$cake, xlevels = temperatures)
  },
  interaction_partial = function() {
    effects::Effect(c("temp", "recipe"), models$cake, partial.residuals = TRUE)
  },
  moderated_partial = function() {
    effects::Effect(c("recipe", "temp"), models$cake,
      xlevels = temperatures, partial.residuals = TRUE, x.var = "recipe"
    )
  },
  within = function() effects::Effect("recipe", models$cake),
  given = function() {
    effects::Effect("recipe", models$cake, fixed.predictors = list(given.values = c(temp = 180)))
  },
  binomial = function() effects::Effect("period", models$binomial),
  binomial_partial = function() {
    effects::Effect("period", models$binomial, partial.residuals = TRUE)
  },
  poisson = function() {
    effects::Effect("cHEIGHT", models$poisson, xlevels = height(), partial.residuals = TRUE)
  },
  poisson_two = function() effects::Effect(c("cHEIGHT", "YEAR"), models$poisson),
  splines = function() effects::Effect("Days", models$splines, xlevels = days(20)),
  negative = function() effects::Effect("YEAR", models$negative),
  lm = function() effects::Effect("Days", models$lm, partial.residuals = TRUE),
  glm = function() effects::Effect("period", models$glm)
)

#' A figure of each row of an effect, on both scales
effect_of <- function(name) {
  effect <- suppressMessages(effects_asked[[name]]())
  figures <- c("fit", "se", "lower", "upper")
  terms <- names(effect$x)
  list(
    terms = terms,
    values = unname(lapply(effect$x, function(x) if (is.factor(x)) as.character(x) else x)),
    link = unname(as.list(as.data.frame(effect, type = "link")[figures])),
    response = unname(as.list(as.data.frame(effect, type = "response")[figures])),
    residuals = unname(effect$residuals), rows = names(effect$residuals)
  )
}

#' The points that plot() of an effect draws for its partial residuals, panel by panel
#'
#' They are taken from the device, by tracing lattice's function that draws points.
drawn_partial <- function(name) {
  effect <- suppressMessages(effects_asked[[name]]())
  found <- list()
  pdf(NULL)
  on.exit(dev.off())
  here <- environment()
  note <- function(x, y) assign("found", c(found, list(list(x = x, y = y))), here)
  assign(".note_points", note, globalenv())
  on.exit(rm(".note_points", envir = globalenv()), add = TRUE)
  namespace <- asNamespace("lattice")
  suppressMessages(trace("lpoints", quote(.note_points(x, list(...)[[1L]])),
    print = FALSE, where = asNamespace("effects")
  ))
  on.exit(suppressMessages(untrace("lpoints", where = asNamespace("effects"))), add = TRUE)
  print(plot(effect, partial.residuals = list(smooth = FALSE)))
  list(
    x = as.double(unlist(lapply(found, `[[`, "x"))),
    y = as.double(unlist(lapply(found, `[[`, "y")))
  )
}
