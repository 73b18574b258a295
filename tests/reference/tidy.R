# Fits as data frames, as an R user would get them: from broom.mixed where it is
# installed, and by hand. Plain R: nothing here knows of pymer_bridge.

suppressMessages(library(lme4))

gaps <- sleepstudy
gaps$Reaction[c(3L, 50L)] <- NA
gaps$Days[7L] <- NA

fits <- alist(
  slopes = lmer(Reaction ~ Days + (Days | Subject), sleepstudy),
  slopes_ml = lmer(Reaction ~ Days + (Days | Subject), sleepstudy, REML = FALSE),
  uncorrelated = lmer(Reaction ~ Days + (Days || Subject), sleepstudy),
  crossed = lmer(diameter ~ 1 + (1 | plate) + (1 | sample), Penicillin),
  nested = lmer(strength ~ 1 + (1 | batch / cask), Pastes),
  singular = lmer(Yield ~ 1 + (1 | Batch), Dyestuff2),
  two_slopes = lmer(
    angle ~ temp + (temp | recipe:replicate) + (1 + temp | replicate), cake,
    control = lmerControl(check.conv.grad = "ignore")
  ),
  weighted = lmer(Reaction ~ Days + (1 | Subject), sleepstudy,
    weights = 1 / (1 + Days), offset = Days, REML = FALSE
  ),
  omitted = lmer(Reaction ~ Days + (Days | Subject), gaps),
  excluded = lmer(Reaction ~ Days + (1 | Subject), gaps,
    weights = 1 / (1 + Days), offset = Days, na.action = na.exclude
  ),
  matrix = lmer(Reaction ~ poly(Days, 2) + I(Days > 4) + (1 | Subject), sleepstudy),
  binomial = glmer(cbind(incidence, size - incidence) ~ period + (1 | herd), cbpp, binomial),
  poisson = glmer(TICKS ~ scale(HEIGHT) + (1 | BROOD), grouseticks, poisson),
  curve = nlmer(circumference ~ SSlogis(age, Asym, xmid, scal) ~ Asym | Tree, Orange,
    start = c(Asym = 200, xmid = 725, scal = 350)
  )
)

here <- environment()
made <- new.env()

#' A fit by lme4 ("none") or by lmerTest, made once
fit_of <- function(name, tests = "none") {
  call <- fits[[name]]
  if (tests != "none") call[[1L]] <- quote(lmerTest::lmer)
  key <- paste(name, tests != "none")
  if (is.null(made[[key]])) made[[key]] <- suppressWarnings(suppressMessages(eval(call, here)))
  made[[key]]
}

#' What is needed to hand a fit over
parts_of <- function(name) {
  list(fit = fit_of(name), frame_env = here, call = fits[[name]])
}

#' A data frame as its columns; matrices among them column by column
columns_of <- function(table) {
  table <- do.call(data.frame, c(as.list(table), list(check.names = FALSE)))
  lapply(table, function(column) {
    if (is.factor(column)) as.character(column) else column
  })
}

underscored <- function(table) {
  names(table) <- gsub(".", "_", names(table), fixed = TRUE)
  table
}

method_names <- c(satterthwaite = "Satterthwaite", `kenward-roger` = "Kenward-Roger")

# -- broom.mixed -------------------------------------------------------------------------

broom_tidy <- function(name, tests, ...) {
  fit <- fit_of(name, tests)
  further <- if (tests != "none") list(ddf.method = method_names[[tests]])
  table <- suppressWarnings(suppressMessages(
    do.call(broom.mixed::tidy, c(list(fit), further, list(...)))
  ))
  columns_of(underscored(table))
}

broom_glance <- function(name) columns_of(underscored(broom.mixed::glance(fit_of(name))))

broom_augment <- function(name) {
  columns_of(suppressWarnings(broom.mixed::augment(fit_of(name))))
}

broom_version <- function() as.character(utils::packageVersion("broom.mixed"))

# -- by hand -----------------------------------------------------------------------------

hand_fixed <- function(name, tests, level = NULL, method = "Wald") {
  fit <- fit_of(name, tests)
  table <- if (tests == "none") {
    coef(summary(fit))
  } else {
    coef(summary(fit, ddf = method_names[[tests]]))
  }
  result <- list(
    effect = rep("fixed", nrow(table)), term = rownames(table), estimate = table[, "Estimate"],
    std_error = table[, "Std. Error"], statistic = table[, grep("value", colnames(table))]
  )
  if ("df" %in% colnames(table)) result$df <- table[, "df"]
  p_value <- grep("^Pr", colnames(table))
  if (length(p_value) > 0L) result$p_value <- table[, p_value]
  if (!is.null(level)) {
    if ("df" %in% colnames(table)) {
      width <- qt((1 + level) / 2, df = result$df) * result$std_error
      result$conf_low <- result$estimate - width
      result$conf_high <- result$estimate + width
    } else {
      ends <- suppressMessages(confint(fit, parm = "beta_", method = method, level = level))
      result$conf_low <- ends[, 1L]
      result$conf_high <- ends[, 2L]
    }
  }
  lapply(result, unname)
}

hand_random <- function(name, level = NULL, scale = "sdcor") {
  fit <- fit_of(name)
  order <- if (packageVersion("lme4") >= "2.0.0") "cov.last" else "lower.tri"
  table <- as.data.frame(VarCorr(fit), order = order)
  term <- character()
  for (i in seq_len(nrow(table))) {
    term[i] <- if (is.na(table$var1[i])) {
      "sd__Observation"
    } else if (is.na(table$var2[i])) {
      paste0("sd__", table$var1[i])
    } else {
      paste0("cor__", table$var1[i], ".", table$var2[i])
    }
    if (scale == "vcov") term[i] <- sub("^sd", "var", sub("^cor", "cov", term[i]))
  }
  result <- list(
    effect = rep("ran_pars", nrow(table)), group = as.character(table$grp), term = term,
    estimate = table[[scale]]
  )
  if (!is.null(level)) {
    ends <- suppressWarnings(suppressMessages(
      confint(fit,
        parm = "theta_", method = "profile", level = level,
        prof.scale = if (scale == "vcov") "varcov" else scale
      )
    ))
    result$conf_low <- unname(ends[, 1L])
    result$conf_high <- unname(ends[, 2L])
  }
  result
}

#' Bootstrap intervals of the fixed effects, then of the random effects' parameters
hand_bootstrap <- function(name, n_sim, seed) {
  ends <- lapply(c("beta_", "theta_"), function(parameters) {
    suppressWarnings(suppressMessages(confint(fit_of(name),
      parm = parameters, method = "boot", nsim = n_sim, seed = seed, quiet = TRUE
    )))
  })
  ends <- unname(do.call(rbind, ends))
  list(conf_low = ends[, 1L], conf_high = ends[, 2L])
}

hand_glance <- function(name) {
  fit <- fit_of(name)
  result <- list(
    nobs = nobs(fit), sigma = sigma(fit), logLik = as.numeric(logLik(fit)), AIC = AIC(fit),
    BIC = BIC(fit)
  )
  if (isREML(fit)) result$REMLcrit <- REMLcrit(fit) else result$deviance <- deviance(fit)
  c(result, list(df_residual = df.residual(fit)))
}

#' What the fit says of each row, under na.exclude of each row of the data
hand_augment <- function(name) {
  fit <- fit_of(name)
  result <- list(.fitted = predict(fit), .resid = residuals(fit))
  if (!isNLMM(fit)) {
    # Of a nonlinear model R has neither.
    result$.hat <- suppressWarnings(hatvalues(fit))
    result$.cooksd <- suppressWarnings(cooks.distance(fit))
  }
  fixed <- predict(fit, re.form = NA)
  if (length(fixed) == length(result$.fitted)) result$.fixed <- fixed
  lapply(result, unname)
}

hand_predict <- function(name, new_data) {
  unname(predict(fit_of(name), newdata = as.data.frame(new_data)))
}
