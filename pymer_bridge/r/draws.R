# What bootstraps draw: all draws are made in one process, in R's own order.

#' Seed the generator, or go on from its current state
#'
#' @param seed An integer for set.seed(), or NULL.
#' @param state A state of the generator to start from instead, or NULL.
#' @return The state from which the draws start.
start_generator <- function(seed, state = NULL) {
  if (!is.null(state)) {
    assign(".Random.seed", as.integer(state), envir = globalenv())
  } else if (!is.null(seed)) {
    set.seed(seed)
  } else if (!exists(".Random.seed", envir = globalenv())) {
    stats::runif(1L)
  }
  get(".Random.seed", envir = globalenv())
}

#' Operation: draw for a bootstrap
#'
#' @param kind "parametric", "semiparametric", "residual", "wild" or "case".
#' @param n_sim How many.
#' @param options Further options of the kind.
#' @param state See `start_generator()`.
#' @param at_once How many fit into memory, NULL for all.
#' @return `draws`, an environment for `take_draws()`, the `state` from which they
#'   were made, and the generator's kinds.
make_draws <- function(model, kind, n_sim, seed, state, options, at_once = NULL) {
  before <- globalenv()$.Random.seed
  state <- start_generator(seed, state)
  mixed <- !inherits(model$fit, "lm")
  if (mixed && kind != "case") warn_of_refit_defect(model$fit)
  draw <- function(n) (if (mixed) draw_mixed else draw_linear)(model, kind, n, options)
  all <- if (is.null(at_once)) {
    draw(n_sim) # before the state is read again
  } else {
    drawer_for <- if (mixed && kind == "parametric" && !options$use_u) {
      function(n) {
        drawer_of_responses(function(simulate, n) draw_parametric(model$fit, n, FALSE, simulate), n)
      }
    } else {
      function(n) drawer_in_turn(draw)
    }
    blocked_draws(draw, drawer_for, n_sim, at_once)
  }
  kept_draws(all, state, before)
}

#' What a bootstrap of a mixed model draws
#'
#' @param kind,options See `make_draws()`.
draw_mixed <- function(model, kind, n_sim, options) {
  if (kind %in% c("residual", "wild") && !lme4::isLMM(model$fit)) {
    stop("the ", kind, " bootstrap is for linear mixed models", call. = FALSE)
  }
  if (kind == "parametric" && options$use_u) {
    stop_if_rows_slip(model, "fit the model to the rows that it uses alone")
  }
  switch(kind,
    parametric = draw_parametric(model$fit, n_sim, options$use_u),
    semiparametric = draw_semiparametric(model$fit, n_sim),
    residual = draw_residual(model$fit, n_sim),
    wild = draw_wild(model$fit, n_sim, options$hccme, options$aux_dist),
    case = draw_cases(model, n_sim, options$levels, options$resampled),
    stop("unknown kind of bootstrap: ", kind)
  )
}

#' Operation: draws in the form that the engine takes
#'
#' @param all A list of draws, or a function that gives some of them.
#' @param state The state of the generator from which they were made; empty if nothing was drawn.
#' @param before The state before that, NULL if there was none.
kept_draws <- function(all, state = integer(), before = NULL) {
  after <- globalenv()$.Random.seed
  draws <- list2env(list(all = all, before = before, after = after), parent = emptyenv())
  list(draws = draws, state = state, generator = RNGkind())
}

#' Operation: leave the generator as it was before some draws, unless others have drawn since
undo_draws <- function(draws) {
  if (!identical(globalenv()$.Random.seed, draws$after)) {
    return(FALSE)
  }
  put_seed(draws$before)
  TRUE
}

#' Operation: some of the draws
#'
#' @param first,last Their numbers.
take_draws <- function(draws, first, last) {
  some <- if (is.function(draws$all)) draws$all(first, last) else draws$all[first:last]
  unname(as.list(some))
}

#' Responses simulated from the model, as lme4::bootMer() draws them
#'
#' @param simulate R's simulate(), or one that takes its numbers from elsewhere.
#' @return A list of responses, without the rows that were dropped.
draw_parametric <- function(fit, n_sim, use_u, simulate = simulate_here) {
  drawn <- simulate(as_omitting(fit), nsim = n_sim, use.u = use_u)
  used_rows(as.list(drawn), fit)
}

#' Fitted values plus resampled residuals, as bootMer(type = "semiparametric")
draw_semiparametric <- function(fit, n_sim) {
  if (lme4::isGLMM(fit)) warning("semiparametric bootstrapping is questionable for GLMMs")
  centre <- without_missing(stats::fitted(fit))
  rest <- without_missing(stats::residuals(fit, "response"))
  replicate(n_sim, centre + sample(rest, replace = TRUE), simplify = FALSE)
}

without_missing <- function(values) values[!is.na(values)]

#' Prior weights of the rows used
prior_weights <- function(fit) {
  used_rows(list(stats::weights(fit)), fit)[[1L]]
}

#' Responses without the rows that na.action dropped, as plain numbers
#'
#' Two columns (successes, failures) are joined into one vector; see `as_response()`.
used_rows <- function(responses, fit) {
  frame <- stats::model.frame(fit)
  n_rows <- nrow(frame)
  dropped <- stats::na.action(frame)
  lapply(responses, function(response) {
    if (!is.null(dropped) && NROW(response) != n_rows) {
      response <- if (is.matrix(response)) response[-dropped, ] else response[-dropped]
    }
    # The first level is a failure.
    if (is.factor(response)) as.double(response != levels(response)[1L]) else as.vector(response)
  })
}

#' A response as refit() takes it, from plain numbers
as_response <- function(values, n_rows) {
  if (length(values) == 2L * n_rows) matrix(values, ncol = 2L) else values
}

#' The fixed part of the linear predictor, with the offset
fixed_part <- function(fit) {
  offset <- lme4::getME(fit, "offset")
  as.vector(lme4::getME(fit, "X") %*% lme4::getME(fit, "beta")) + offset
}

#' Random effects, term by term: a row for each effect, a column for each level
random_blocks <- function(fit) {
  modes <- as.vector(lme4::getME(fit, "b"))
  ends <- lme4::getME(fit, "Gp")
  Map(function(first, last, names) {
    matrix(modes[seq.int(first + 1L, length.out = last - first)], nrow = length(names))
  }, ends[-length(ends)], ends[-1L], lme4::getME(fit, "cnms"))
}

#' Effects centred, and rescaled to have the estimated covariance
#'
#' Carpenter, Goldstein and Rasbash (2003), section 3.2: predicted effects vary
#' less than the effects themselves do.
#'
#' @param effects A row for each effect, a column for each level.
#' @param covariance The covariance that they must have.
reflate <- function(effects, covariance) {
  centred <- effects - rowMeans(effects)
  square_root(covariance) %*% square_root(tcrossprod(centred) / ncol(centred), inverse = TRUE) %*%
    centred
}

#' The lower Cholesky factor of a covariance, or its inverse
#'
#' For a singular covariance: the symmetric square root, or its generalised inverse.
square_root <- function(covariance, inverse = FALSE) {
  factor <- tryCatch(t(chol(covariance)), error = function(condition) NULL)
  if (!is.null(factor)) {
    return(if (inverse) forwardsolve(factor, diag(nrow(factor))) else factor)
  }
  parts <- eigen(covariance, symmetric = TRUE)
  size <- sqrt(pmax(parts$values, 0))
  keep <- size > max(size) * sqrt(.Machine$double.eps)
  values <- ifelse(keep, if (inverse) 1 / size else size, 0)
  parts$vectors %*% (values * t(parts$vectors))
}

#' Residuals of the weighted model, centred and rescaled to the estimated sigma
reflated_residuals <- function(fit) {
  weighted <- (lme4::getME(fit, "y") - lme4::getME(fit, "mu")) * sqrt(prior_weights(fit))
  centred <- weighted - mean(weighted)
  centred * (stats::sigma(fit) / sqrt(mean(centred^2)))
}

#' Responses from resampled effects and residuals
#'
#' In each replicate the levels of each grouping factor are drawn with
#' replacement, factor by factor, then the residuals.
draw_residual <- function(fit, n_sim) {
  blocks <- random_blocks(fit)
  covariances <- lapply(lme4::VarCorr(fit), as.matrix)
  blocks <- Map(function(effects, covariance) {
    reflate(effects, matrix(covariance, nrow = nrow(effects)))
  }, blocks, covariances)
  # Terms of one factor, as in (x || g), keep the effects of a level together.
  of_factor <- attr(lme4::getME(fit, "flist"), "assign")
  rest <- reflated_residuals(fit)
  spread <- sqrt(prior_weights(fit))
  centre <- fixed_part(fit)
  design <- lme4::getME(fit, "Z")
  replicate(n_sim, simplify = FALSE, {
    chosen <- lapply(unique(of_factor), function(factor) {
      n <- ncol(blocks[[match(factor, of_factor)]])
      sample.int(n, n, replace = TRUE)
    })
    effects <- Map(
      function(block, factor) block[, chosen[[match(factor, unique(of_factor))]]],
      blocks, of_factor
    )
    drawn <- sample(rest, replace = TRUE)
    centre + as.vector(design %*% unlist(effects, use.names = FALSE)) + drawn / spread
  })
}

#' Responses from residuals, multiplied by one random weight for each group
#'
#' Modugno and Giannerini (2015): the residuals from the fixed part, enlarged according to
#' their leverage, times a weight of mean 0 and variance 1 for each group.
#'
#' @param hccme "hc2" or "hc3".
#' @param aux_dist "mammen" or "rademacher".
draw_wild <- function(fit, n_sim, hccme, aux_dist) {
  group <- widest_factor(fit)
  centre <- fixed_part(fit)
  spread <- sqrt(prior_weights(fit))
  leverage <- rowSums(qr.Q(qr(lme4::getME(fit, "X") * spread))^2)
  rest <- lme4::getME(fit, "y") - centre
  rest <- rest / if (hccme == "hc2") sqrt(1 - leverage) else 1 - leverage
  replicate(n_sim, simplify = FALSE, {
    centre + rest * auxiliary_weights(nlevels(group), aux_dist)[as.integer(group)]
  })
}

#' Random weights of mean 0 and variance 1
auxiliary_weights <- function(n, aux_dist) {
  if (aux_dist == "rademacher") {
    return(sample(c(-1, 1), n, replace = TRUE))
  }
  golden <- sqrt(5)
  sample(c((1 - golden) / 2, (1 + golden) / 2), n,
    replace = TRUE, prob = c((golden + 1) / (2 * golden), (golden - 1) / (2 * golden))
  )
}

#' The grouping factor within which all others are nested
widest_factor <- function(fit) {
  factors <- as.list(lme4::getME(fit, "flist"))
  sizes <- vapply(factors, nlevels, 1L)
  widest <- factors[[which.min(sizes)]]
  inside <- vapply(factors, is_nested, NA, f2 = widest)
  if (!all(inside)) {
    stop("the wild bootstrap needs one grouping factor within which the others are nested; ",
      paste(names(factors)[!inside], collapse = ", "), " crosses ",
      names(factors)[which.min(sizes)],
      call. = FALSE
    )
  }
  droplevels(widest)
}
