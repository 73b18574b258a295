# What emmeans draws of marginal means. Plain R: nothing here knows of pymer_bridge.

suppressMessages({
  library(lme4)
  library(emmeans)
})

cake_fit <- lmer(angle ~ recipe * temperature + (1 | recipe:replicate), cake)
line_fit <- lmer(angle ~ recipe * temp + (1 | recipe:replicate), cake)
three_fit <- lm(log(breaks) ~ wool * tension, warpbreaks)
cbpp_fit <- glmer(cbind(incidence, size - incidence) ~ period + (1 | herd), cbpp, binomial)
# From emmeans' vignettes.
pigs_fit <- lm(log(conc) ~ source + factor(percent), pigs)
noise_fit <- lm(noise / 10 ~ size * type * side, auto.noise)
count_fit <- glm(count ~ spray, poisson, InsectSprays)

means <- alist(
  temperature = emmeans(cake_fit, "temperature"),
  by = emmeans(cake_fit, "recipe", by = "temperature"),
  satterthwaite = emmeans(line_fit, "recipe", lmer.df = "satterthwaite"),
  pairs = contrast(emmeans(cake_fit, "recipe"), "pairwise"),
  bonferroni = contrast(emmeans(cake_fit, "temperature"), "consec", adjust = "bonferroni"),
  slopes = emtrends(line_fit, "recipe", var = "temp"),
  link = emmeans(cbpp_fit, "period"),
  response = emmeans(cbpp_fit, "period", type = "response"),
  ratios = contrast(emmeans(cbpp_fit, "period", type = "response"), "trt.vs.ctrl"),
  logs = emmeans(three_fit, ~ wool | tension, type = "response"),
  both = emmeans(three_fit, c("wool", "tension")),
  pigs = emmeans(pigs_fit, "percent", type = "response"),
  noise = emmeans(noise_fit, ~ size | type),
  counts = emmeans(count_fit, "spray", type = "response")
)

columns <- function(table, names) {
  found <- intersect(names, names(table))
  as.double(table[[found[1L]]])
}
interval <- function(table) {
  list(
    low = columns(table, c("lower.CL", "asymp.LCL", "LCL")),
    high = columns(table, c("upper.CL", "asymp.UCL", "UCL"))
  )
}

#' What plot() has of means, at a level
drawn <- function(name, level) {
  grid <- suppressMessages(eval(means[[name]]))
  table <- plot(grid, level = level, plotit = FALSE, engine = "lattice")
  c(list(estimate = table$the.emmean, label = as.character(table$pri.fac)), interval(table))
}

#' The arrows of plot()
arrows_of <- function(name, alpha, adjust, seed = NULL) {
  grid <- suppressMessages(eval(means[[name]]))
  if (!is.null(seed)) set.seed(seed)
  table <- suppressWarnings(plot(grid,
    comparisons = TRUE, alpha = alpha, adjust = adjust, plotit = FALSE, engine = "lattice"
  ))
  list(low = table$lcmpl, high = table$rcmpl)
}

interactions <- alist(
  factors = emmip(cake_fit, recipe ~ temperature, CIs = TRUE, engine = "none"),
  panels = emmip(cake_fit, ~ temperature | recipe, CIs = TRUE, engine = "none"),
  numeric = emmip(line_fit, recipe ~ temp,
    at = list(temp = c(175, 190, 225)), CIs = TRUE, engine = "none"
  ),
  response = emmip(three_fit, wool ~ tension, type = "response", CIs = TRUE, engine = "none"),
  noise = emmip(noise_fit, type ~ size | side, CIs = TRUE, engine = "none"),
  joined = emmip(three_fit, ~ wool * tension, CIs = TRUE, engine = "none"),
  single = emmip(cbpp_fit, ~period, type = "response", CIs = TRUE, engine = "none")
)

#' What emmip() draws
interaction_of <- function(name) {
  table <- suppressMessages(eval(interactions[[name]]))
  by <- switch(name, panels = "recipe", noise = "side", "")
  panel <- if (nzchar(by)) as.character(table[[by]]) else rep("", nrow(table))
  trace <- if (name %in% c("panels", "joined", "single")) rep("", nrow(table)) else as.character(table$tvar)
  c(
    list(panel = panel, trace = trace, x = as.character(table$xvar), estimate = table$yvar),
    interval(table)
  )
}
