# The models, each as an R user would write it. The same names, in the same
# order, stand with the Python calls in test_exactness.py.

#' Models that R fits
models <- alist(
  random_intercept = lmer(Yield ~ 1 + (1 | Batch), Dyestuff),
  maximum_likelihood = lmer(Yield ~ 1 + (1 | Batch), Dyestuff, REML = FALSE),
  singular = lmer(Yield ~ 1 + (1 | Batch), Dyestuff2),
  slopes = lmer(Reaction ~ Days + (Days | Subject), sleepstudy),
  slopes_ml = lmer(Reaction ~ Days + (Days | Subject), sleepstudy, REML = FALSE),
  uncorrelated_slopes = lmer(Reaction ~ Days + (Days || Subject), sleepstudy),
  crossed = lmer(diameter ~ 1 + (1 | plate) + (1 | sample), Penicillin),
  nested = lmer(strength ~ 1 + (1 | batch / cask), Pastes),
  three_levels = lmer(
    score ~ I(age - 10) + (I(age - 10) | district) + (1 | district:school), pupils
  ),
  three_levels_slash = lmer(score ~ age + (1 | district / school / class), pupils),
  split_plot = lmer(angle ~ recipe * temperature + (1 | recipe:replicate), cake),
  factorial = lmer(Y ~ N * V + (1 | B / V), oats),
  grouped_data = lmer(distance ~ age * Sex + (age | Subject), Orthodont),
  transformed = lmer(
    log1p(total.fruits) ~ factor(nutrient) * amd + status + (1 | popu) + (amd | gen), Arabidopsis
  ),
  treatment = lmer(y ~ f * x + (1 | g), trial, contrasts = list(f = "contr.treatment")),
  sum = lmer(y ~ f * x + (1 | g), trial, contrasts = list(f = "contr.sum")),
  helmert = lmer(y ~ f * x + (1 | g), trial, contrasts = list(f = "contr.helmert")),
  polynomial_contrasts = lmer(y ~ f * x + (1 | g), trial, contrasts = list(f = "contr.poly")),
  sas = lmer(
    y ~ f * dose + (1 | g), trial,
    contrasts = list(f = "contr.SAS", dose = "contr.treatment")
  ),
  contrast_matrix = lmer(
    y ~ f + (1 | g), trial,
    contrasts = list(f = matrix(c(-0.5, 0.25, 0.25, 0, -0.5, 0.5),
      nrow = 3L, dimnames = list(NULL, c("first", "rest"))
    ))
  ),
  ordered_factor = lmer(y ~ dose + I(x^2) + (1 | g), trial),
  poly = lmer(Reaction ~ poly(Days, 2) + (1 | Subject), sleepstudy),
  spline = lmer(Reaction ~ ns(Days, df = 3) + (Days | Subject), sleepstudy),
  logical_and_character = lmer(y ~ treated * site + (1 + treated | g), trial),
  no_intercept = lmer(y ~ 0 + f + x:f + (0 + x | g), trial),
  weights_column = lmer(y ~ x + (1 | g), trial, weights = w),
  weights_vector = lmer(y ~ x + (1 | g), trial, weights = .weights),
  weights_expression = lmer(y ~ x + (1 | g), trial, weights = 1 / w^2),
  offset_column = lmer(y ~ x + (1 | g), trial, offset = z),
  offset_vector = lmer(y ~ x + offset(2 * z) + (1 | g), trial, offset = .offset),
  subset_expression = lmer(y ~ x + f + (1 | g), trial, subset = x > -0.5 & f != "low"),
  subset_vector = lmer(y ~ x + f + (1 | g), trial, subset = .subset),
  missing_omit = lmer(y ~ x + f + (x | g), gaps),
  missing_group = lmer(y ~ x + (1 | h), gaps),
  missing_exclude = lmer(y ~ x + f + (x | g), gaps, na.action = na.exclude),
  missing_weights = lmer(y ~ x + (1 | g), gaps, weights = w, offset = z, na.action = na.exclude),
  missing_subset = lmer(y ~ x + (1 | g), gaps, subset = z > -1),
  missing_in_subset = lmer(y ~ x + (1 | g), gaps, subset = f != "low", na.action = na.exclude),
  missing_subset_exclude = lmer(
    y ~ x + (1 | g), gaps,
    subset = .subset, na.action = na.exclude
  ),
  missing_pass = lmer(z ~ 1 + (1 | g), gaps, na.action = na.pass),
  not_converged = lmer(
    Reaction ~ Days + (Days | Subject), sleepstudy,
    control = lmerControl(optimizer = "bobyqa", optCtrl = list(maxfun = 5L))
  ),
  stopped_early = lmer(
    Reaction ~ Days + (Days | Subject), sleepstudy,
    control = lmerControl(optimizer = "nloptwrap", optCtrl = list(maxeval = 20L))
  ),
  rank_deficient = lmer(y ~ x + twice + f + (1 | g), trial),
  odd_names = lmer(`my answer` ~ `größe` * class + `a-b` + (1 | `if`), odd),
  dot = lmer(score ~ . - district + (1 | district), small),
  start = lmer(Reaction ~ Days + (Days | Subject), sleepstudy, start = c(1, 0.125, 0.25)),
  control = lmer(
    Reaction ~ Days + (Days | Subject), sleepstudy,
    REML = FALSE,
    control = lmerControl(
      optimizer = "Nelder_Mead",
      check.conv.singular = lme4::.makeCC(
        action = "ignore", tol = 1e-4
      ),
      check.conv.grad = lme4::.makeCC(action = "warning", tol = 0.01, relTol = NULL),
      optCtrl = list(maxfun = 20000L)
    )
  ),
  many_terms = lmer(y ~ f * dose * treated + site + (1 | g), trial),
  large = lmer(
    y ~ service + (1 | s) + (1 | d), InstEval,
    subset = as.integer(s) <= 700,
    start = c(0.4254, 0.2888), control = lmerControl(calc.derivs = FALSE)
  ),
  binomial = glmer(
    cbind(incidence, size - incidence) ~ period + (1 | herd), cbpp,
    family = binomial
  ),
  binomial_trials = glmer(
    cbind(successes, failures) ~ x + f + (1 | ward), clinic,
    family = binomial
  ),
  binomial_logical = glmer(event ~ x + (1 | ward), clinic, family = binomial),
  binomial_factor = glmer(answer ~ x + (1 | ward), clinic, family = binomial),
  binomial_share = glmer(share ~ x + (x | ward), clinic, family = binomial, weights = trials),
  probit = glmer(
    cbind(successes, failures) ~ x + f + (1 | ward), clinic,
    family = binomial(link = "probit")
  ),
  cloglog = glmer(
    cbind(successes, failures) ~ x + f + (1 | ward), clinic,
    family = binomial(link = "cloglog"), control = glmerControl(check.conv.grad = "ignore")
  ),
  quadrature = glmer(
    cbind(successes, failures) ~ x + f + (1 | ward), clinic,
    family = binomial, nAGQ = 9L
  ),
  crossed_binomial = glmer(
    r2 ~ btype + situ + (1 | id) + (1 | item), VerbAgg,
    family = binomial, nAGQ = 0L
  ),
  poisson = glmer(TICKS ~ YEAR + (1 | BROOD) + (1 | LOCATION), grouseticks, family = poisson),
  poisson_offset = glmer(count ~ x + offset(log(days)) + (1 | ward), clinic, family = poisson),
  poisson_missing = glmer(
    gap ~ x * f + (1 | ward), clinic,
    family = poisson, contrasts = list(f = "contr.sum"), na.action = na.exclude,
    control = glmerControl(optimizer = c("bobyqa", "Nelder_Mead"), tolPwrss = 1e-8)
  ),
  poisson_start = glmer(
    count ~ x + (1 | ward), clinic,
    family = poisson, start = list(theta = 0.5, fixef = c(0.1, 0.2))
  ),
  poisson_sqrt = glmer(count ~ f + (1 | ward), clinic, family = poisson(link = "sqrt")),
  gamma = glmer(amount ~ x + (1 | ward), clinic, family = Gamma(link = "log")),
  inverse_gaussian = glmer(
    time ~ x + (1 | ward), clinic,
    family = inverse.gaussian(link = "log"), control = glmerControl(check.conv.grad = "ignore")
  ),
  gaussian_log = glmer(amount ~ x + (1 | ward), clinic, family = gaussian(link = "log")),
  negative_binomial = glmer(
    spread ~ x + (1 | ward), clinic,
    family = MASS::negative.binomial(theta = 1.5)
  ),
  negative_binomial_size = glmer.nb(spread ~ x + (1 | ward), data = clinic),
  binomial_rank_deficient = glmer(event ~ x + twice + (1 | ward), clinic, family = binomial),
  separated = glmer(apart ~ f + (1 | ward), clinic, family = binomial),
  nonlinear = nlmer(
    circumference ~ SSlogis(age, Asym, xmid, scal) ~ Asym | Tree, Orange,
    start = c(Asym = 200, xmid = 725, scal = 350)
  )
)

#' Models for which lmerTest has no figures, or would take minutes
without_lmertest <- c(
  "large", names(Filter(function(call) call[[1L]] != quote(lmer), models))
)

#' Models that R refuses
failures <- alist(
  missing_fail = lmer(y ~ x + f + (x | g), gaps, na.action = na.fail),
  missing_pass_response = lmer(y ~ f + (1 | g), gaps, na.action = na.pass),
  missing_pass_predictor = lmer(z ~ x + (1 | g), gaps, na.action = na.pass),
  no_grouping = lmer(y ~ x, trial),
  a_level_a_row = lmer(y ~ x + (1 | id), trial),
  not_identifiable = lmer(y ~ x + (f * dose * treated | g), trial),
  constant_response = glmer(never ~ x + (1 | ward), clinic, family = poisson),
  negative_counts = glmer(x ~ f + (1 | ward), clinic, family = poisson)
)
