# Parametric bootstraps of the likelihood ratio of two models.

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
#' @return Three model environments: of both fits, and of the smaller one as it was given.
ratio_models <- function(model, restricted) {
  small <- if (is.list(restricted) && !is.null(restricted$coefficient)) {
    without_coefficient(model, restricted$coefficient)
  } else {
    restricted_model(model, restricted)
  }
  if (is.matrix(small)) {
    stop_for_dependent_rows(small)
    small <- restricted_fit(model, small, FALSE)
  }
  stop_without_likelihood(model$fit, small)
  stop_where_none_is_smaller(model$fit, small)
  list(
    large = by_likelihood(model, model$fit), small = by_likelihood(model, small),
    given = new_model(small, model$frame_env, stats::getCall(small))
  )
}

#' Stop where pbkrtest would make the model of another restriction, or none
stop_for_dependent_rows <- function(restriction) {
  rank <- qr(restriction)$rank
  if (rank < nrow(restriction) || rank == ncol(restriction)) {
    stop("the rows of a restriction matrix must be independent, and leave a fixed effect; this one is ",
      nrow(restriction), " by ", ncol(restriction), ", of rank ", rank,
      call. = FALSE
    )
  }
}

#' Stop where nothing is restricted; pbkrtest would, with words of its inside, after all refits
stop_where_none_is_smaller <- function(large, small) {
  sizes <- vapply(list(large, small), function(fit) as.double(attr(stats::logLik(fit), "df")), 1)
  if (sizes[2L] >= sizes[1L]) {
    stop("the smaller model has ", sizes[2L], " parameters, and the larger one ", sizes[1L],
      if (sizes[2L] == sizes[1L]) ": nothing is restricted" else ": give the larger one first",
      call. = FALSE
    )
  }
}

#' Stop where pbkrtest would, after all refits, or where the likelihoods are of different kinds
stop_without_likelihood <- function(large, small) {
  kinds <- vapply(list(large, small), function(fit) {
    family <- stats::family(fit)
    # The size of a negative binomial is estimated for each model.
    paste0(sub("[(].*", "", family$family), " (", family$link, ")")
  }, "")
  if (kinds[1L] != kinds[2L]) {
    stop("the models have different families: the larger one is ", kinds[1L],
      ", the smaller one ", kinds[2L],
      call. = FALSE
    )
  }
  likely <- c("binomial", "gaussian", "Gamma", "inverse.gaussian", "poisson")
  if (inherits(large, "lm") && !stats::family(large)$family %in% likely) {
    stop("pbkrtest has no bootstrap test for glm() with the family ", stats::family(large)$family,
      "; it has one for ", paste(likely, collapse = ", "),
      call. = FALSE
    )
  }
}

#' A model environment whose fit is by maximum likelihood
by_likelihood <- function(model, fit) {
  if (is_by_reml(fit)) {
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
#' @param at_once How many fit into memory, NULL for all.
make_ratio_draws <- function(model, n_sim, seed, state, block, at_once = NULL) {
  before <- globalenv()$.Random.seed
  state <- start_generator(seed, state)
  simulated <- function(simulate, n) {
    used_rows(as.list(simulate(as_omitting(model$fit), nsim = n)), model$fit)
  }
  in_one <- function(n) simulated(simulate_here, n)
  all <- if (!is.null(block)) {
    unlist(lapply(rep(block, n_sim %/% block), in_one), recursive = FALSE)
  } else if (is.null(at_once)) {
    in_one(n_sim)
  } else {
    mixed <- !inherits(model$fit, "lm")
    blocked_draws(in_one, function(n) {
      if (mixed) drawer_of_responses(simulated, n) else drawer_in_turn(in_one)
    }, n_sim, at_once)
  }
  kept_draws(all, state, before)
}

#' Likelihood ratios of two models refitted to the same responses
#'
#' @param plan `start`: "warm" refits as pbkrtest does; "cold" starts where lmer()
#'   starts; "multiple" takes the best of several starts.
ratio_task <- function(large, small, plan) {
  refits <- if (methods::is(large$fit, "lmerMod")) deviance_of else whole_refits_of
  of_large <- refits(large, plan$start)
  of_small <- refits(small, plan$start)
  lower <- if (methods::is(large$fit, "merMod")) lme4::getME(large$fit, "lower")
  function(response) {
    optimum_small <- of_small(response)
    optimum_large <- of_large(response)
    list(
      values = c(
        optimum_small$fval - optimum_large$fval, optimum_large$fval, optimum_small$fval
      ),
      converged = has_converged(optimum_large, optimum_large$checked) &&
        has_converged(optimum_small, optimum_small$checked),
      singular = !is.null(lower) && on_boundary(optimum_large$par, lower)
    )
  }
}

#' A function that refits one model, of any kind but lmer()'s, to a response by R's own functions
#'
#' pbkrtest calls refit() of lme4 for glmer(); from 0.5.5 on it calls glmer() with arguments of
#' lmer(), and stops. For lm() and glm() it evaluates the call.
#'
#' @return A function of a response, which gives minus twice the log-likelihood as `fval`, and what
#'   `has_converged()` and `on_boundary()` ask for.
whole_refits_of <- function(model, start) {
  mixed <- methods::is(model$fit, "merMod")
  n_rows <- nrow(stats::model.frame(model$fit))
  anew <- fitter_anew(model)
  given <- stats::getCall(model$fit)$start
  estimates <- if (inherits(model$fit, "glm")) stats::coef(model$fit)
  refits <- list(
    if (start != "cold") {
      if (mixed) {
        function(response) refit_used(model, response, NULL)
      } else {
        # It cannot start where a coefficient is not estimated.
        function(response) anew(response, if (!anyNA(estimates)) estimates else given)
      }
    },
    if (start != "warm") function(response) anew(response, given),
    if (start == "multiple" && mixed) {
      tenth <- as.double(lme4::getME(model$fit, "lower") == 0) / 10
      function(response) anew(response, list(theta = tenth))
    }
  )
  refits <- Filter(Negate(is.null), refits)
  function(response) {
    response <- as_response(response, n_rows)
    optima <- lapply(refits, function(refit) optimum_of(refit(response)))
    optima[[which.min(vapply(optima, `[[`, 1, "fval"))]]
  }
}

#' A function that fits a model to another response, and from other starting values, by its call
fitter_anew <- function(model) {
  fit <- fit_of_its_rows(model)
  call <- stats::getCall(fit)
  name <- as.name(free_name(".response", names(call$data)))
  formula <- stats::update.formula(stats::formula(fit), bquote(.(name) ~ .))
  function(response, start) {
    holder <- new.env(parent = model$frame_env)
    assign(as.character(name), response, envir = holder)
    environment(formula) <- holder
    call$formula <- formula
    call$start <- start
    eval(call, holder)
  }
}

#' A fit in the form of an optimum
optimum_of <- function(fit) {
  information <- if (methods::is(fit, "merMod")) methods::slot(fit, "optinfo")
  failed <- inherits(fit, "glm") && !fit$converged
  list(
    # Twice the difference of log-likelihoods has the same bits.
    fval = -2 * as.double(stats::logLik(fit)), par = information$val,
    conv = if (is.null(information)) as.integer(failed) else information$conv$opt,
    checked = information$conv$lme4
  )
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
#' @param restricted The smaller model as it was given, a model environment.
#' @param ratios The likelihood ratios of the replicates.
ratio_tests_of <- function(model, restricted, ratios) {
  full <- fit_of_its_rows(model)
  compared <- pbkrtest::PBmodcomp(full, restricted$fit, ref = ratios)
  c(describe_bootstrap_test(compared), list(
    heading = compared_models(full, restricted$fit, printed(compared))
  ))
}
