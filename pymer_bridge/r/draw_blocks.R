# Draws in blocks: where all would not fit into memory, each block is made again when it is asked
# for. The order of the generator's numbers stays that of R, which draws all at once.

#' A function that gives some of the draws by their numbers
#'
#' The generator is left where drawing all at once leaves it.
#'
#' @param draw A function of a number that makes so many draws.
#' @param drawer_for A function of their number in all, which gives a drawer; see
#'   `drawer_in_turn()`.
#' @param n_sim,at_once How many in all, and in a block.
blocked_draws <- function(draw, drawer_for, n_sim, at_once) {
  stop_where_blocks_differ(draw, drawer_for)
  drawer <- drawer_for(n_sim)
  starts <- seq(1, n_sim, by = at_once)
  sizes <- pmin(at_once, n_sim + 1 - starts)
  states <- lapply(sizes, function(size) {
    state <- drawer$state()
    suppressWarnings(drawer$draw(size)) # R has warned already
    state
  })
  current <- 0
  held <- NULL
  block <- function(number) {
    if (number != current) {
      after <- globalenv()$.Random.seed
      on.exit(put_seed(after))
      held <<- NULL # so that there are never two of them
      current <<- 0
      drawer$return_to(states[[number]])
      held <<- suppressWarnings(drawer$draw(sizes[number]))
      current <<- number
    }
    held
  }
  function(first, last) {
    numbers <- seq(first, last)
    blocks <- (numbers - 1) %/% at_once + 1
    unlist(lapply(unique(blocks), function(number) {
      block(number)[numbers[blocks == number] - starts[number] + 1]
    }), recursive = FALSE)
  }
}

#' Stop unless three draws at once are the same as two and one
stop_where_blocks_differ <- function(draw, drawer_for) {
  start <- globalenv()$.Random.seed
  whole <- draw(3L)
  put_seed(start)
  drawer <- drawer_for(3L)
  parts <- suppressWarnings(c(drawer$draw(2L), drawer$draw(1L)))
  put_seed(start)
  if (!identical(unname(whole), unname(parts))) {
    stop("R draws for this model in another order than in blocks: make fewer replicates in a run, ",
      "in several runs with other seeds",
      call. = FALSE
    )
  }
}

#' A drawer whose draws follow each other in the generator's order
#'
#' @return A list of functions: `draw(n)`; `state()`, and `return_to(state)`.
drawer_in_turn <- function(draw) {
  list(draw = draw, state = function() globalenv()$.Random.seed, return_to = put_seed)
}

#' A drawer of responses as simulate() draws them: first the random effects of all, then the rest
#'
#' @param simulated A function of lme4's function and a number, which makes so many responses.
#' @param n_sim How many there are in all.
drawer_of_responses <- function(simulated, n_sim) {
  effects <- globalenv()$.Random.seed
  n_effects <- 0
  simulate <- with_functions(asNamespace("lme4")$.simulateFun, list(rnorm = function(n, ...) {
    if (!is_first) {
      return(stats::rnorm(n, ...))
    }
    is_first <<- FALSE
    n_effects <<- n
    rest <- globalenv()$.Random.seed
    put_seed(effects)
    values <- stats::rnorm(n, ...)
    effects <<- globalenv()$.Random.seed
    put_seed(rest)
    values
  }))
  is_first <- TRUE
  draw <- function(n) {
    is_first <<- TRUE
    simulated(simulate, n)
  }
  # How many there are for one response; then where the rest begins.
  start <- effects
  suppressWarnings(draw(1L))
  put_seed(start)
  left <- n_effects * as.double(n_sim)
  while (left > 0) {
    stats::rnorm(min(left, 1e6))
    left <- left - min(left, 1e6)
  }
  effects <- start
  list(
    draw = draw,
    state = function() list(effects = effects, rest = globalenv()$.Random.seed),
    return_to = function(state) {
      effects <<- state$effects
      put_seed(state$rest)
    }
  )
}
