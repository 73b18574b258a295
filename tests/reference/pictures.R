# What pictures show, as an R user would compute it. Plain R: nothing here knows of pymer_bridge.

suppressMessages(library(lme4))

slopes <- lmer(Reaction ~ Days + (Days | Subject), sleepstudy)

#' Intercept and slope of each subject's own lm(), and of all together
own_lines <- function() {
  own <- lapply(levels(sleepstudy$Subject), function(one) {
    coef(lm(Reaction ~ Days, sleepstudy, subset = Subject == one))
  })
  list(own = unname(unlist(own)), all = unname(coef(lm(Reaction ~ Days, sleepstudy))))
}

#' The same with weights and an offset
weighted_lines <- function() {
  own <- lapply(levels(sleepstudy$Subject), function(one) {
    coef(lm(Reaction ~ Days, sleepstudy,
      subset = Subject == one, weights = 1 / (1 + Days), offset = 2 * Days
    ))
  })
  all <- lm(Reaction ~ Days, sleepstudy, weights = 1 / (1 + Days), offset = 2 * Days)
  list(own = unname(unlist(own)), all = unname(coef(all)))
}

conditional_ends <- function(level) {
  modes <- ranef(slopes, condVar = TRUE)$Subject
  half <- qnorm((1 + level) / 2) *
    cbind(sqrt(attr(modes, "postVar")[1, 1, ]), sqrt(attr(modes, "postVar")[2, 2, ]))
  list(low = as.vector(as.matrix(modes) - half), high = as.vector(as.matrix(modes) + half))
}

residual_smooth <- function() lowess(fitted(slopes), residuals(slopes))

#' qqnorm()'s points, and slope and intercept of the line that qqline() draws
residual_quantiles <- function() {
  values <- unname(residuals(slopes, scaled = TRUE))
  y <- quantile(values, c(0.25, 0.75), names = FALSE)
  x <- qnorm(c(0.25, 0.75))
  slope <- diff(y) / diff(x)
  n <- length(values)
  # The envelope of Myllymaki et al. (2017) of normal samples, each standardized by its own line.
  places <- unique(round(seq(1, n, length.out = min(n, 200))))
  curves <- with_generator(1, sapply(1:499, function(i) {
    z <- rnorm(n)
    own <- diff(quantile(z, c(0.25, 0.75), names = FALSE)) / diff(x)
    (sort(z)[places] - (quantile(z, 0.25, names = FALSE) - own * x[1L])) / own
  }))
  centre <- rowMeans(curves)
  up <- apply(curves, 1, quantile, 0.975, names = FALSE) - centre
  down <- centre - apply(curves, 1, quantile, 0.025, names = FALSE)
  furthest <- apply(curves, 2, function(one) max((one - centre) / up, (centre - one) / down))
  factor <- sort(furthest)[ceiling(0.95 * 500)]
  intercept <- y[1L] - slope * x[1L]
  list(
    theoretical = qqnorm(values, plot.it = FALSE)$x, line = c(intercept, slope),
    at = qnorm(ppoints(n))[places],
    low = intercept + slope * (centre - factor * down),
    high = intercept + slope * (centre + factor * up)
  )
}

#' The same band for many values: Renyi's representation of sorted uniform numbers by gamma variates
many_quantiles <- function(values) {
  n <- length(values)
  x <- qnorm(c(0.25, 0.75))
  places <- unique(round(seq(1, n, length.out = 200)))
  around <- 1 + (n - 1) * c(0.25, 0.75)
  known <- sort(unique(c(places, floor(around), ceiling(around))))
  curves <- with_generator(1, replicate(499, {
    gaps <- rgamma(length(known) + 1L, c(known, n + 1) - c(0, known))
    z <- rep(NA, n)
    z[known] <- qnorm(cumsum(gaps)[seq_along(known)] / sum(gaps))
    part <- around - floor(around)
    y <- (1 - part) * z[floor(around)] + part * z[ceiling(around)]
    own <- diff(y) / diff(x)
    (z[places] - (y[1L] - own * x[1L])) / own
  }))
  centre <- rowMeans(curves)
  up <- apply(curves, 1, quantile, 0.975, names = FALSE) - centre
  down <- centre - apply(curves, 1, quantile, 0.025, names = FALSE)
  furthest <- apply(curves, 2, function(one) max((one - centre) / up, (centre - one) / down))
  factor <- sort(furthest)[ceiling(0.95 * 500)]
  line <- quantile(values, c(0.25, 0.75), names = FALSE)
  slope <- diff(line) / diff(x)
  intercept <- line[1L] - slope * x[1L]
  list(
    low = intercept + slope * (centre - factor * down),
    high = intercept + slope * (centre + factor * up)
  )
}

#' How often the band of many values holds all of a normal sample
held_by_band <- function(values, low, high) {
  n <- length(values)
  places <- unique(round(seq(1, n, length.out = 200)))
  line <- function(z) {
    y <- quantile(z, c(0.25, 0.75), names = FALSE)
    own <- diff(y) / diff(qnorm(c(0.25, 0.75)))
    c(y[1L] - own * qnorm(0.25), own)
  }
  given <- line(values)
  low <- (low - given[1L]) / given[2L]
  high <- (high - given[1L]) / given[2L]
  mean(with_generator(7, replicate(400, {
    z <- rnorm(n)
    own <- line(z)
    shown <- (sort(z)[places] - own[1L]) / own[2L]
    all(shown >= low & shown <= high)
  })))
}

#' Evaluate after set.seed(), and leave the generator as it was
with_generator <- function(seed, value) {
  before <- .GlobalEnv$.Random.seed
  on.exit(if (is.null(before)) rm(.Random.seed, envir = .GlobalEnv) else .GlobalEnv$.Random.seed <- before)
  set.seed(seed)
  value
}

residual_boxes <- function() {
  drawn <- boxplot(residuals(slopes) ~ sleepstudy$Subject, plot = FALSE)
  list(levels = drawn$names, figures = as.vector(drawn$stats), outside = drawn$out)
}

slopes_ml <- lmer(Reaction ~ Days + (Days | Subject), sleepstudy, REML = FALSE)
delayedAssign("profiled", profile(slopes_ml))
levels_of_lme4 <- c(50, 80, 90, 95, 99) / 100

#' The curves that xyplot() of a profile draws, and the ends of its intervals
zeta_splines <- function() {
  cuts <- sqrt(qchisq(levels_of_lme4, 1))
  Map(function(forward, backward) {
    curve <- predict(forward)
    list(x = curve$x, y = curve$y, at = predict(backward, c(-rev(cuts), cuts))$y)
  }, attr(profiled, "forward"), attr(profiled, "backward"))
}

#' The outlines that splom() of a profile draws for one pair, by lme4's own cont()
sigma_and_days <- function() {
  forward <- attr(profiled, "forward")
  backward <- attr(profiled, "backward")
  zeta_of <- function(held, name) {
    own <- profiled[profiled$.par == held, ]
    predict(forward[[name]], own[[name]])$y
  }
  sij <- splines::interpSpline(zeta_of(".sigma", ".sigma"), zeta_of(".sigma", "Days"))
  sji <- splines::interpSpline(zeta_of("Days", "Days"), zeta_of("Days", ".sigma"))
  points <- lme4:::cont(sij, sji, sqrt(qchisq(levels_of_lme4, 2)))$pts
  list(
    outlines = as.vector(points),
    natural = c(
      predict(backward$.sigma, as.vector(points[, , 1L]))$y,
      predict(backward$Days, as.vector(points[, , 2L]))$y
    )
  )
}
