# Marginal means, contrasts and tests of them, by plain R and emmeans. The names stand, in the same
# order, with the Python calls in models/test_means.py.
#
#   Rscript --vanilla means.R ANSWERS STATE FOLDER_OF_DATA
#
# ends with status 3 at once where the process is not in the wanted state (lme4 issue 745).

suppressMessages({
  library(lme4)
  library(emmeans)
})
arguments <- commandArgs(trailingOnly = TRUE)
script <- sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE))
source(file.path(dirname(script), "data.R"), encoding = "UTF-8")
crossed <- lmer(diameter ~ 1 + (1 | plate) + (1 | sample), Penicillin)
if (getME(crossed, "L")@type[1L] != as.integer(arguments[2L])) {
  quit(status = 3L)
}
for (path in list.dirs(arguments[3L], recursive = FALSE)) {
  assign(basename(path), read_frame(path))
}
data(list = c("pigs", "fiber", "oranges", "neuralgia", "nutrition", "feedlot", "ubds"), package = "emmeans")
data(list = "autonoise", package = "emmeans")
Oats <- as.data.frame(nlme::Oats)

# -- models ------------------------------------------------------------------------------------------

fits <- list(
  cake = lmer(angle ~ recipe * temperature + (1 | recipe:replicate), cake),
  cake_line = lmer(angle ~ recipe * temp + (1 | recipe:replicate), cake),
  cake_lm = lm(angle ~ recipe * temp, cake),
  cake_coded = lmer(angle ~ recipe * temperature + (1 | recipe:replicate), cake, contrasts = list(
    recipe = matrix(c(-0.5, 0.5, 0, -1 / 3, -1 / 3, 2 / 3), 3), temperature = "contr.sum"
  )),
  empty = lm(breaks ~ wool * tension, empty),
  empty_mixed = suppressMessages(lmer(breaks ~ wool * tension + (1 | loom), empty)),
  nested = lm(score ~ drug / dose, nested),
  layout = lmer(y ~ a * b * c + (1 | g), layout),
  layout_lm = lm(y ~ a * b * c, layout),
  layout_sum = lm(y ~ a * b * c, layout, contrasts = list(a = "contr.sum", b = "contr.helmert", c = "contr.SAS")),
  herds = glmer(cbind(incidence, size - incidence) ~ period + (1 | herd), cbpp, binomial),
  herds_probit = glmer(cbind(incidence, size - incidence) ~ period + (1 | herd), cbpp, binomial("probit")),
  herds_glm = glm(cbind(incidence, size - incidence) ~ period, binomial, cbpp),
  counts = glmer(incidence ~ period + offset(log(size)) + (1 | herd), cbpp, poisson),
  counts_glm = glm(incidence ~ period + offset(log(size)), poisson, cbpp),
  logs = lmer(log(Reaction) ~ half * Days + (1 | Subject), sleep),
  roots = lmer(sqrt(Reaction) ~ half + (1 | Subject), sleep),
  factors = glmer(factor(high) ~ half + (1 | Subject), sleep, binomial),
  equals = glmer(word == "b" ~ half + (1 | Subject), sleep, binomial("cloglog")),
  ifelse = glm(ifelse(high > 0, 1, 0) ~ third, binomial, sleep),
  as_factor = glm(as.factor(word) ~ third, binomial("probit"), sleep),
  two = glm(sqrt(Reaction) ~ half, Gamma("log"), sleep),
  large = lmer(y ~ arm * x + (1 | site), large),
  ml = lmer(angle ~ recipe + temperature + (1 | recipe:replicate), cake, REML = FALSE),
  # Of emmeans' vignettes and help pages.
  pigs = lm(log(conc) ~ source + factor(percent), pigs),
  fiber = lm(strength ~ machine * diameter, fiber),
  noise = lm(noise ~ size * type * side, auto.noise),
  warp = lm(breaks ~ wool * tension, warpbreaks),
  warp_poisson = glm(breaks ~ wool * tension, poisson, warpbreaks),
  oranges = lm(sales1 ~ price1 + price2 + day + store, oranges),
  neuralgia = glm(Pain ~ Treatment * Sex + Age, binomial, neuralgia),
  oats = lmer(yield ~ Variety + factor(nitro) + (1 | Block / Variety), Oats),
  nutrition = lm(gain ~ (age + group + race)^2, nutrition),
  feedlot = lm(swt ~ ewt + herd * diet, feedlot),
  ubds = lm(y ~ A + B + C, ubds),
  sprays = glm(count ~ spray, poisson, InsectSprays),
  cars = lm(log(mpg) ~ factor(cyl) * disp + log(hp), mtcars)
)

# -- what is asked -----------------------------------------------------------------------------------

whole <- function(grid, ...) summary(grid, infer = TRUE, ...)
drawn <- function(grid, seed = 1, ...) {
  set.seed(seed)
  whole(grid, ...)
}
#' Response values with intervals, as summary() gives them of a response that is a call
apart <- function(grid) summary(grid, infer = c(TRUE, FALSE))
em <- function(name, ...) emmeans(fits[[name]], ...)

cases <- alist(
  means = whole(em("cake", "recipe")),
  formula = whole(em("cake", ~ recipe | temperature)),
  formula_two = whole(em("layout", ~ a * b | c)),
  overall = whole(em("cake", ~1)),
  satterthwaite = whole(em("cake", "recipe", lmer.df = "satterthwaite")),
  asymptotic = whole(em("cake", "recipe", lmer.df = "asymptotic")),
  likelihood = whole(em("ml", "recipe")),
  level = whole(em("cake", "recipe"), level = 0.9),
  adjusted = whole(em("cake", "recipe"), adjust = "bonferroni"),
  ordered = whole(contrast(em("cake", "temperature"), "poly")),
  coded = whole(em("cake_coded", ~ recipe | temperature)),
  coded_pairs = whole(pairs(em("cake_coded", "recipe"))),
  weights_equal = whole(em("layout", "a", weights = "equal")),
  weights_proportional = whole(em("layout", "a", weights = "proportional")),
  weights_outer = whole(em("layout", "a", weights = "outer")),
  weights_cells = whole(em("layout", "a", weights = "cells")),
  weights_flat = whole(em("layout", "a", weights = "flat")),
  weights_lm = whole(em("layout_lm", ~ b | c, weights = "proportional")),
  weights_sum = whole(em("layout_sum", ~ b | c, weights = "cells")),
  empty = whole(em("empty", ~ wool | tension)),
  empty_pairs = whole(pairs(em("empty", ~ wool | tension))),
  empty_mixed = whole(em("empty_mixed", ~ tension | wool)),
  empty_flat = whole(em("empty", "wool", weights = "flat")),
  empty_joint = joint_tests(em("empty", ~ wool * tension)),
  nested = whole(em("nested", "dose")),
  nested_drug = whole(em("nested", "drug")),
  nested_pairs = whole(pairs(em("nested", "dose"))),
  nested_joint = joint_tests(em("nested", ~ drug * dose)),
  threeway_joint = joint_tests(em("layout", ~ a * b * c)),
  threeway_joint_by = joint_tests(em("layout", ~ a * b * c), by = "c"),
  threeway_joint_lm = joint_tests(em("layout_lm", ~ a * b * c), by = c("a", "c")),
  interaction = whole(contrast(em("layout", ~ a * b * c), interaction = "pairwise")),
  interaction_each = whole(contrast(em("layout", ~ b * c), interaction = c("pairwise", "consec"))),
  interaction_named = whole(contrast(em("layout", ~ b * c), interaction = c(c = "poly", b = "eff"))),
  interaction_by = whole(contrast(em("layout", ~ a * b | c), "pairwise", interaction = TRUE, adjust = "holm")),
  simple = whole(contrast(em("layout", ~ a * c), "pairwise", simple = "c")),
  simple_each = whole(pairs(em("layout", ~ a * c), simple = "each")[[1]]),
  simple_each_2 = whole(pairs(em("layout", ~ a * c), simple = "each")[[2]]),
  simple_two = whole(contrast(em("layout", ~ a * b * c), "eff", simple = c("a", "b"))),
  by_other = whole(contrast(em("layout", ~ a * c), "trt.vs.ctrl", by = "a", ref = 2)),
  by_none = whole(contrast(em("layout", ~ a | b), "pairwise", by = NULL)),
  ref_two = whole(contrast(em("cake", "recipe"), "trt.vs.ctrl", ref = 2:3, reverse = TRUE)),
  ref_tuple = whole(contrast(em("layout", ~ a * b), "dunnett", ref = 3)),
  ctrlk = whole(contrast(em("cake", "recipe"), "trt.vs.ctrlk")),
  reverse = whole(pairs(em("cake", "recipe"), reverse = TRUE)),
  eff = whole(contrast(em("cake", "recipe"))),
  del_eff = whole(contrast(em("cake", "recipe"), "del.eff")),
  identity = whole(contrast(em("cake", "recipe"), "identity")),
  tukey_reverse = whole(contrast(em("cake", "recipe"), "tukey", reverse = TRUE)),
  scheffe = whole(pairs(em("cake", "recipe", adjust = "none"), adjust = "scheffe")),
  weights_by_name = whole(contrast(em("cake", "recipe"), list("A - rest" = c(1, -0.5, -0.5)))),
  weights_within = whole(contrast(em("layout", ~ c | a), list(one = c(1, 0, -1), two = c(0, 1, -1)), adjust = "sidak")),
  of_contrasts = whole(contrast(pairs(em("layout", ~ c | a)), "pairwise", by = "contrast")),
  of_contrasts_all = whole(pairs(pairs(em("layout", ~ c | a)), by = NULL)),
  consec = drawn(contrast(em("cake", "temperature"), "consec")),
  mean_chg = drawn(contrast(em("cake", "temperature"), "mean_chg"), seed = 7),
  mvt = drawn(pairs(em("cake", "temperature"), adjust = "mvt")),
  mvt_by = drawn(contrast(em("layout", ~ c | a), "consec", reverse = TRUE), seed = 3),
  mvt_means = drawn(em("layout", "c"), seed = 5, adjust = "mvt"),
  mvt_test = {
    set.seed(2)
    test(contrast(em("layout", ~ c | a), "consec"), side = "<")
  },
  test_one_sided = test(em("cake", "recipe"), null = 32, side = ">"),
  test_left = test(pairs(em("cake", "recipe")), side = "left", adjust = "holm"),
  test_noninferior = test(pairs(em("cake", "recipe")), side = "noninferiority", delta = 2),
  test_equivalence = test(pairs(em("cake", "recipe")), delta = 3, adjust = "none"),
  test_nonsuperior = test(em("herds", "period"), null = -1, side = "nonsuperiority", delta = 0.5),
  test_response = test(em("herds", "period", type = "response"), null = -1),
  sizes = summary(eff_size(em("cake", "recipe"), sigma = 5, edf = 42)),
  sizes_by = summary(eff_size(em("layout", ~ c | a), sigma = 1.2, edf = Inf, method = "trt.vs.ctrl"), level = 0.8),
  sizes_identity = summary(eff_size(pairs(em("cake", "recipe")), sigma = 5, edf = 42, method = "identity")),
  sizes_log = summary(eff_size(em("logs", "half"), sigma = 0.2, edf = 30)),
  herds = whole(em("herds", "period", type = "response")),
  herds_pairs = whole(pairs(em("herds", "period", type = "response"))),
  herds_eff = whole(contrast(em("herds", "period", type = "response"), "eff")),
  herds_probit = whole(pairs(em("herds_probit", "period", type = "response"))),
  herds_bias = whole(em("herds", "period", type = "response", bias.adjust = TRUE, sigma = 0.64)),
  herds_glm = whole(em("herds_glm", "period", type = "response")),
  herds_unlink = whole(em("herds", "period", type = "unlink")),
  counts = whole(em("counts", "period", type = "response")),
  counts_offset = whole(em("counts", "period", type = "response", offset = log(10))),
  counts_no_offset = whole(em("counts", "period", offset = 0)),
  counts_pairs = whole(pairs(em("counts", "period", type = "response"), adjust = "BH")),
  counts_glm = whole(em("counts_glm", "period", type = "response", offset = 2)),
  logs = whole(em("logs", "half", type = "response")),
  logs_bias = whole(em("logs", "half", type = "response", bias.adjust = TRUE, sigma = 0.17)),
  logs_bias_default = whole(em("logs", "half", type = "response", bias.adjust = TRUE)),
  logs_link = whole(em("logs", "half")),
  logs_pairs = whole(pairs(em("logs", "half", type = "response"))),
  logs_at = whole(em("logs", ~ half | Days, at = list(Days = c(0, 9)), type = "response")),
  roots = whole(em("roots", "half", type = "response")),
  roots_bias = whole(em("roots", "half", type = "response", bias.adjust = TRUE, sigma = 2)),
  roots_pairs = whole(pairs(em("roots", "half", type = "response"))),
  factors = apart(em("factors", "half", type = "response")),
  factors_link = whole(em("factors", "half")),
  factors_pairs = apart(pairs(em("factors", "half", type = "response"))),
  factors_test = test(em("factors", "half", type = "response"), type = "unlink"),
  equals = apart(em("equals", "half", type = "response")),
  ifelse = apart(em("ifelse", "third", type = "response")),
  ifelse_pairs = apart(pairs(em("ifelse", "third", type = "response"))),
  as_factor = apart(em("as_factor", "third", type = "response")),
  two = whole(em("two", "half", type = "response")),
  two_mu = whole(em("two", "half", type = "mu")),
  large = whole(em("large", "arm")),
  large_satterthwaite = whole(em("large", "arm", lmer.df = "satterthwaite", lmerTest.limit = 1e5)),
  large_kenward = whole(pairs(em("large", "arm", lmer.df = "kenward-roger", pbkrtest.limit = 1e5))),
  large_trends = whole(emtrends(fits$large, "arm", var = "x", lmer.df = "satterthwaite", lmerTest.limit = 1e5)),
  trends = whole(emtrends(fits$cake_line, "recipe", var = "temp")),
  trends_pairs = whole(pairs(emtrends(fits$cake_line, "recipe", var = "temp"))),
  trends_log = whole(emtrends(fits$cake_line, "recipe", var = "log(temp)", at = list(temp = 200))),
  trends_square = whole(emtrends(fits$cake_lm, ~recipe, var = "I(temp^2)")),
  trends_degree = whole(emtrends(fits$cake_lm, "recipe", var = "temp", max.degree = 2)),
  trends_degree_within = whole(emtrends(fits$cake_lm, ~ degree | recipe, var = "temp", max.degree = 3)),
  trends_logs = whole(emtrends(fits$logs, "half", var = "sqrt(Days + 1)")),
  pigs = whole(em("pigs", "percent")),
  pigs_response = whole(em("pigs", "percent", type = "response")),
  pigs_bias = whole(em("pigs", "source", type = "response", bias.adjust = TRUE)),
  pigs_pairs = whole(pairs(em("pigs", "source", type = "response"))),
  pigs_consec = drawn(contrast(em("pigs", "percent"), "consec")),
  pigs_null = test(em("pigs", "source", type = "response"), null = log(35), delta = log(1.25), side = ">"),
  pigs_weights = whole(em("pigs", "source", weights = "cells")),
  pigs_sizes = summary(eff_size(em("pigs", "source"), sigma = sigma(fits$pigs), edf = 23)),
  fiber = whole(em("fiber", ~ machine | diameter)),
  fiber_trends = whole(emtrends(fits$fiber, "machine", var = "diameter")),
  fiber_trend_pairs = whole(pairs(emtrends(fits$fiber, "machine", var = "diameter"))),
  noise_pairs = whole(pairs(em("noise", ~ size | type))),
  noise_interaction = whole(contrast(em("noise", ~ size * type * side), interaction = c("poly", "consec", "consec"))),
  noise_joint = joint_tests(em("noise", ~ size * type * side), by = "side"),
  warp = whole(contrast(em("warp", ~ tension | wool), "poly")),
  warp_interaction = whole(contrast(em("warp", ~ wool * tension), interaction = c(wool = "pairwise", tension = "trt.vs.ctrl"))),
  warp_poisson = whole(pairs(em("warp_poisson", ~ wool | tension, type = "response"), reverse = TRUE)),
  oranges = whole(em("oranges", "day")),
  oranges_at = whole(em("oranges", "day", at = list(price1 = 50, price2 = c(40, 60)), by = "price2")),
  oranges_trend = whole(emtrends(fits$oranges, ~1, var = "price1")),
  neuralgia = whole(em("neuralgia", ~ Treatment | Sex, type = "response")),
  neuralgia_pairs = whole(pairs(em("neuralgia", ~ Treatment | Sex, type = "response"), reverse = TRUE)),
  oats = whole(contrast(em("oats", "nitro"), "poly")),
  oats_pairs = whole(pairs(em("oats", "Variety", lmer.df = "satterthwaite"))),
  nutrition = whole(em("nutrition", ~ group * race | age)),
  nutrition_joint = joint_tests(em("nutrition", ~ age * group * race), by = "age"),
  feedlot = whole(em("feedlot", "diet")),
  feedlot_cells = whole(em("feedlot", "diet", weights = "proportional")),
  feedlot_pairs = whole(pairs(em("feedlot", ~ diet | herd))),
  ubds = whole(em("ubds", "A", weights = "outer")),
  ubds_joint = joint_tests(em("ubds", ~ A * B * C)),
  sprays = whole(contrast(em("sprays", "spray", type = "response"), "trt.vs.ctrl", ref = 3)),
  cars = whole(em("cars", "cyl", at = list(disp = c(150, 300)), by = "disp", type = "response")),
  cars_trends = whole(emtrends(fits$cars, "cyl", var = "disp"))
)

# -- what is answered --------------------------------------------------------------------------------

as_text <- function(x) if (is.numeric(x)) as.double(x) else as.character(x)
first_of <- function(table, ...) {
  found <- intersect(c(...), names(table))
  if (length(found) > 0L) as.double(table[[found[1L]]])
}
answer <- function(table) {
  joint <- "model term" %in% names(table)
  keys <- if (joint) {
    c("model term", attr(table, "by.vars"))
  } else {
    intersect(c(attr(table, "pri.vars"), attr(table, "by.vars")), names(table))
  }
  list(
    names = keys, keys = unname(lapply(keys, function(key) as_text(table[[key]]))),
    estimate = if (!joint) as.double(table[[attr(table, "estName")]]),
    what = if (!joint) attr(table, "estName"),
    std_error = first_of(table, "SE"), df = first_of(table, "df"),
    conf_low = first_of(table, "lower.CL", "asymp.LCL"),
    conf_high = first_of(table, "upper.CL", "asymp.UCL"),
    statistic = first_of(table, "t.ratio", "z.ratio", "F.ratio"),
    p_value = first_of(table, "p.value"), df1 = first_of(table, "df1"), df2 = first_of(table, "df2"),
    text = paste(capture.output(print(table)), collapse = "\n")
  )
}
answers <- lapply(cases, function(case) {
  suppressMessages(suppressWarnings(answer(eval(case))))
})
saveRDS(answers, arguments[1L])
