# Estimated marginal means and trends, by emmeans.

#' R's summary of a grid, with tests and intervals
#'
#' Where the model has a link and the response is itself a call, as in `factor(y)`, emmeans takes
#' the call for a second transformation. If it does not know it, it has tests on the scale of the
#' link alone, and stops where they are asked for beside response values. Versions before 1.9 also
#' stop where a bias is to be adjusted of contrasts, which have no sigma; later ones skip that.
#'
#' @param how A named list of arguments of summary().
#' @return A list of `table`; `tests`, the table that has them; and `facts` for scripts.
summary_of_grid <- function(grid, how, seed) {
  misc <- methods::slot(grid, "misc")
  ask <- function(...) with_seed(seed, do.call(summary, c(list(grid), how, list(...))))
  tryCatch(
    {
      table <- ask(infer = TRUE)
      list(table = table, tests = table)
    },
    error = function(condition) {
      said <- conditionMessage(condition)
      if (isTRUE(misc$bias.adjust) && is.null(how$bias.adjust) && grepl("'sigma'", said, fixed = TRUE)) {
        warning("Bias adjustment skipped: contrasts have no sigma", call. = FALSE)
        found <- summary_of_grid(grid, c(how, list(bias.adjust = FALSE)), seed)
        found$facts <- c(found$facts, "unadjusted")
        found
      } else if (!is.null(misc$tran2)) {
        list(
          table = ask(infer = c(TRUE, FALSE)), tests = ask(infer = c(FALSE, TRUE), type = "unlink"),
          facts = "apart"
        )
      } else {
        stop(condition)
      }
    }
  )
}

#' The predictors of a summary, and their values row by row
keys_of <- function(table) {
  keys <- intersect(c(attr(table, "pri.vars"), attr(table, "by.vars")), names(table))
  as_text <- function(values) if (is.numeric(values)) as.double(values) else as.character(values)
  list(key_names = keys, keys = unname(lapply(keys, function(key) as_text(table[[key]]))))
}

#' A summary of an emmeans grid as lists of columns
#'
#' @param grid What emmeans returned.
#' @param conf_level The level of the intervals.
#' @param adjust How tests and intervals are adjusted; NULL for what the grid has.
#' @param tested FALSE for effect sizes, which are not tested.
describe_grid <- function(grid, conf_level, adjust, seed, tested = TRUE) {
  how <- c(list(level = conf_level), if (!is.null(adjust)) list(adjust = adjust))
  found <- if (tested) {
    summary_of_grid(grid, how, seed)
  } else {
    list(table = do.call(summary, c(list(grid), how)))
  }
  table <- found$table
  estimate <- attr(table, "estName")
  keys <- keys_of(table)
  c(keys, list(
    n_by = sum(keys$key_names %in% attr(table, "by.vars")),
    estimate_name = estimate, estimate = as.double(table[[estimate]]),
    std_error = column(table, "SE"), df = column(table, "df"),
    conf_low = column(table, "lower.CL", "asymp.LCL"),
    conf_high = column(table, "upper.CL", "asymp.UCL"),
    statistic = if (tested) column(found$tests, "t.ratio", "z.ratio"),
    p_value = if (tested) column(found$tests, "p.value"),
    notes = unique(as.character(c(attr(table, "mesg"), attr(found$tests, "mesg")))),
    text = printed(table), facts = found$facts,
    adjust = if (is.null(adjust)) methods::slot(grid, "misc")$adjust else adjust
  ))
}

#' Evaluate, and name our argument where emmeans names one that cannot be given here
with_our_words <- function(value) {
  withCallingHandlers(value, message = function(condition) {
    said <- conditionMessage(condition)
    pattern <- "(?s)add the argument '(pbkrtest|lmerTest)\\.limit = .*larger\\]"
    found <- regmatches(said, regexec(pattern, said, perl = TRUE))[[1L]]
    if (length(found) > 0L) {
      ddf <- if (found[2L] == "pbkrtest") "kenward-roger" else "satterthwaite"
      message(sub(found[1L], paste0("give ddf=\"", ddf, "\""), said, fixed = TRUE), appendLF = FALSE)
      invokeRestart("muffleMessage")
    }
  })
}

#' Evaluate emmeans() or emtrends()
#'
#' @param head The function.
#' @param specs,by Names of predictors.
#' @param at A named list of values.
#' @param ddf "satterthwaite", "kenward-roger" or "asymptotic"; "none" where emmeans
#'   takes R's own.
#' @param limit The number of observations where it is above emmeans' limit, and the degrees of
#'   freedom are asked for all the same; else NULL.
#' @param further A named list of arguments.
grid_of <- function(model, head, specs, by, at, ddf, limit, further) {
  # Of a text emtrends() does not see that it has "degree", and takes it for a predictor of by.
  if (!is.null(further$max.degree) && "degree" %in% specs) {
    specs <- stats::as.formula(call("~", Reduce(function(a, b) call("+", a, b), lapply(specs, as.name))))
  }
  arguments <- list(quote(.fit), specs = specs)
  if (!is.null(by)) arguments$by <- by
  if (length(at) > 0L) arguments$at <- at
  if (ddf != "none") arguments$lmer.df <- ddf
  if (!is.null(limit)) {
    arguments[[if (ddf == "kenward-roger") "pbkrtest.limit" else "lmerTest.limit"]] <- limit
  }
  if (ddf == "kenward-roger" && !lme4::isREML(model$fit)) {
    # emmeans lets pbkrtest refit, without a message.
    message("Kenward and Roger's method refits the model by REML")
  }
  # Of lme4's own fit emmeans has lmerTest's made again for every mean.
  fit <- if (ddf == "satterthwaite") lmertest_fit(model) else model$fit
  with_our_words(within_model(model, as.call(c(head, arguments, further)), fit))
}

#' Operation: estimated marginal means
#'
#' @param type,weights,offset,bias_adjust,sigma As emmeans takes them; NULL for its defaults.
marginal_means <- function(model, specs, by, at, ddf, limit, type, weights, offset, bias_adjust,
                           sigma, conf_level, adjust, seed) {
  further <- list(type = type, weights = weights, offset = offset, sigma = sigma)
  if (bias_adjust) further$bias.adjust <- TRUE
  further <- Filter(Negate(is.null), further)
  grid <- grid_of(model, quote(emmeans::emmeans), specs, by, at, ddf, limit, further)
  list(
    grid = grid, table = describe_grid(grid, conf_level, adjust, seed), axis = response_axis(model)
  )
}

#' Operation: estimated marginal slopes of one predictor
#'
#' @param trend_of The predictor of the slope.
#' @param max_degree The highest power of it whose coefficient is given.
marginal_trends <- function(model, specs, trend_of, by, at, ddf, limit, max_degree, weights,
                            conf_level, adjust, seed) {
  further <- list(var = trend_of, weights = weights)
  if (max_degree > 1L) further$max.degree <- max_degree
  further <- Filter(Negate(is.null), further)
  grid <- grid_of(model, quote(emmeans::emtrends), specs, by, at, ddf, limit, further)
  list(grid = grid, table = describe_grid(grid, conf_level, adjust, seed))
}

#' Operation: contrasts of marginal means
#'
#' @param grid What `marginal_means()` or `marginal_trends()` kept.
#' @param method The name of a family of contrasts, or a named list of weights.
#' @param interaction Names of families, one for each factor or with their names; or NULL.
#' @param by Names of predictors; NULL to keep those of the grid, "" for none.
#' @param ref,reverse Arguments of the family, or NULL.
contrast_means <- function(grid, method, interaction, by, ref, reverse, conf_level, adjust, seed) {
  arguments <- list(grid, method = method)
  if (!is.null(interaction)) arguments$interaction <- unlist(interaction)
  if (!is.null(by)) arguments["by"] <- list(by[nzchar(by)])
  further <- Filter(Negate(is.null), list(adjust = adjust, ref = ref, reverse = reverse))
  contrasted <- do.call(emmeans::contrast, c(arguments, further))
  list(grid = contrasted, table = describe_grid(contrasted, conf_level, adjust, seed))
}

#' Operation: tests of marginal means
#'
#' @param null,delta On the scale of the linear predictor.
#' @param side See emmeans' help of summary.
#' @param type NULL, or "unlink" where R has tests on the scale of the link alone.
#' @param unadjusted Is the grid one of contrasts, of which no bias can be adjusted?
test_means <- function(grid, null, side, delta, adjust, type, unadjusted, seed) {
  arguments <- list(grid, null = null, side = side, delta = delta, adjust = adjust)
  if (unadjusted) arguments$bias.adjust <- FALSE
  if (!is.null(type)) arguments$type <- type
  table <- with_seed(seed, do.call(emmeans::test, arguments))
  estimate <- attr(table, "estName")
  null_value <- column(table, "null")
  c(keys_of(table), list(
    estimate_name = estimate, estimate = as.double(table[[estimate]]),
    std_error = column(table, "SE"), df = column(table, "df"),
    null = if (is.null(null_value)) rep(0, nrow(table)) else null_value,
    statistic = column(table, "t.ratio", "z.ratio"), p_value = column(table, "p.value"),
    notes = as.character(attr(table, "mesg")), text = printed(table)
  ))
}

#' Operation: joint tests of the terms that marginal means show
#'
#' @param by Names of predictors within whose levels the others are tested, or NULL.
joint_tests_of <- function(grid, by) {
  table <- emmeans::joint_tests(grid, by = by)
  as_text <- function(values) if (is.numeric(values)) as.double(values) else as.character(values)
  list(
    terms = as.character(table[["model term"]]), key_names = by,
    keys = unname(lapply(by, function(key) as_text(table[[key]]))),
    df1 = column(table, "df1"), df2 = column(table, "df2"), statistic = column(table, "F.ratio"),
    p_value = column(table, "p.value"), notes = as.character(attr(table, "mesg")),
    text = printed(table)
  )
}

#' Operation: effect sizes, differences in units of a standard deviation
#'
#' @param sigma,edf The standard deviation, and its degrees of freedom.
#' @param method As for `contrast_means()`.
effect_sizes_of <- function(grid, sigma, edf, method, conf_level) {
  sizes <- emmeans::eff_size(grid, sigma = sigma, edf = edf, method = method)
  list(grid = sizes, table = describe_grid(sizes, conf_level, NULL, NULL, tested = FALSE))
}

#' Operation: the names in a formula of means, as in `~ a | b`
#'
#' Nothing in it is run.
means_formula <- function(text) {
  formula <- str2lang(text)
  right <- formula[[length(formula)]]
  by <- NULL
  if (is.call(right) && identical(right[[1L]], quote(`|`))) {
    by <- names_in(right[[3L]])
    right <- right[[2L]]
  }
  list(left = if (length(formula) == 3L) deparse1(formula[[2L]]), specs = names_in(right), by = by)
}

#' The names that are joined in an expression
names_in <- function(expression) {
  if (is.name(expression)) {
    return(as.character(expression))
  }
  if (identical(expression, 1)) {
    return("1")
  }
  joins <- c("+", "*", ":", "(")
  if (!is.call(expression) || !as.character(expression[[1L]])[1L] %in% joins) {
    stop("names are joined by +, * or :, and this is ", call_text(expression), call. = FALSE)
  }
  unique(unlist(lapply(as.list(expression)[-1L], names_in)))
}
