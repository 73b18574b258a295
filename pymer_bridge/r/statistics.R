# Statistics of replicates: their names, and how they are computed from a fit.

#' Statistics that need only the estimates, not a fit
parameter_statistics <- c("fixed_effects", "variance_components", "parameters")

#' Operation: the names of a statistic, and its value for the fit itself
#'
#' @param plan A list: `statistic`, and for some `new_data`, `re_form`, `code`.
#' @return `names`, `labels`, `effect`, `group`, `term` and `observed`.
describe_statistic <- function(model, plan) {
  observed <- statistic_of(model, plan)(model$fit)
  if (!is.numeric(observed)) {
    stop("the statistic must be a numeric vector, not of class ",
      paste(class(observed), collapse = "/"),
      call. = FALSE
    )
  }
  names <- names(observed)
  n <- length(observed)
  if (n == 0L) {
    stop("the statistic has no values",
      if (identical(plan$statistic, "fixed_effects")) ": the model has no fixed effects",
      call. = FALSE
    )
  }
  # bootMer() leaves them without names, too.
  if (is.null(names)) names <- if (n == 1L) "statistic" else paste0("statistic", seq_len(n))
  c(list(names = names, observed = as.double(observed)), statistic_keys(model, plan, names))
}

#' The groups in labels such as "sd_(Intercept)|school", of which a name may hold a bar, too
groups_of_labels <- function(labels, groups) {
  vapply(labels, function(label) {
    found <- groups[!is.na(label) & endsWith(label, paste0("|", groups))]
    if (length(found) == 0L) sub("^.*\\|", "", label) else found[which.max(nchar(found))]
  }, "", USE.NAMES = FALSE)
}

#' Effect, group, term and readable label of each statistic
statistic_keys <- function(model, plan, names) {
  if (inherits(model$fit, "lm")) return(linear_keys(plan, names))
  n <- length(names)
  if (plan$statistic %in% parameter_statistics) {
    known <- parameter_names_of(model$fit)
    labels <- known$labels[match(names, known$names)]
    fixed <- names %in% names(lme4::fixef(model$fit))
    groups <- groups_of_labels(labels, names(lme4::getME(model$fit, "cnms")))
    terms <- substr(labels, 1L, nchar(labels) - nchar(groups) - 1L)
    return(list(
      labels = labels, effect = ifelse(fixed, "fixed", "ran_pars"),
      group = ifelse(fixed, NA_character_, ifelse(names == ".sigma", "Residual", groups)),
      term = ifelse(fixed, names, ifelse(names == ".sigma", "sd__Observation",
        sub("^(sd|cor)_", "\\1__", terms)
      ))
    ))
  }
  if (plan$statistic == "random_effects") {
    # In the order of random_effect_values(); a level may hold whatever would part them.
    tables <- lme4::ranef(model$fit, condVar = FALSE)
    of_tables <- function(of) as.character(unlist(Map(of, tables, names(tables)), use.names = FALSE))
    return(list(
      labels = gsub("\t", "|", names), effect = rep("ran_vals", n),
      group = of_tables(function(table, group) rep(group, length(as.matrix(table)))),
      term = of_tables(function(table, group) rep(names(table), each = nrow(table))),
      level = of_tables(function(table, group) rep(rownames(table), length(table)))
    ))
  }
  effect <- if (plan$statistic == "predictions") "prediction" else "statistic"
  list(labels = names, effect = rep(effect, n), group = rep(NA_character_, n), term = names)
}

#' A function of a fit that gives the statistic
statistic_of <- function(model, plan) {
  if (inherits(model$fit, "lm")) return(linear_statistic(model, plan))
  switch(plan$statistic,
    fixed_effects = ,
    variance_components = ,
    parameters = {
      choose <- parameter_chooser(model$fit, plan$statistic)
      function(fit) {
        choose(estimates_of(fit), colnames(lme4::getME(fit, "X")), lme4::getME(fit, "cnms"))
      }
    },
    random_effects = random_effect_values,
    shares = replicate_shares,
    observations = observation_parts(model, plan),
    predictions = {
      new_data <- if (!is.null(plan$new_data)) frame_from_parts(plan$new_data)
      form <- random_part(model, plan$re_form)
      if (is.null(new_data) && inherits(form, "formula")) stop_if_rows_slip(model)
      allow <- isTRUE(plan$allow_new_levels)
      if (!is.null(new_data) && loses_variables(model$fit)) {
        stop("predict() of lme4 loses variables such as I(`a b`^2) at new data: rename the column, ",
          "or compute it in Python before the fit",
          call. = FALSE
        )
      }
      function(fit) {
        at_predictable_rows(model, new_data, form, allow, "estimate", function(rows) {
          list(estimate = stats::predict(fit,
            newdata = rows, re.form = form, allow.new.levels = allow
          ))
        })$estimate
      }
    },
    code = function_of_text(plan$code),
    python = identity,
    stop("unknown statistic: ", plan$statistic)
  )
}

#' The function of a fit that a text gives; it is checked already
#'
#' A local variable that has no value yet is missing, also where R has a function of its
#' name: so no variable ever holds a function.
function_of_text <- function(text) {
  holder <- new.env(parent = fill_toolbox())
  for (name in describe_function(text)$assigned) {
    local({
      said <- paste0("object '", name, "' not found")
      delayedAssign(name, stop(said, call. = FALSE), assign.env = holder)
    })
  }
  eval(str2lang(text), holder)
}

#' A function that selects parameters from estimates, under R's names
#'
#' @param fit The fit whose parameters they are.
#' @return A function of estimates and, if they come from another design, of its columns
#'   and the terms of its groups.
parameter_chooser <- function(fit, which) {
  own_columns <- colnames(lme4::getME(fit, "X"))
  fixed_names <- names(lme4::fixef(fit))
  variance_names <- setdiff(parameter_names_of(fit)$names, fixed_names)
  own_groups <- lme4::getME(fit, "cnms")
  names <- c(
    if (which != "fixed_effects") variance_names, if (which != "variance_components") fixed_names
  )
  variances_of <- variance_reader(fit)
  own_places <- match(fixed_names, own_columns)
  function(estimates, columns = NULL, groups = own_groups) {
    values <- NULL
    if (which != "fixed_effects") {
      if (!identical(groups, own_groups)) {
        stop("the random effects are in another order than in the model", call. = FALSE)
      }
      values <- variances_of(estimates)
    }
    if (which != "variance_components") {
      # A column that a replicate cannot estimate is missing from it.
      places <- if (is.null(columns)) own_places else match(fixed_names, columns)
      values <- c(values, estimates$beta[places])
    }
    names(values) <- names
    values
  }
}

#' Conditional modes, named by group, level and term
random_effect_values <- function(fit) {
  tables <- lme4::ranef(fit, condVar = FALSE)
  unlist(unname(Map(function(table, group) {
    values <- as.matrix(table)
    stats::setNames(as.vector(values), paste(
      group, rownames(values)[row(values)], colnames(values)[col(values)],
      sep = "\t"
    ))
  }, tables, names(tables))))
}
