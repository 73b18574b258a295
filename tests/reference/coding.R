# Codings of factors, and hypotheses as coefficients. Plain R: nothing here knows of pymer_bridge.

suppressMessages(library(lme4))

comparisons <- rbind("A - B" = c(1, -1, 0), "C or not" = c(-1 / 2, -1 / 2, 1))
colnames(comparisons) <- c("A", "B", "C")

coding_of <- function(hypotheses) {
  coding <- MASS::ginv(hypotheses)
  dimnames(coding) <- rev(dimnames(hypotheses))
  coding
}

whole <- coding_of(comparisons)
# Of one comparison, R itself adds the other column.
part <- local({
  recipe <- factor(c("A", "B", "C"))
  contrasts(recipe) <- coding_of(comparisons[1L, , drop = FALSE])
  contrasts(recipe)
})
colnames(part)[2L] <- "rest1"
cake$high <- as.integer(cake$angle > 30)
cake$whole <- as.integer(cake$angle)
cake$spread <- as.integer((cake$angle - 17)^2 / 10)
few <- subset(cake, as.integer(replicate) <= 6)

fits <- list(
  lmer = function(coding) {
    lmer(angle ~ recipe * temp + (1 | recipe:replicate), cake, contrasts = list(recipe = coding))
  },
  glmer = function(coding) {
    glmer(high ~ recipe + (1 | recipe:replicate), cake, binomial, contrasts = list(recipe = coding))
  },
  glmer_nb = function(coding) {
    glmer.nb(spread ~ recipe + (1 | recipe:replicate), few, contrasts = list(recipe = coding))
  },
  lm = function(coding) lm(angle ~ recipe * temp, cake, contrasts = list(recipe = coding)),
  glm = function(coding) glm(whole ~ recipe, poisson, cake, contrasts = list(recipe = coding))
)

#' The coefficients of a model: their names, then estimates and standard errors
effects <- function(kind, of) {
  table <- coef(summary(suppressWarnings(fits[[kind]](if (of == "part") part else whole))))
  list(terms = rownames(table), values = c(table[, "Estimate"], table[, "Std. Error"]))
}

#' The coding of a factor that a model has used, by the rows of its design
used <- function(design, column, factor, data) {
  rows <- match(levels(factor(data[[factor]])), data[[factor]])
  as.double(design[rows, column])
}
codings <- list(
  treatment = function() used(model.matrix(lmer(angle ~ recipe + (1 | replicate), cake)), 2:3, "recipe", cake),
  ordered = function() used(model.matrix(lm(angle ~ temperature, cake)), 2:6, "temperature", cake),
  sum = function() {
    fit <- lm(angle ~ recipe, cake, contrasts = list(recipe = "contr.sum"))
    used(model.matrix(fit), 2:3, "recipe", cake)
  },
  helmert = function() {
    fit <- glmer(high ~ recipe + (1 | replicate), cake, binomial, contrasts = list(recipe = "contr.helmert"))
    used(model.matrix(fit), 2:3, "recipe", cake)
  },
  hand = function() {
    hand <- matrix(c(-1, -1, 2, 0.3, -0.3, 0), 3, dimnames = list(NULL, c("u", "v")))
    fit <- lmer(angle ~ temp + recipe + (1 | replicate), cake, contrasts = list(recipe = hand))
    used(model.matrix(fit), 3:4, "recipe", cake)
  },
  fewer = function() {
    hand <- matrix(c(-1, -1, 2), 3, dimnames = list(NULL, "u"))
    used(model.matrix(lm(angle ~ recipe, cake, contrasts = list(recipe = hand))), 2, "recipe", cake)
  },
  hypotheses = function() {
    used(model.matrix(lm(angle ~ recipe, cake, contrasts = list(recipe = part))), 2:3, "recipe", cake)
  }
)
coding <- function(name) codings[[name]]()
weights <- function(name) as.double(solve(cbind(1, matrix(coding(name), 3))))
