# Likelihood ratio tests of a restriction, asymptotic and by parametric bootstrap.

#' The model without one fixed effect, with all random effects
#'
#' @param model A model environment.
#' @param term The name of a fixed effect. If it is a whole term, and removing the term
#'   removes just this coefficient, the formula is changed; otherwise the design is
#'   restricted.
without_coefficient <- function(model, term) {
  fit <- model$fit
  coefficients <- names(lme4::fixef(fit))
  if (!term %in% coefficients) {
    stop("no fixed effect ", sQuote(term, FALSE), "; there are: ",
      paste(coefficients, collapse = ", "),
      call. = FALSE
    )
  }
  if (length(coefficients) == 1L) {
    stop("the model has one fixed effect only, and none would be left to compare with",
      call. = FALSE
    )
  }
  if (term %in% attr(stats::terms(fit), "term.labels")) {
    change <- stats::as.formula(bquote(. ~ . - .(str2lang(term))), env = model$frame_env)
    small <- smaller_fit(model, change)
    # Without `a`, the design of a * b with a factor b has other columns.
    if (length(lme4::fixef(small)) == length(coefficients) - 1L) {
      return(small)
    }
  }
  restriction <- matrix(as.double(coefficients == term), nrow = 1L)
  restricted_fit(model, restriction, lme4::isREML(fit))
}

#' The model of a restriction matrix, which can be fitted again
#'
#' pbkrtest leaves a call whose data are nowhere; its model frame has the columns of the call.
restricted_fit <- function(model, restriction, reml) {
  fit <- pbkrtest::restriction_matrix2model(fit_of_its_rows(model), restriction, REML = reml)
  frame <- as.data.frame(stats::model.frame(fit))
  attr(frame, "terms") <- attr(frame, "formula") <- NULL
  call <- stats::getCall(fit)
  call$data <- frame
  for (name in c("weights", "offset")) {
    if (!is.null(call[[name]])) call[[name]] <- as.name(paste0("(", name, ")"))
  }
  methods::slot(fit, "call") <- call
  fit
}

#' Operation: likelihood ratio test of one coefficient
ratio_test_of <- function(model, term) {
  # anova() compares data and subsets by their names in the calls.
  small <- with_subset_of(without_coefficient(model, term), model)
  methods::slot(small, "call")$data <- stats::getCall(model$fit)$data
  table <- stats::anova(lme4::refitML(small), lme4::refitML(model$fit),
    refit = FALSE, model.names = c("small", "full")
  )
  list(
    statistic = column(table, "Chisq")[2L], df = column(table, "Df")[2L],
    p_value = column(table, "Pr(>Chisq)")[2L]
  )
}

#' A parametric bootstrap of the likelihood ratio as lists of columns
#'
#' @param compared What pbkrtest::PBmodcomp() returned.
describe_bootstrap_test <- function(compared) {
  table <- summary(compared)$test
  list(
    terms = rownames(table), statistic = column(table, "stat"), df = column(table, "df"),
    df2 = column(table, "ddf"), p_value = column(table, "p.value"),
    lrt = compared$LRTstat[["tobs"]], p_bootstrap = compared$test["PBtest", "p.value"],
    n_usable = compared$samples[["npos"]]
  )
}

#' Operation: the two models of a bootstrap test, as pbkrtest refits them
#'
#' Refitted by maximum likelihood where necessary, with the control object that this
#' version of pbkrtest uses.
#'
#' @param restricted As for `kr_modcomp()`, or the name of a coefficient as
#'   `list(coefficient = )`.
#' @return Two model environments.
ratio_models <- function(model, restricted) {
  small <- if (is.list(restricted) && !is.null(restricted$coefficient)) {
    without_coefficient(model, restricted$coefficient)
  } else {
    restricted_model(model, restricted)
  }
  if (is.matrix(small)) {
    small <- restricted_fit(model, small, FALSE)
  }
  list(large = by_likelihood(model, model$fit), small = by_likelihood(model, small), given = small)
}

#' A model environment whose fit is by maximum likelihood
by_likelihood <- function(model, fit) {
  if (lme4::isREML(fit)) {
    version <- utils::packageVersion("pbkrtest")
    control <- if (version >= "0.5.5") {
      quote(lmerControl(
        optCtrl = list(maxfun = 1e+05, tol = 0.01), check.conv.grad = "ignore",
        check.conv.singular = "ignore", check.conv.hess = "ignore"
      ))
    } else if (version >= "0.5.3") {
      quote(lmerControl(check.conv.singular = "ignore"))
    }
    holder <- new.env(parent = model$frame_env)
    holder$.fit <- fit
    fit <- eval(if (is.null(control)) {
      quote(stats::update(.fit, REML = FALSE))
    } else {
      bquote(stats::update(.fit, REML = FALSE, control = .(control)))
    }, holder)
  }
  new_model(fit, model$frame_env, stats::getCall(fit))
}

#' Operation: the likelihood ratio of the data, as pbkrtest computes it
observed_ratio <- function(models) {
  2 * (as.double(stats::logLik(models[[1L]]$fit)) - as.double(stats::logLik(models[[2L]]$fit)))
}

#' Operation: responses simulated from the smaller model, as pbkrtest draws them
#'
#' @param block The number of responses to simulate at a time, NULL for all at once.
make_ratio_draws <- function(model, n_sim, seed, state, block) {
  before <- globalenv()$.Random.seed
  state <- start_generator(seed, state)
  sizes <- if (is.null(block)) n_sim else rep(block, n_sim %/% block)
  responses <- unlist(lapply(sizes, function(size) {
    used_rows(as.list(stats::simulate(model$fit, nsim = size)), model$fit)
  }), recursive = FALSE)
  kept_draws(responses, state, before)
}

#' Likelihood ratios of two models refitted to the same responses
#'
#' @param plan `start`: "warm" refits as pbkrtest does; "cold" starts where lmer()
#'   starts; "multiple" takes the best of several starts.
ratio_task <- function(large, small, plan) {
  deviance_large <- deviance_of(large, plan$start)
  deviance_small <- deviance_of(small, plan$start)
  function(response) {
    of_small <- deviance_small(response)
    of_large <- deviance_large(response)
    list(
      values = c(of_small$fval - of_large$fval, of_large$fval, of_small$fval),
      converged = has_converged(of_large, NULL) && has_converged(of_small, NULL),
      singular = on_boundary(of_large$par, lme4::getME(large$fit, "lower"))
    )
  }
}

#' A function that gives the deviance of one model refitted to a response
deviance_of <- function(model, start) {
  fitted <- refit_start(model$fit)
  cold <- cold_start(model)
  # pbkrtest does not pass the control object on.
  warm <- refit_settings(model, control = NULL)
  if (start == "warm" && utils::packageVersion("pbkrtest") >= "0.5.5") {
    # From 0.5.5 on it calls lmer() for each response.
    settings <- lmer_settings(model, lme4::lmerControl(optCtrl = list(tol = 0.1)))
    machine <- refitter(model, settings, criterion = 0L)
    return(function(response) machine$optimise(response, cold(response)))
  }
  machines <- list(
    if (start != "cold") list(refitter(model, warm, criterion = 0L), function(response) fitted),
    if (start != "warm") list(refitter(model, lmer_settings(model), 0L), cold),
    if (start == "multiple") {
      list(refitter(model, lmer_settings(model), 0L), function(response) cold(response) / 10)
    }
  )
  machines <- Filter(Negate(is.null), machines)
  function(response) {
    optima <- lapply(machines, function(each) each[[1L]]$optimise(response, each[[2L]](response)))
    optima[[which.min(vapply(optima, `[[`, 1, "fval"))]]
  }
}

#' Operation: the tests that pbkrtest makes of likelihood ratios
#'
#' @param restricted The smaller model, as it was given.
#' @param ratios The likelihood ratios of the replicates.
ratio_tests_of <- function(model, restricted, ratios) {
  full <- fit_of_its_rows(model)
  compared <- pbkrtest::PBmodcomp(full, restricted, ref = ratios)
  c(describe_bootstrap_test(compared), list(
    heading = compared_models(full, restricted, printed(compared))
  ))
}
