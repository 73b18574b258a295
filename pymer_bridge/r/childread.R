# Data for learning, drawn for each seed.

#' Operation: draw children's reading ages, in schools
#'
#' Schools differ in where their children start and in what an hour of reading a week brings;
#' both go together (correlation 0.5).
#'
#' @param seed An integer for set.seed(). Afterwards the generator's state is restored.
#' @return 132 children in 20 schools, as `frame_to_parts()` gives a data frame.
simulate_childread <- function(seed) with_seed(seed, draw_childread())

draw_childread <- function() {
  n_schools <- 20L
  n_children <- 132L
  first <- stats::rnorm(n_schools)
  second <- stats::rnorm(n_schools)
  start <- 1.75 + 1.5 * first
  slope <- 1.15 + 0.9 * (0.5 * first + sqrt(0.75) * second)
  # Every school has five children; the others go where they like.
  school <- c(
    rep(seq_len(n_schools), each = 5L),
    sample.int(n_schools, n_children - 5L * n_schools, replace = TRUE)
  )
  hrs_week <- round(pmin(pmax(stats::rnorm(n_children, 4.1, 0.95), 1), 7), 2)
  noise <- stats::rnorm(n_children, 0, 2.1)
  reading_age <- round(start[school] + slope[school] * hrs_week + noise, 1)
  rows <- sample.int(n_children)
  frame_to_parts(data.frame(
    child = paste0("child_", seq_len(n_children)),
    school = paste0("school_", school[rows]),
    hrs_week = hrs_week[rows],
    reading_age = reading_age[rows],
    stringsAsFactors = FALSE
  ))
}
