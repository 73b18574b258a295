# Reading ages of children in schools, written out by hand in plain R.

childread <- function(seed) {
  set.seed(seed)
  u <- rnorm(20)
  v <- rnorm(20)
  intercepts <- 1.75 + 1.5 * u
  slopes <- 1.15 + 0.9 * (0.5 * u + sqrt(0.75) * v)
  school <- c(rep(1:20, each = 5), sample(1:20, 32, replace = TRUE))
  hours <- round(pmin(pmax(rnorm(132, mean = 4.1, sd = 0.95), 1), 7), 2)
  age <- round(intercepts[school] + slopes[school] * hours + rnorm(132, sd = 2.1), 1)
  order <- sample(132)
  data.frame(school = school[order], hours = hours[order], age = age[order])
}
