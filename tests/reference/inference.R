# Tests, intervals and marginal means, by plain R. The names of designs and
# questions stand, in the same order, with the Python calls in models/methods/test_testing.py.
#
# It stands on data.R and figures.R. From a process of its own:
#
#   Rscript --vanilla inference.R FOLDER_OF_DATA FOLDER_OF_ANSWERS STATE
#
# ends with status 3 at once where the process is not in the wanted state.

#' The designs: in each the full model, one without a term, and one with nothing
designs <- list(
  sleepstudy = alist(
    full = lmer(Reaction ~ Days + (Days | Subject), sleepstudy),
    reduced = lmer(Reaction ~ 1 + (Days | Subject), sleepstudy),
    smallest = lmer(Reaction ~ 1 + (1 | Subject), sleepstudy)
  ),
  cake = alist(
    full = lmer(angle ~ recipe * temperature + (1 | recipe:replicate), cake),
    reduced = lmer(angle ~ recipe + temperature + (1 | recipe:replicate), cake),
    smallest = lmer(angle ~ 1 + (1 | recipe:replicate), cake)
  ),
  penicillin = alist(
    full = lmer(diameter ~ 1 + (1 | plate) + (1 | sample), Penicillin),
    reduced = lmer(diameter ~ 1 + (1 | sample), Penicillin)
  ),
  carrots = alist(
    full = lmer(Preference ~ sens2 * Homesize + (1 + sens2 | Consumer), carrots),
    reduced = lmer(Preference ~ sens2 + Homesize + (1 + sens2 | Consumer), carrots),
    smallest = lmer(Preference ~ 1 + (1 + sens2 | Consumer), carrots)
  ),
  ham = alist(
    full = lmer(
      Informed.liking ~ Product * Information + Gender * Age + (1 | Consumer) +
        (1 | Product:Consumer),
      ham
    ),
    reduced = lmer(
      Informed.liking ~ Product + Information + Gender * Age + (1 | Consumer) +
        (1 | Product:Consumer),
      ham
    ),
    smallest = lmer(Informed.liking ~ 1 + (1 | Consumer) + (1 | Product:Consumer), ham)
  ),
  TVbo = alist(
    full = lmer(Coloursaturation ~ TVset * Picture + (1 | Assessor) + (1 | Assessor:TVset), TVbo),
    reduced = lmer(
      Coloursaturation ~ TVset + Picture + (1 | Assessor) + (1 | Assessor:TVset), TVbo
    ),
    smallest = lmer(Coloursaturation ~ 1 + (1 | Assessor) + (1 | Assessor:TVset), TVbo)
  ),
  beets = alist(
    full = lmer(sugpct ~ block + sow + harvest + (1 | block:harvest), beets),
    reduced = lmer(sugpct ~ block + harvest + (1 | block:harvest), beets),
    smallest = lmer(sugpct ~ block + (1 | block:harvest), beets)
  ),
  threeway = alist(
    full = lmer(y ~ a * b * c + (1 | g), threeway),
    reduced = lmer(y ~ a * b + a * c + b * c + (1 | g), threeway),
    smallest = lmer(y ~ a + (1 | g), threeway)
  ),
  maximum_likelihood = alist(
    full = lmer(Reaction ~ Days + (Days | Subject), sleepstudy, REML = FALSE),
    reduced = lmer(Reaction ~ 1 + (Days | Subject), sleepstudy, REML = FALSE),
    smallest = lmer(Reaction ~ 1 + (1 | Subject), sleepstudy, REML = FALSE)
  ),
  logarithm = alist(
    full = lmer(log(Y) ~ N + V + (1 | B), oats)
  ),
  singular = alist(
    full = lmer(y ~ x + (1 | g), flat),
    reduced = lmer(y ~ 1 + (1 | g), flat)
  )
)

#' The term that the second model lacks
dropped <- c(
  sleepstudy = "Days", cake = "recipe:temperature", carrots = "sens2:Homesize",
  ham = "Product:Information", TVbo = "TVset:Picture", beets = "sow", threeway = "a:b:c"
)

# What is asked. In a question `plain` is lme4's fit and `fit` is lmerTest's,
# `last` picks the last fixed effect and `rest` all but the first.

tests_of_terms <- alist(
  fixed_none = fixed_table(plain, "none"),
  fixed_normal = fixed_table(plain, "normal"),
  fixed_satterthwaite = fixed_table(fit, "Satterthwaite"),
  fixed_kenward_roger = fixed_table(fit, "Kenward-Roger", by_kenward_roger),
  summary_none = print(summary(plain)),
  summary_satterthwaite = print(summary(fit)),
  summary_kenward_roger = print(by_kenward_roger),
  anova_none = anova(plain),
  anova_I_satterthwaite = anova(fit, type = "I"),
  anova_II_satterthwaite = anova(fit, type = "II"),
  anova_III_satterthwaite = anova(fit),
  anova_I_kenward_roger = anova(fit, type = "I", ddf = "Kenward-Roger"),
  anova_II_kenward_roger = anova(fit, type = "II", ddf = "Kenward-Roger"),
  anova_III_kenward_roger = anova(fit, ddf = "Kenward-Roger"),
  drop1_satterthwaite = drop1(fit),
  drop1_kenward_roger = drop1(fit, ddf = "Kenward-Roger"),
  ranova = lmerTest::ranova(fit),
  ranova_whole = lmerTest::ranova(fit, reduce.terms = FALSE),
  step = lmerTest::step(fit)
)

contrasts <- alist(
  contest_last = lmerTest::contest(fit, last),
  contest_last_rhs = lmerTest::contest(fit, last, rhs = 2.5),
  contest_last_kenward_roger = lmerTest::contest(fit, last, ddf = "Kenward-Roger"),
  contest_joint = lmerTest::contest(fit, rest),
  contest_joint_rhs = lmerTest::contest(fit, rest, rhs = 0.1 * seq_len(nrow(rest))),
  contest_joint_kenward_roger = lmerTest::contest(fit, rest, ddf = "Kenward-Roger"),
  contest_joint_rhs_kenward_roger = lmerTest::contest(fit, rest,
    rhs = 0.1 * seq_len(nrow(rest)), ddf = "Kenward-Roger"
  ),
  contest_rows = lmerTest::contest(fit, rest, joint = FALSE),
  contest_rows_rhs = lmerTest::contest(fit, rest, rhs = 0.5, joint = FALSE, level = 0.9),
  contest_rows_each_rhs = do.call(rbind, lapply(seq_len(nrow(rest)), function(i) {
    lmerTest::contest(fit, rest[i, , drop = FALSE], rhs = 0.1 * i, joint = FALSE)
  })),
  contest_rows_kenward_roger = lmerTest::contest(fit, rest,
    joint = FALSE,
    ddf = "Kenward-Roger"
  )
)

wald <- alist(
  labels = readable_names(plain),
  wald = confint(plain, method = "Wald"),
  wald_some = confint(plain, parm = names(lme4::fixef(plain))[p], level = 0.8, method = "Wald")
)

#' A restriction as SATmodcomp() takes it: from pbkrtest 0.5.3 on it fails on a
#' matrix
restriction <- function(fit, rows) {
  if (packageVersion("pbkrtest") < "0.5.3") {
    rows
  } else {
    pbkrtest::restriction_matrix2model(fit, rows)
  }
}

comparisons <- alist(
  anova_two = anova(plain, reduced),
  anova_three = anova(plain, reduced, smallest, model.names = c("full", "less", "least")),
  anova_as_fitted = anova(plain, reduced, refit = FALSE),
  kr_model = pbkrtest::KRmodcomp(plain, reduced),
  kr_term = pbkrtest::KRmodcomp(plain, update(plain, as.formula(paste(". ~ . -", without)))),
  kr_formula = pbkrtest::KRmodcomp(plain, update(plain, as.formula(paste(". ~ . -", without)))),
  kr_matrix = pbkrtest::KRmodcomp(plain, unname(rest)),
  sat_model = pbkrtest::SATmodcomp(plain, reduced),
  sat_term = pbkrtest::SATmodcomp(plain, update(plain, as.formula(paste(". ~ . -", without)))),
  sat_formula = pbkrtest::SATmodcomp(plain, update(plain, as.formula(paste(". ~ . -", without)))),
  sat_matrix = pbkrtest::SATmodcomp(plain, restriction(plain, unname(rest)))
)

#' Where Kenward and Roger's method takes time, not every contrast by it
few_contrasts <- contrasts[
  !names(contrasts) %in% c(
    "contest_last_kenward_roger", "contest_joint_rhs_kenward_roger", "contest_rows_kenward_roger"
  )
]
few_comparisons <- comparisons[
  !names(comparisons) %in% c("kr_formula", "sat_formula", "sat_matrix")
]

step_options <- alist(
  step_kenward_roger = lmerTest::step(fit, ddf = "Kenward-Roger")
)

profile_last <- alist(
  profile_last = confint(profile(plain, which = names(lme4::fixef(plain))[p]))
)

questions <- list(
  sleepstudy = c(tests_of_terms, contrasts, wald, comparisons, alist(
    anova_linear = anova(plain, lm(Reaction ~ Days, sleepstudy),
      model.names = c("mixed", "linear")
    ),
    profile_correlation = confint(plain, parm = ".sig02"),
    profile_fixed = confint(plain, parm = "beta_"),
    boot = confint(plain, method = "boot", nsim = 20, seed = 11, quiet = TRUE),
    boot_some = confint(plain,
      parm = c(".sigma", "Days"), method = "boot", nsim = 12, seed = 5, level = 0.8,
      boot.type = "basic", quiet = TRUE
    ),
    emmeans_at = means(fit, "Days", at = list(Days = c(0, 4.5, 9))),
    emmeans_mean = means(fit, "Days"),
    emmeans_satterthwaite = means(fit, "Days", at = list(Days = 9), lmer.df = "satterthwaite"),
    emmeans_asymptotic = means(fit, "Days", at = list(Days = 9), lmer.df = "asymptotic")
  )),
  cake = c(tests_of_terms, few_contrasts, wald, few_comparisons, profile_last, alist(
    step_fixed_only = lmerTest::step(fit, reduce.random = FALSE, alpha.fixed = 0.5),
    step_keep = lmerTest::step(fit, keep = "recipe:temperature"),
    drop1_scope = drop1(fit, scope = "recipe:temperature"),
    emmeans = means(fit, "recipe"),
    emmeans_satterthwaite = means(fit, "recipe", lmer.df = "satterthwaite"),
    emmeans_asymptotic = means(fit, "recipe", lmer.df = "asymptotic"),
    emmeans_by = means(fit, "recipe", by = "temperature", level = 0.8),
    emmeans_two = means(fit, c("recipe", "temperature"), at = list(recipe = c("A", "C"))),
    emmeans_holm = means(fit, "recipe", adjust = "holm"),
    pairs = compare(by_recipe, "pairwise", adjust = "tukey"),
    pairs_by = compare(emmeans::emmeans(fit, "recipe", by = "temperature"), "pairwise", adjust = "tukey"),
    adjust_tukey = compare(by_temperature, "pairwise", adjust = "tukey"),
    adjust_scheffe = compare(by_temperature, "pairwise", adjust = "scheffe"),
    adjust_sidak = compare(by_temperature, "pairwise", adjust = "sidak"),
    adjust_dunnettx = compare(by_temperature, "pairwise", adjust = "dunnettx"),
    adjust_mvt = compare(by_recipe, "pairwise", adjust = "mvt"),
    adjust_bonferroni = compare(by_temperature, "pairwise", adjust = "bonferroni"),
    adjust_holm = compare(by_temperature, "pairwise", adjust = "holm"),
    adjust_hochberg = compare(by_temperature, "pairwise", adjust = "hochberg"),
    adjust_hommel = compare(by_temperature, "pairwise", adjust = "hommel"),
    adjust_BH = compare(by_temperature, "pairwise", adjust = "BH"),
    adjust_BY = compare(by_temperature, "pairwise", adjust = "BY"),
    adjust_fdr = compare(by_temperature, "pairwise", adjust = "fdr"),
    adjust_none = compare(by_temperature, "pairwise", adjust = "none"),
    family_pairwise = compare(by_temperature, "pairwise"),
    family_revpairwise = compare(by_temperature, "revpairwise"),
    family_tukey = compare(by_temperature, "tukey"),
    family_consec = compare(by_temperature, "consec"),
    family_mean_chg = compare(by_temperature, "mean_chg"),
    family_poly = compare(by_temperature, "poly"),
    family_eff = compare(by_temperature, "eff"),
    family_del.eff = compare(by_temperature, "del.eff"),
    family_dunnett = compare(by_temperature, "dunnett"),
    family_trt.vs.ctrl = compare(by_temperature, "trt.vs.ctrl"),
    family_trt.vs.ctrl1 = compare(by_temperature, "trt.vs.ctrl1"),
    family_trt.vs.ctrlk = compare(by_temperature, "trt.vs.ctrlk"),
    family_identity = compare(by_temperature, "identity"),
    weights = compare(by_recipe, list("A or not" = c(1, -0.5, -0.5), "B - C" = c(0, 1, -1)))
  )),
  penicillin = c(tests_of_terms, wald, comparisons[c("anova_two", "anova_as_fitted")], alist(
    contest_last = lmerTest::contest(fit, last),
    profile_all = confint(plain),
    profile_points = profile(plain),
    profile_variances = confint(plain, parm = "theta_", level = 0.9),
    profile_readable = confint(plain, parm = c(".sig02", "(Intercept)")),
    boot = confint(plain, method = "boot", nsim = 10, seed = 3, boot.type = "norm", quiet = TRUE)
  )),
  carrots = c(tests_of_terms, few_contrasts, wald, few_comparisons, alist(
    emtrends = trends(fit, "Homesize", "sens2"),
    emtrends_satterthwaite = trends(fit, "Homesize", "sens2", lmer.df = "satterthwaite"),
    emtrends_pairs = summary(
      emmeans::contrast(emmeans::emtrends(fit, "Homesize", "sens2"), "pairwise"),
      infer = TRUE
    ),
    emmeans_at_by = means(fit, "Homesize", by = "sens2", at = list(sens2 = c(-2, 0.1)))
  )),
  ham = c(tests_of_terms, few_contrasts, wald, few_comparisons, step_options, profile_last, alist(
    emmeans_by = means(fit, "Product", by = "Information"),
    pairs_by = compare(emmeans::emmeans(fit, "Product", by = "Information"), "pairwise", adjust = "holm"),
    emmeans_covariate = means(fit, c("Gender", "Age"), at = list(Age = c(20L, 60L)))
  )),
  TVbo = c(tests_of_terms, few_contrasts, wald, few_comparisons, step_options, profile_last),
  beets = c(tests_of_terms, contrasts, wald, comparisons, step_options, alist(
    profile_fixed = confint(plain, parm = "beta_"),
    emmeans_two = means(fit, c("sow", "harvest")),
    pairs = compare(emmeans::emmeans(fit, "sow"), "pairwise", adjust = "tukey")
  )),
  threeway = c(
    tests_of_terms,
    few_contrasts, wald, few_comparisons, alist(
      emmeans = means(fit, "c", by = c("a", "b"), lmer.df = "satterthwaite")
    )
  ),
  maximum_likelihood = c(
    tests_of_terms[grep("kenward", names(tests_of_terms), invert = TRUE)],
    contrasts[grep("kenward", names(contrasts), invert = TRUE)], wald,
    comparisons[c("anova_two", "anova_three", "anova_as_fitted", "kr_model", "sat_model")], alist(
      boot = confint(plain, method = "boot", nsim = 20, seed = 11, quiet = TRUE),
      emmeans_satterthwaite = means(fit, "Days", at = list(Days = 9), lmer.df = "satterthwaite")
    )
  ),
  logarithm = alist(
    emmeans_link = means(fit, "V"),
    emmeans_response = means(fit, "V", type = "response"),
    pairs_response = compare(emmeans::emmeans(fit, "V"), "pairwise", type = "response"),
    contrast_response = compare(emmeans::emmeans(fit, "V"), "trt.vs.ctrl", adjust = "none", type = "response")
  ),
  singular = c(
    tests_of_terms, contrasts, wald,
    comparisons[c("anova_two", "kr_model", "sat_model", "kr_matrix", "sat_matrix")]
  )
)

# -- how a question is put -----------------------------------------------------

#' A table of coefficients with Wald intervals at two levels
fixed_table <- function(fit, ddf, summarised = summary(fit)) {
  table <- coef(summarised)
  estimate <- table[, "Estimate"]
  std_error <- table[, "Std. Error"]
  statistic <- table[, "t value"]
  names(estimate) <- rownames(table)
  none <- rep(NA_real_, length(estimate))
  if (ddf == "none") {
    fixed_effects(estimate, std_error, statistic, none, none)
  } else if (ddf == "normal") {
    p_value <- 2 * pnorm(abs(statistic), lower.tail = FALSE)
    fixed_effects(estimate, std_error, statistic, none, p_value, wald_ends(fit))
  } else {
    df <- table[, "df"]
    p_value <- table[, "Pr(>|t|)"]
    fixed_effects(
      estimate, std_error, statistic, df, p_value, t_ends(estimate, std_error, df)
    )
  }
}

#' Names of parameters as "sd_(Intercept)|Subject"
readable_names <- function(fit) {
  if (packageVersion("lme4") < "2.0") {
    rownames(confint(fit, method = "Wald", oldNames = FALSE))
  } else {
    rownames(confint(fit, method = "Wald", signames = FALSE))
  }
}

#' Marginal means as emmeans summarises them, tests and intervals both
means <- function(fit, specs, ..., level = 0.95, adjust = NULL, type = "link") {
  summarise(emmeans::emmeans(fit, specs, ...), level, adjust, type)
}

#' Marginal slopes
trends <- function(fit, specs, var, ...) {
  summarise(emmeans::emtrends(fit, specs, var, ...), 0.95, NULL, "link")
}

#' Contrasts of marginal means
compare <- function(grid, method, adjust = NULL, type = "link") {
  set.seed(1) # adjust = "mvt" draws
  summarise(emmeans::contrast(grid, method), 0.95, adjust, type)
}

summarise <- function(grid, level, adjust, type) {
  if (is.null(adjust)) {
    summary(grid, infer = c(TRUE, TRUE), level = level, type = type)
  } else {
    summary(grid, infer = c(TRUE, TRUE), level = level, type = type, adjust = adjust)
  }
}

# -- what is answered ----------------------------------------------------------

#' Our words for R's
words <- c(
  "Estimate" = "estimate", "Std. Error" = "std_error", "df" = "df", "t value" = "statistic",
  "Pr(>|t|)" = "p_value", "lower" = "conf_low", "upper" = "conf_high",
  "Sum Sq" = "sum_sq", "Mean Sq" = "mean_sq", "NumDF" = "df1", "DenDF" = "df2",
  "F value" = "statistic", "Pr(>F)" = "p_value", "Eliminated" = "eliminated",
  "npar" = "n_parameters", "AIC" = "aic", "BIC" = "bic", "logLik" = "log_likelihood",
  "deviance" = "deviance", "-2*log(L)" = "deviance", "Chisq" = "chi_square",
  "LRT" = "chi_square", "Df" = "df", "Pr(>Chisq)" = "p_value",
  # Without random effects, step() goes on by lm's table.
  "Sum of Sq" = "sum_sq", "SE" = "std_error", "lower.CL" = "conf_low", "asymp.LCL" = "conf_low",
  "upper.CL" = "conf_high", "asymp.UCL" = "conf_high", "t.ratio" = "statistic",
  "z.ratio" = "statistic", "p.value" = "p_value"
)

#' What is printed, without addresses of environments
shown <- function(value) {
  lines <- capture.output(print(value))
  texts(lines[!grepl("^<environment: ", lines)])
}

#' The columns of a table that hold anything, in the order of their names
columns <- function(table, keys = rownames(table), named = words) {
  unknown <- setdiff(colnames(table), names(named))
  stopifnot(length(unknown) == 0L)
  figures <- lapply(colnames(table), function(name) numbers(table[, name], keys))
  names(figures) <- named[colnames(table)]
  figures <- Filter(function(figure) !all(is.na(figure$values)), figures)
  c(list(terms = texts(keys)), figures[sort(names(figures), method = "radix")])
}

#' An analysis of variance, of whatever kind
anova_figures <- function(table) {
  named <- words
  # In lme4's own table the number of parameters is that of the term.
  if ("Mean Sq" %in% colnames(table)) named["npar"] <- "df1"
  if ("Sum of Sq" %in% colnames(table)) {
    named["Df"] <- "df1"
    table <- table[setdiff(colnames(table), c("RSS", "AIC"))]
  }
  columns(table, named = named)
}

#' A key as text
as_key <- function(values) if (is.numeric(values)) sprintf("%.15g", values) else as.character(values)

#' A summary of an emmeans grid
means_figures <- function(table) {
  by <- intersect(c(attr(table, "pri.vars"), attr(table, "by.vars")), names(table))
  keys <- do.call(paste, c(lapply(by, function(name) as_key(table[[name]])), sep = "\t"))
  values <- as.matrix(as.data.frame(table)[setdiff(names(table), c(by, "null"))])
  estimate <- attr(table, "estName")
  named <- words
  named[estimate] <- "estimate"
  c(columns(values, keys, named), list(
    by = texts(by), what = texts(estimate), notes = texts(attr(table, "mesg"))
  ))
}

#' The figures of an answer, by its class
as_figures <- function(value) {
  if (inherits(value, "summary_emm")) {
    c(means_figures(value), list(text = shown(value)))
  } else if (inherits(value, "step_list")) {
    random <- anova_figures(value$random)
    fixed <- anova_figures(value$fixed)
    names(random) <- paste0("random_", names(random))
    names(fixed) <- paste0("fixed_", names(fixed))
    left <- formula(attr(value, "model"))
    c(random, fixed, list(
      formula = texts(paste(deparse(left, width.cutoff = 500L), collapse = " ")),
      text = shown(value)
    ))
  } else if (inherits(value, "thpr")) {
    points <- as.data.frame(value)
    by <- setdiff(names(points), c(".par", ".zeta", ".focal"))
    held <- by[by %in% names(points)]
    c(
      list(profiled = texts(points$.par), zeta = numbers(points$.zeta)),
      list(focal = numbers(points$.focal), parameters = texts(held)),
      list(values = numbers(unlist(points[held])))
    )
  } else if (inherits(value, "KRmodcomp")) {
    scaled <- unlist(value$test["Ftest", c("stat", "ndf", "ddf", "F.scaling", "p.value")])
    unscaled <- unlist(value$test["FtestU", c("stat", "p.value")])
    given <- c(
      "statistic", "df1", "df2", "f_scaling", "p_value", "unscaled_statistic", "unscaled_p_value"
    )
    list(values = numbers(c(scaled, unscaled), given), text = shown(value))
  } else if (inherits(value, "SATmodcomp")) {
    test <- unlist(value$test[1L, c("statistic", "ndf", "ddf", "p.value")])
    list(
      values = numbers(test, c("statistic", "df1", "df2", "p_value")), text = shown(value)
    )
  } else if (inherits(value, "anova")) {
    c(anova_figures(value), list(text = shown(value)))
  } else if (is.data.frame(value)) {
    c(columns(value), list(text = shown(value)))
  } else if (is.matrix(value)) {
    low_high <- value
    colnames(low_high) <- c("lower", "upper")
    columns(low_high)
  } else if (inherits(value, "summary.merMod")) {
    list(text = shown(value))
  } else if (is.character(value)) {
    list(labels = texts(value))
  } else {
    value
  }
}

#' The figures of an answer with what R warned of and said
answer_figures <- function(asked) {
  suppressWarnings(suppressMessages(c(as_figures(asked$value), list(
    warnings = texts(asked$warnings), messages = texts(asked$messages)
  ))))
}

#' Packages' data sets beside those of `open_workspace()`
open_inference_workspace <- function(folder) {
  workspace <- open_workspace(folder)
  data(list = c("carrots", "ham", "TVbo"), package = "lmerTest", envir = workspace)
  data(list = "beets", package = "pbkrtest", envir = workspace)
  workspace
}

#' Every answer about a design
#'
#' @param name A name in `designs`.
#' @param workspace See `open_inference_workspace()`.
#' @return A named list of figures, "question.figure", those of what R warned
#'   of and said among them.
design_figures <- function(name, workspace) {
  # SATmodcomp() finds data where a user has them, on the search path.
  attach(workspace, name = "plain_r_workspace", warn.conflicts = FALSE)
  on.exit(detach("plain_r_workspace", character.only = TRUE))
  here <- new.env(parent = workspace)
  fits <- suppressMessages(lapply(designs[[name]], fit_model, lme4::lmer, workspace))
  list2env(fits, here)
  here$plain <- fits$full
  here$fit <- suppressMessages(fit_model(designs[[name]]$full, lmerTest::lmer, workspace))
  here$without <- unname(dropped[name])
  # What is asked for twice, and takes time, is computed once.
  delayedAssign("by_kenward_roger", summary(fit, ddf = "Kenward-Roger"), here, here)
  delayedAssign("by_recipe", emmeans::emmeans(fit, "recipe"), here, here)
  delayedAssign("by_temperature", emmeans::emmeans(fit, "temperature"), here, here)
  here$p <- length(lme4::fixef(here$plain))
  identity <- diag(here$p)
  dimnames(identity) <- list(names(lme4::fixef(here$plain)), NULL)
  here$last <- identity[here$p, ]
  here$rest <- identity[-1L, , drop = FALSE]
  helpers <- c("fixed_table", "readable_names", "restriction", "means", "trends", "compare")
  for (helper in helpers) {
    assign(helper, get(helper), envir = here)
  }
  answers <- lapply(questions[[name]], function(question) {
    sink <- capture.output(asked <- with_conditions(eval(question, here)))
    answer_figures(asked)
  })
  unlist(answers, recursive = FALSE)
}

# -- pbkrtest with another function in it --------------------------------------

#' Put another function in the place of one of pbkrtest's, methods included
#'
#' @param name The name of the function.
#' @param make Makes the other function of the original and a counter.
#' @return What `counted()` and `put_back()` take.
replace_in_pbkrtest <- function(name, make) {
  namespace <- asNamespace("pbkrtest")
  change <- new.env()
  change$n <- 0
  change$name <- name
  change$original <- get(name, namespace)
  change$places <- list(namespace, get(".__S3MethodsTable__.", namespace))
  put(change, make(change$original, change))
  change
}

put <- function(change, value) {
  for (place in Filter(function(place) exists(change$name, place, inherits = FALSE), change$places)) {
    locked <- bindingIsLocked(change$name, place)
    if (locked) unlockBinding(change$name, place)
    assign(change$name, value, envir = place)
    if (locked) lockBinding(change$name, place)
  }
}

put_back <- function(change) put(change, change$original)

counted <- function(change) change$n

count_adjusted_covariances <- function() {
  replace_in_pbkrtest("vcovAdj.lmerMod", function(original, counter) {
    function(object, ...) {
      counter$n <- counter$n + 1
      original(object, ...)
    }
  })
}

#' Make it fail where the covariance is adjusted
break_adjusted_covariance <- function() {
  replace_in_pbkrtest("vcovAdj.lmerMod", function(original, counter) {
    function(object, ...) stop("no adjusted covariance today")
  })
}

#' Make it fail later, where degrees of freedom come of the adjusted covariance
break_adjustment <- function() {
  # Both the t test and the F test ask for the trace of a matrix there.
  replace_in_pbkrtest(".spur", function(original, counter) {
    function(...) stop("no trace today")
  })
}

#' What lmerTest gives of the split plot by Kenward and Roger's method
plain_kenward_roger <- function(workspace) {
  fit <- fit_model(designs$cake$full, lmerTest::lmer, workspace)
  coef(summary(fit, ddf = "Kenward-Roger"))
}

#' What it gives where the method fails
broken_kenward_roger <- function(workspace) {
  fit <- fit_model(designs$cake$full, lmerTest::lmer, workspace)
  last <- as.double(seq_along(lme4::fixef(fit)) == length(lme4::fixef(fit)))
  asked <- list(
    fixed_kenward_roger = with_conditions(
      fixed_table(fit, "Kenward-Roger", summary(fit, ddf = "Kenward-Roger"))
    ),
    anova_III_kenward_roger = with_conditions(anova(fit, ddf = "Kenward-Roger")),
    contest_last_kenward_roger = with_conditions(
      lmerTest::contest(fit, last, ddf = "Kenward-Roger")
    )
  )
  unlist(lapply(asked, answer_figures), recursive = FALSE)
}

if (sys.nframe() == 0L) {
  arguments <- commandArgs(trailingOnly = TRUE)
  script <- sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE))
  for (file in c("data.R", "figures.R")) {
    source(file.path(dirname(script), file), encoding = "UTF-8")
  }
  if (process_state() != as.integer(arguments[3L])) {
    quit(status = 3L)
  }
  workspace <- open_inference_workspace(arguments[1L])
  for (name in names(designs)) {
    saveRDS(design_figures(name, workspace), file.path(arguments[2L], name))
  }
}
