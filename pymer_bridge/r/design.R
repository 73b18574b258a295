# Designs: models of data that nobody has observed yet. A design lives in an environment:
#
#   design$right       the right side of the formula, as simulate() takes it
#   design$response    the name of the response
#   design$frame       the data, without a response
#   design$family      a family, or NULL for a linear model
#   design$layout      which parameters there are, see `layout_of()`
#   design$parameters  beta, theta and sigma, as simulate() takes them in `newparams`

#' Operation: read a design
#'
#' @param spec See `model_call()`; its formula has a response.
#' @param frame The parts of a data frame, see `frame_from_parts()`.
#' @return `design`, and the names of what must be given.
read_design <- function(spec, frame) {
  formula <- str2lang(spec$formula)
  stop_without_structures(formula)
  data <- frame_from_parts(frame)
  response <- as.character(formula[[2L]])
  data[[response]] <- NULL
  data <- with_contrasts(data, spec$contrasts)
  env <- new.env(parent = fill_toolbox())
  design <- list2env(list(
    right = stats::as.formula(formula[-2L], env), response = response, frame = data,
    family = if (!is.null(spec$family)) family_object(eval(family_call(spec$family), env))
  ), parent = emptyenv())
  design$layout <- layout_of(design, design$right)
  described_design(design)
}

#' A family, of its function or of itself
family_object <- function(family) if (is.function(family)) family() else family

#' Data whose factors carry their contrasts
with_contrasts <- function(data, contrasts) {
  given <- if (length(contrasts) > 0L) eval(contrast_argument(contrasts))
  for (name in intersect(names(given), names(data))) {
    if (!is.factor(data[[name]])) data[[name]] <- factor(data[[name]])
    value <- given[[name]]
    if (is.matrix(value)) {
      stats::contrasts(data[[name]], ncol(value)) <- value
    } else {
      stats::contrasts(data[[name]]) <- value
    }
  }
  data
}

#' What simulate() reads of a formula and data: names of coefficients, terms of groups
#'
#' @param right A one-sided formula.
#' @param frame The data; those of the design by default.
layout_of <- function(design, right, frame = design$frame) {
  if (is.null(design$family)) {
    control <- lme4::lmerControl(check.formula.LHS = "ignore")
    parts <- lme4::lFormula(right, frame, control = control)
  } else {
    control <- lme4::glmerControl(check.formula.LHS = "ignore")
    parts <- lme4::glFormula(right, frame, family = design$family, control = control)
  }
  terms <- parts$reTrms$cnms
  if (length(parts$reTrms$theta) != sum(lengths(terms) * (lengths(terms) + 1L) / 2L)) {
    stop("a design has unstructured covariances: write (x || g) for diag(x | g)", call. = FALSE)
  }
  list(
    coefficients = colnames(parts$X), terms = unname(terms), factors = names(terms),
    groups = make.unique(names(terms)), scaled = family_has_scale(design$family),
    levels = lapply(parts$reTrms$flist, levels), assign = attr(parts$X, "assign"),
    labels = attr(stats::terms(without_bars(right)), "term.labels"),
    dropped = attr(parts$X, "col.dropped"),
    n_rows = nrow(parts$fr)
  )
}

#' A formula without random effects, by the function that lme4 itself calls, which may be imported
without_bars <- function(formula) get("nobars", design_home())(formula)

#' Does a family, or none, have a scale that is estimated?
family_has_scale <- function(family) {
  is.null(family) || !asNamespace("lme4")$hasNoScale(family)
}

#' The names of what must be given, as plain vectors
described_design <- function(design) {
  layout <- design$layout
  if (layout$n_rows != nrow(design$frame)) {
    stop("the frame has missing values: a design needs all of them", call. = FALSE)
  }
  sizes <- lengths(layout$terms)
  pairs <- lapply(layout$terms, function(names) {
    below <- lower.tri(diag(length(names)))
    cbind(names[col(below)[below]], names[row(below)[below]])
  })
  joined <- do.call(rbind, pairs)
  list(
    design = design, coefficients = layout$coefficients,
    groups = rep(layout$groups, sizes), factors = rep(layout$factors, sizes),
    terms = as.character(unlist(layout$terms)),
    pair_groups = rep(layout$groups, vapply(pairs, nrow, 1L)),
    pair_factors = rep(layout$factors, vapply(pairs, nrow, 1L)),
    pair_first = as.character(joined[, 1L]), pair_second = as.character(joined[, 2L]),
    scaled = layout$scaled, family = design$family$family, link = design$family$link,
    group_names = names(layout$levels), group_counts = lengths(layout$levels, FALSE),
    n_rows = nrow(design$frame)
  )
}

#' Operation: a design with parameters
#'
#' @param fixed,std_devs,correlations In the order of `described_design()`.
#' @param residual The residual standard deviation; NULL where the family has no scale.
#' @return `design`, another one, and its parameters as simulate() takes them.
set_design <- function(design, fixed, std_devs, correlations, residual) {
  layout <- design$layout
  made <- list2env(as.list(design), parent = emptyenv())
  scale <- if (layout$scaled) residual else 1
  made$parameters <- c(
    list(
      beta = stats::setNames(as.double(fixed), layout$coefficients),
      theta = theta_of(lengths(layout$terms), layout$groups, std_devs, correlations, scale)
    ),
    if (layout$scaled) list(sigma = residual)
  )
  list(
    design = made, beta = unname(made$parameters$beta), theta = made$parameters$theta,
    sigma = made$parameters$sigma
  )
}

#' The theta of standard deviations and correlations, by lme4's own functions
#'
#' @param sizes How many terms each group has.
#' @param scale The residual standard deviation, or 1.
theta_of <- function(sizes, groups, std_devs, correlations, scale) {
  matrices <- Map(function(size, deviations, within) {
    whole <- diag(deviations, size)
    whole[lower.tri(whole)] <- within
    whole
  }, sizes, in_groups(std_devs, sizes), in_groups(correlations, sizes * (sizes - 1L) / 2L))
  blocks <- Map(function(given, group) {
    lower <- lower.tri(given, diag = TRUE)
    theta <- as.vector(lme4::Sv_to_Cv(c(given[lower], scale), n = nrow(given), s = scale))
    if (!has_covariance(theta, given, scale)) theta <- semidefinite_theta(given, scale)
    if (!has_covariance(theta, given, scale)) {
      stop("no covariance has these correlations of ", group, call. = FALSE)
    }
    theta
  }, matrices, groups)
  as.double(unlist(blocks, use.names = FALSE))
}

#' Cut a vector into pieces of these sizes, of which some may be 0
in_groups <- function(values, sizes) {
  unname(split(values, factor(rep(seq_along(sizes), sizes), seq_along(sizes))))
}

#' The covariance of standard deviations, on the diagonal, and correlations below it
covariance_of <- function(given) {
  deviations <- diag(given)
  given[upper.tri(given)] <- t(given)[upper.tri(given)]
  diag(given) <- 1
  given * outer(deviations, deviations)
}

#' Does a block of theta have the covariance that was given?
has_covariance <- function(theta, given, scale) {
  factor <- diag(nrow(given))
  factor[lower.tri(factor, diag = TRUE)] <- theta
  wanted <- covariance_of(given)
  isTRUE(all(abs(tcrossprod(factor) * scale^2 - wanted) <= 1e-8 * max(abs(wanted), 1e-300)))
}

#' The lower factor of a singular covariance, of which lme4's function gives another order
semidefinite_theta <- function(given, scale) {
  left <- covariance_of(given) / scale^2
  n <- nrow(left)
  factor <- matrix(0, n, n)
  least <- max(diag(left)) * 1e-12
  for (j in seq_len(n)) {
    if (left[j, j] > least) {
      below <- j:n
      factor[below, j] <- left[below, j] / sqrt(left[j, j])
      left <- left - tcrossprod(factor[, j])
    }
  }
  factor[lower.tri(factor, diag = TRUE)]
}

#' Responses that a design draws, as simulate() draws them
#'
#' @param seed An integer for set.seed(), or NULL.
draw_design <- function(design, n_sim, seed = NULL) {
  arguments <- list(design$right,
    nsim = n_sim, seed = seed, newdata = design$frame, newparams = design$parameters
  )
  if (!is.null(design$family)) arguments$family <- design$family
  withCallingHandlers(
    do.call(stats::simulate, arguments),
    # theta is in lme4's own order, and needs no names.
    message = function(condition) {
      if (grepl("parameter vector not named", conditionMessage(condition))) {
        invokeRestart("muffleMessage")
      }
    }
  )
}

#' Operation: simulate responses of a design
#'
#' @return See `described_simulations()`.
simulate_design <- function(design, n_sim, seed) {
  described_simulations(draw_design(design, n_sim, seed), seq_len(nrow(design$frame)))
}

#' Operation: draw the responses of a power analysis
#'
#' @param rows The numbers of the rows that are kept, or NULL for all.
#' @param state See `start_generator()`.
#' @return See `kept_draws()`.
make_design_draws <- function(design, n_sim, seed, state, rows) {
  before <- globalenv()$.Random.seed
  state <- start_generator(seed, state)
  drawn <- lapply(as.list(draw_design(design, n_sim)), as.double)
  if (!is.null(rows)) drawn <- lapply(drawn, function(response) response[rows])
  kept_draws(drawn, state, before)
}

#' Operation: the rows of its data that a model uses, as the parts of a data frame
used_data <- function(model) {
  data <- model_data(model)
  frame_to_parts(data$frame[data$used, , drop = FALSE])
}
