# The figures that pictures of a model show: its data, lines, bands and outlines.

#' The levels of each row in each grouping factor
#'
#' @param fit A fitted mixed model.
#' @return A data frame of factors, named as lme4 names them.
grouping_factors <- function(fit) {
  factors <- lme4::getME(fit, "flist")
  # A nonlinear model repeats the rows for each of its parameters.
  rows <- seq_len(nrow(stats::model.frame(fit)))
  structure(
    lapply(seq_along(factors), function(i) factors[[i]][rows]),
    names = names(factors), class = "data.frame", row.names = rows
  )
}

#' Operation: the model frame, the response first and the grouping factors last
#'
#' Matrices (of a polynomial, or of successes and failures) have no place in a data
#' frame of Python and are left out; the response is then the vector that lme4 fits.
#'
#' @return The parts of a data frame, and the numbers of its `rows` in the data.
model_frame_parts <- function(model) {
  frame <- stats::model.frame(model$fit)
  groups <- grouping_factors(model$fit)
  plain <- vapply(frame, function(column) {
    is.null(dim(column)) && is.atomic(column) && !is.complex(column)
  }, NA)
  response <- names(frame)[1L]
  frame[[response]] <- if (plain[[1L]]) frame[[1L]] else as.vector(lme4::getME(model$fit, "y"))
  plain[[1L]] <- TRUE
  others <- setdiff(names(frame)[plain], names(groups))
  result <- c(unclass(frame)[others], groups)
  rows <- row_numbers(frame)
  known <- !is.na(rows)
  result <- as.data.frame(lapply(result, function(column) column[known]), optional = TRUE)
  names(result) <- c(others, names(groups))
  c(frame_to_parts(result), list(rows = rows[known]))
}

#' Operation: one line for all rows, and one for each group alone
#'
#' Complete pooling and no pooling, by lm() with the weights and the offset of
#' the model. A slope that a group's own data do not give is NA.
#'
#' @param group The name of a grouping factor.
#' @param predictor The name of a numeric column of the model frame.
#' @return Intercept and slope for all; intercepts, then slopes, of the groups.
unpooled_lines <- function(model, group, predictor) {
  fit <- model$fit
  frame <- stats::model.frame(fit)
  data <- data.frame(
    y = as.vector(lme4::getME(fit, "y")), x = as.double(frame[[predictor]]),
    g = droplevels(grouping_factors(fit)[[group]]), w = as.vector(stats::weights(fit)),
    o = as.vector(lme4::getME(fit, "offset"))
  )
  line <- if (any(data$w != 1) || any(data$o != 0)) {
    function(part) stats::coef(stats::lm(y ~ x, part, weights = part$w, offset = part$o))
  } else {
    function(part) stats::coef(stats::lm(y ~ x, part))
  }
  alone <- vapply(split(data, data$g), line, numeric(2L))
  list(complete = unname(line(data)), levels = levels(data$g), alone = as.vector(t(alone)))
}

#' Operation: a smooth line through points
#'
#' @param robust With iterations that lay outliers aside? plot() of an lm has them, of a glm not.
#' @return Its corners, in the order of `x`.
lowess_line <- function(x, y, robust) {
  smooth <- stats::lowess(x, y, iter = if (robust) 3L else 0L)
  list(x = smooth$x, y = smooth$y)
}

#' Operation: the figures of box plots
#'
#' @param codes For each value the number of its group.
#' @return The `groups` that have values, five `figures` of each, and the values
#'   `outside` the whiskers with their groups.
group_boxes <- function(values, codes) {
  parts <- split(values, codes)
  found <- lapply(parts, grDevices::boxplot.stats, do.conf = FALSE)
  groups <- as.integer(names(parts))
  outside <- lapply(found, `[[`, "out")
  list(
    groups = groups, figures = as.double(unlist(lapply(found, `[[`, "stats"), use.names = FALSE)),
    outside = as.double(unlist(outside, use.names = FALSE)),
    outside_group = rep(groups, lengths(outside, use.names = FALSE))
  )
}

#' Operation: how many standard deviations a two-sided normal interval takes
normal_multiple <- function(conf_level) stats::qnorm((1 + conf_level) / 2)

#' Operation: the points, the line and the band of a normal quantile plot
#'
#' The line goes through the quartiles, as qqline()'s does. The band holds all points of a share
#' `conf_level` of normal samples, each moved to its own line: see `curve_band()`. Bands point by
#' point leave most normal samples outside somewhere.
#'
#' @return The normal quantile of each value, in the given order; intercept and slope of the line;
#'   and the band at up to 200 of the sorted quantiles.
normal_quantiles <- function(values, conf_level) {
  n <- length(values)
  theoretical <- stats::qqnorm(values, plot.it = FALSE)$x
  line <- line_through(stats::quantile(values, quarters, names = FALSE))
  places <- unique(round(seq(1, n, length.out = min(n, 200L))))
  sample <- if (n > 1000L) few_of_sorted(n, places) else all_of_sorted(n, places)
  curves <- with_seed(1L, vapply(1:499, function(i) {
    drawn <- sample()
    own <- line_through(drawn$quartiles)
    (drawn$at_places - own[1L]) / own[2L]
  }, numeric(length(places))))
  band <- curve_band(matrix(curves, nrow = length(places)), conf_level)
  list(
    theoretical = theoretical, intercept = line[1L], slope = line[2L],
    at = stats::qnorm(stats::ppoints(n))[places],
    low = line[1L] + line[2L] * band$low, high = line[1L] + line[2L] * band$high
  )
}

#' Where quartiles are
quarters <- c(0.25, 0.75)

#' Intercept and slope of the line that qqline() draws
#'
#' @param quartiles Of the values.
line_through <- function(quartiles) {
  slope <- diff(quartiles) / diff(stats::qnorm(quarters))
  c(quartiles[1L] - slope * stats::qnorm(0.25), slope)
}

#' A function that draws a normal sample, and gives its quartiles and what is at some places
#'
#' @param n The size of the sample.
#' @param places Places in the sorted sample.
all_of_sorted <- function(n, places) {
  function() {
    drawn <- sort(stats::rnorm(n))
    list(at_places = drawn[places], quartiles = stats::quantile(drawn, quarters, names = FALSE))
  }
}

#' The same for large samples, of which no more is drawn than is asked for
#'
#' Gaps between sorted uniform values are gamma variates over their sum (Devroye 1986, section
#' V.3), those between several of them too.
few_of_sorted <- function(n, places) {
  index <- 1 + (n - 1) * quarters # as quantile() takes them
  below <- floor(index)
  above <- ceiling(index)
  known <- sort(unique(c(places, below, above)))
  shapes <- diff(c(0, known, n + 1))
  function() {
    gaps <- stats::rgamma(length(shapes), shapes)
    drawn <- stats::qnorm(utils::head(cumsum(gaps), -1L) / sum(gaps))
    at <- function(place) drawn[match(place, known)]
    share <- index - below
    list(at_places = at(places), quartiles = (1 - share) * at(below) + share * at(above))
  }
}

#' Operation: the ellipse that holds a share of a bivariate normal distribution
#'
#' @param covariance Four numbers.
#' @param center Two numbers.
#' @param level The share.
#' @return x and y of 100 points, the first again at the end.
normal_ellipse <- function(covariance, center, level) {
  angle <- seq(0, 2 * pi, length.out = 101L)
  decomposed <- eigen(matrix(covariance, 2L), symmetric = TRUE)
  # A singular covariance has an eigenvalue of zero, or slightly below it.
  root <- decomposed$vectors %*% diag(sqrt(pmax(decomposed$values, 0)))
  points <- sqrt(stats::qchisq(level, 2)) * root %*% rbind(cos(angle), sin(angle))
  list(x = center[1L] + points[1L, ], y = center[2L] + points[2L, ])
}

#' Operation: the arrows by which marginal means are compared, as emmeans draws them
#'
#' Where the arrows of two means overlap, their difference is not significant.
#'
#' @param grid What emmeans made.
#' @param alpha,adjust The level of the comparisons, and how it is adjusted for their number.
#' @return `low` and `high`, the ends, missing where no arrow is drawn; and `estimate`, where they
#'   start.
comparison_arrows <- function(grid, alpha, adjust, seed) {
  # It draws nothing, and asks for one of these packages all the same.
  engine <- if (requireNamespace("ggplot2", quietly = TRUE)) "ggplot" else "lattice"
  table <- with_seed(seed, plot(grid,
    comparisons = TRUE, alpha = alpha, adjust = adjust, plotit = FALSE, engine = engine
  ))
  list(low = table$lcmpl, high = table$rcmpl, estimate = table$the.emmean)
}

#' Operation: what the axis of the response is called, on its own scale and on that of the link
#'
#' Where the response is a probability it is said of what: "P(incidence)" of successes and failures,
#' "P(use = Y)" of a factor, whose other levels R takes for successes than the first.
#'
#' @return Two texts, `response` and `link`.
response_axis <- function(model) {
  fit <- model$fit
  code <- stats::formula(fit)[[2L]]
  if (methods::is(fit, "nlmerMod")) code <- code[[2L]]
  family <- stats::family(fit)
  name <- written_response(code)
  if (family$family %in% c("binomial", "quasibinomial")) {
    values <- stats::model.response(stats::model.frame(fit))
    name <- sprintf("P(%s)", written_success(code, values))
  }
  list(response = name, link = linked_name(name, family$link))
}

#' The text of a response: of a column its name, of others the call without I()
written_response <- function(code) {
  while (is.call(code) && identical(code[[1L]], quote(I))) code <- code[[2L]]
  if (is.name(code)) as.character(code) else paste(deparse(code, 500L), collapse = " ")
}

#' The text of what a binomial response counts as a success
written_success <- function(code, values) {
  while (is.call(code) && (identical(code[[1L]], quote(I)) || identical(code[[1L]], quote(`(`)))) {
    code <- code[[2L]]
  }
  counts <- is.call(code) && (identical(code[[1L]], quote(cbind)) || identical(code[[1L]], quote(`/`)))
  name <- written_response(if (counts) code[[2L]] else code)
  if (!is.factor(values)) {
    return(name)
  }
  levels <- levels(values)
  if (length(levels) == 2L) {
    sprintf("%s = %s", name, levels[2L])
  } else {
    sprintf("%s other than %s", name, levels[1L])
  }
}

#' The name of a response on the scale of a link
linked_name <- function(name, link) {
  held <- if (grepl("^[[:alnum:]._]+$", name)) name else sprintf("(%s)", name)
  switch(link,
    identity = name,
    inverse = sprintf("1/%s", held),
    `1/mu^2` = sprintf("1/%s^2", held),
    sprintf("%s(%s)", link, name)
  )
}

#' Operation: figures of coefficients for one standard deviation of each numeric variable
#'
#' As a fit would give them to variables that are divided by their standard deviations, and not
#' centred; of a linear model the response too. Factors stay as they are coded.
#'
#' @param terms Names of coefficients.
#' @param figures Estimates, ends of intervals ...: a vector for each of them, one after the other.
standardized_figures <- function(model, terms, figures) {
  fit <- model$fit
  frame <- stats::model.frame(fit)
  family <- stats::family(fit)
  linear <- family$family == "gaussian" && family$link == "identity"
  scale <- coefficient_scales(model, frame)[terms]
  response <- if (linear) stats::sd(stats::model.response(frame)) else 1
  as.double(figures) * rep(unname(scale), length.out = length(figures)) / response
}

#' By what a coefficient is multiplied: the standard deviations of its term's numeric variables
coefficient_scales <- function(model, frame) {
  design <- stats::model.matrix(model$fit)
  pattern <- attr(stats::terms(model$fit, data = model_data(model)$frame), "factors")
  own <- function(name) if (name %in% names(frame)) name else as.character(str2lang(name))
  scales <- vapply(seq_len(ncol(design)), function(j) {
    term <- attr(design, "assign")[j]
    if (term == 0L) {
      return(1)
    }
    names <- rownames(pattern)[pattern[, term] > 0]
    variables <- lapply(names, function(name) frame[[own(name)]])
    numeric <- Filter(is.numeric, variables)
    if (length(variables) == 1L && length(numeric) == 1L) {
      return(stats::sd(design[, j]))
    }
    if (any(vapply(numeric, is.matrix, NA))) {
      stop("standardize=True: interactions with polynomials or splines have no single standard ",
        "deviation",
        call. = FALSE
      )
    }
    prod(vapply(numeric, stats::sd, 0))
  }, 0)
  stats::setNames(scales, colnames(design))
}

#' Operation: partial eta squared of F tests, with its interval
#'
#' The ends are those of the noncentrality under which the statistic is at the quantiles of the
#' noncentral F distribution (Steiger, 2004).
#'
#' @return `estimate`, `conf_low` and `conf_high`, missing where R has no test.
partial_eta_squared <- function(statistic, df1, df2, conf_level) {
  half <- (1 - conf_level) / 2
  share <- function(ncp) ncp / (ncp + df2)
  ends <- vapply(c(1 - half, half), function(probability) {
    mapply(noncentrality, statistic, df1, df2, probability)
  }, numeric(length(statistic)))
  ends <- matrix(ends, ncol = 2L)
  list(
    estimate = share(statistic * df1), conf_low = share(ends[, 1L]), conf_high = share(ends[, 2L])
  )
}

#' The noncentrality of F under which a smaller statistic than this has a probability
noncentrality <- function(statistic, df1, df2, probability) {
  if (anyNA(c(statistic, df1, df2))) {
    return(NA_real_)
  }
  below <- function(ncp) stats::pf(statistic, df1, df2, ncp) - probability
  if (below(0) <= 0) {
    return(0)
  }
  most <- max(1, statistic * df1)
  while (below(most) > 0) most <- 2 * most
  stats::uniroot(below, c(0, most), tol = .Machine$double.eps^0.5 * most)$root
}
