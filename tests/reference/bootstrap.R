# Bootstraps as an R user would write them. Plain R: nothing here knows of pymer_bridge.

suppressMessages(library(lme4))

fits <- alist(
  slopes = lmer(Reaction ~ Days + (Days | Subject), sleepstudy),
  slopes_ml = lmer(Reaction ~ Days + (Days | Subject), sleepstudy, REML = FALSE),
  crossed = lmer(diameter ~ 1 + (1 | plate) + (1 | sample), Penicillin),
  singular = lmer(Yield ~ 1 + (1 | Batch), Dyestuff2),
  weighted = lmer(Reaction ~ Days + (1 | Subject), sleepstudy,
    weights = 1 / (1 + Days), offset = Days, REML = FALSE,
    control = lmerControl(optimizer = "bobyqa")
  )
)

fit_of <- function(name) suppressMessages(eval(fits[[name]]))

state_of <- function(fit) c(getME(fit, "theta"), sigma(fit), fixef(fit))

#' Replicates of bootMer(), replicate by replicate
replicates_of <- function(name, n_sim, seed, type = "parametric", use_u = FALSE) {
  fit <- fit_of(name)
  boot <- suppressMessages(suppressWarnings(
    bootMer(fit, state_of, nsim = n_sim, seed = seed, type = type, use.u = use_u)
  ))
  as.vector(t(unname(boot$t)))
}

random_replicates_of <- function(name, n_sim, seed) {
  boot <- suppressMessages(suppressWarnings(
    bootMer(fit_of(name), function(fit) unlist(ranef(fit)[[1L]]), nsim = n_sim, seed = seed)
  ))
  as.vector(t(unname(boot$t)))
}

predicted_replicates_of <- function(name, n_sim, seed, new_data) {
  new_data <- as.data.frame(new_data)
  boot <- suppressMessages(suppressWarnings(bootMer(fit_of(name), function(fit) {
    predict(fit, newdata = new_data, re.form = NA)
  }, nsim = n_sim, seed = seed)))
  as.vector(t(unname(boot$t)))
}

intervals_of <- function(name, n_sim, seed, type) {
  found <- suppressMessages(suppressWarnings(
    confint(fit_of(name), method = "boot", nsim = n_sim, seed = seed, boot.type = type, quiet = TRUE)
  ))
  list(names = rownames(found), values = as.vector(unname(found)))
}

#' The model of `name` fitted to other data, by lmer() itself
refit_to_data <- function(name, holder) {
  data <- holder$data
  call <- fits[[name]]
  call[[3L]] <- quote(data)
  state_of(suppressMessages(suppressWarnings(eval(call))))
}

#' Carpenter, Goldstein and Rasbash's bootstrap of a model with one term
residual_replicates_of <- function(name, n_sim, seed) {
  fit <- fit_of(name)
  effects <- as.matrix(ranef(fit)[[1L]])
  centred <- sweep(effects, 2L, colMeans(effects))
  empirical <- crossprod(centred) / nrow(centred)
  wanted <- matrix(VarCorr(fit)[[1L]], ncol(effects))
  inflated <- centred %*% t(t(chol(wanted)) %*% solve(t(chol(empirical))))
  w <- weights(fit)
  rest <- residuals(fit) * sqrt(w)
  rest <- rest - mean(rest)
  rest <- rest * sigma(fit) / sqrt(mean(rest^2))
  group <- getME(fit, "flist")[[1L]]
  design <- getME(fit, "mmList")[[1L]]
  fixed <- predict(fit, re.form = NA)
  set.seed(seed)
  t(sapply(seq_len(n_sim), function(i) {
    units <- sample.int(nrow(inflated), nrow(inflated), replace = TRUE)
    drawn <- inflated[units, , drop = FALSE][as.integer(group), , drop = FALSE]
    fixed + rowSums(design * drawn) + sample(rest, replace = TRUE) / sqrt(w)
  }))
}

#' Modugno and Giannerini's wild bootstrap of a model with one grouping factor
wild_replicates_of <- function(name, n_sim, seed, hccme, aux_dist) {
  fit <- fit_of(name)
  fixed <- predict(fit, re.form = NA)
  x <- getME(fit, "X")
  w <- weights(fit)
  h <- diag(x %*% solve(t(x) %*% (w * x)) %*% t(w * x))
  v <- getME(fit, "y") - fixed
  v <- if (hccme == "hc2") v / sqrt(1 - h) else v / (1 - h)
  group <- getME(fit, "flist")[[1L]]
  set.seed(seed)
  t(sapply(seq_len(n_sim), function(i) {
    turned <- if (aux_dist == "mammen") {
      low <- -(sqrt(5) - 1) / 2
      sample(c(low, (sqrt(5) + 1) / 2), nlevels(group), TRUE,
        c((sqrt(5) + 1) / (2 * sqrt(5)), (sqrt(5) - 1) / (2 * sqrt(5)))
      )
    } else {
      sample(c(-1, 1), nlevels(group), TRUE)
    }
    fixed + v * turned[as.integer(group)]
  }))
}

#' pbkrtest's own test, and its sequential one
ratio_test_of <- function(large, small, n_sim, seed, h = NULL) {
  set.seed(seed)
  test <- suppressMessages(suppressWarnings(if (is.null(h)) {
    pbkrtest::PBmodcomp(large, small, nsim = n_sim)
  } else {
    pbkrtest:::seqPBmodcomp(large, small, h = h, nsim = n_sim) # not exported
  }))
  table <- summary(test)$test
  list(
    ratios = as.vector(test$ref), terms = rownames(table), statistic = table$stat,
    p_value = table$p.value
  )
}

slopes_ratio_test <- function(n_sim, seed, h = NULL) {
  large <- lmer(Reaction ~ Days + (Days | Subject), sleepstudy)
  small <- lmer(Reaction ~ 1 + (Days | Subject), sleepstudy)
  ratio_test_of(large, small, n_sim, seed, h)
}

sequential_ratio_test <- function(n_sim, seed, h) {
  data <- transform(Dyestuff2, x = rep(c(0, 1), 15))
  large <- lmer(Yield ~ x + (1 | Batch), data, REML = FALSE)
  small <- lmer(Yield ~ 1 + (1 | Batch), data, REML = FALSE)
  ratio_test_of(large, small, n_sim, seed, h)
}

#' lmer() for one response after the other
many_fits <- function(responses, n_rows, formula, reml) {
  as.vector(vapply(split(responses, rep(seq_len(length(responses) / n_rows), each = n_rows)), function(y) {
    data <- sleepstudy
    data$y <- y
    fit <- suppressMessages(suppressWarnings(lmer(as.formula(formula), data, REML = reml)))
    c(
      fixef(fit), sqrt(diag(as.matrix(vcov(fit)))), sigma(fit), if (reml) REMLcrit(fit) else deviance(fit),
      as.numeric(logLik(fit))
    )
  }, numeric(7L)))
}
