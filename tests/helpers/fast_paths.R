# What fast paths give beside R's ordinary way; sourced where the operations can be seen.

heard <- function(value) {
  said <- list()
  note <- function(condition) {
    said[[length(said) + 1L]] <<- list(
      conditionMessage(condition), class(condition), deparse(conditionCall(condition))
    )
    tryInvokeRestart("muffleWarning")
    tryInvokeRestart("muffleMessage")
  }
  value <- withCallingHandlers(value, warning = note, message = note)
  list(value = value, said = said)
}

# The numbers of a fit that its deviance function changes.
state_of <- function(fit) {
  pp <- fit@pp
  serialize(list(pp$theta, pp$delu, pp$delb, pp$RX(), pp$L()@x, fit@resp$mu, fit@resp$wtres), NULL)
}

# Slots without the references, which are the fit's own on both sides.
slots_of <- function(fit) {
  attributes(fit)[setdiff(names(attributes(fit)), c("pp", "resp"))]
}

satterthwaite_both_ways <- function(model) {
  before <- state_of(model$fit)
  fast <- heard(fast_lmertest(model))
  after <- state_of(model$fit)
  ordinary <- heard(within_model(model, quote(lmerTest::as_lmerModLmerTest(.fit))))
  table <- summary <- NULL
  if (length(lme4::fixef(model$fit))) {
    suppressWarnings({
      lmertest_fit(model)
      summary <- summary(with_given_call(model, ordinary$value))
    })
    table <- stats::coef(summary)
  }
  c(
    taken = fast_lmertest_applies(model$fit),
    slots = identical(slots_of(fast$value), slots_of(ordinary$value)),
    references = identical(fast$value@pp, ordinary$value@pp),
    said = identical(fast$said, ordinary$said),
    state = identical(before, after),
    table = identical(fast_satterthwaite_table(fast$value), table),
    summary = identical(fast_satterthwaite_summary(model), summary)
  )
}

summaries_both_ways <- function(model) {
  ordinary <- heard(summary(model$fit))
  again <- heard(stats::confint(model$fit, method = "Wald"))
  fast <- heard(fast_lme4_summary(model))
  intervals <- heard(confidence_intervals(model, "wald", NULL, 0.95))
  warned <- length(ordinary$said) > 0L
  c(
    summary = if (warned) is.null(fast$value) else identical(fast$value, ordinary$value),
    vcov = warned || identical(fast$value$vcov, ordinary$value$vcov),
    said = warned || length(fast$said) == 0L,
    ends = identical(intervals$value$conf_low, unname(again$value[, 1L])),
    names = identical(intervals$value$names, rownames(again$value)),
    labels = length(intervals$value$labels) == nrow(again$value)
  )
}

# A profile's splines have formulas with the environment in which each was made.
plainly <- function(profiled) {
  for (way in c("forward", "backward")) {
    attr(profiled, way) <- lapply(attr(profiled, way), function(spline) {
      if (inherits(spline, "error")) conditionMessage(spline) else `attr<-`(spline, "formula", NULL)
    })
  }
  profiled
}

# The first and the last parameter of the random effects, and the last fixed effect.
profile_both_ways <- function(model) {
  before <- state_of(model$fit)
  n <- c(length(lme4::getME(model$fit, "theta")) + 1L, length(lme4::fixef(model$fit)))
  which <- unique(c(1L, n[1L], sum(n)))
  fast <- heard(tryCatch(plainly(profiled(model, which, maxpts = 4L)), error = conditionMessage))
  after <- state_of(model$fit)
  profiled <- function(model, ...) plainly(stats::profile(model$fit, ...))
  ordinary <- heard(tryCatch(profiled(model, which, maxpts = 4L), error = conditionMessage))
  c(
    taken = fast_profile_applies(model$fit),
    points = identical(fast$value, ordinary$value),
    said = identical(fast$said, ordinary$said),
    state = identical(before, after)
  )
}

# How many copies deviances take, ordinary ones and others, and what a profile leaves behind.
copies_of_a_profile <- function(model) {
  copies <- function(values) {
    made <- 0L
    of_lme4 <- lme4_devfun2()(model$fit)
    copying <- with_one_copy(of_lme4)
    asked <- function(deviance) {
      lapply(values, function(at) {
        if (!identical(body(deviance), body(of_lme4))) {
          made <<- made + is.null(environment(deviance)$kept)
        }
        tryCatch(deviance(at), error = conditionMessage)
      })
    }
    found <- asked(copying)
    c(same = identical(found, asked(lme4_devfun2()(model$fit))), made)
  }
  start <- attr(lme4_devfun2()(model$fit), "optimum")[1:4]
  found <- c(
    copies(list(start, start * 1.1, start)),
    copies(list(start, replace(start, 4L, 0), start, start * 0, start * NA, start, start / 0, start)),
    copies(list(start, "a", start, -start, start, NULL, start * 2))
  )
  profile <- profiled(model, which = 1L)
  left <- environment(attr(attr(profile, "forward")[[1L]], "formula"))
  kept <- environment(get("dd", left))$kept
  while (!isNamespace(left)) {
    stopifnot(!"devfun2" %in% ls(left))
    left <- parent.env(left)
  }
  c(found, nothing_left = is.null(kept))
}

leverage_both_ways <- function(model) {
  fit <- model$fit
  model$leverage <- NULL
  of_lme4 <- list(stats::hatvalues, stats::cooks.distance, stats::rstudent)
  ordinary <- lapply(of_lme4, function(figure) heard(figure(fit)))
  hat <- heard(hat_values_of(model))
  again <- heard(hat_values_of(model)) # from what is kept
  fast <- list(
    hat, heard(from_hat_values(model, "cooks.distance")), heard(from_hat_values(model, "rstudent"))
  )
  told <- function(found) lapply(found$said, `[`, 1:2)
  c(
    taken = fast_leverage_applies(fit),
    values = identical(lapply(fast, `[[`, "value"), lapply(ordinary, `[[`, "value")),
    said = identical(lapply(fast, told), lapply(ordinary, told)),
    again = identical(again, hat)
  )
}

# Many groups, so that observations are solved for together, in one of several designs.
many_groups <- function(design, n_groups, size, extra) {
  with_seed(n_groups + extra, {
    n <- n_groups * size + extra
    data <- data.frame(g = factor(sample(n_groups, n, replace = TRUE)), x = round(stats::rnorm(n), 1))
    data$x[sample(n, n %/% 4L)] <- 0
    data$b <- factor(as.integer(data$g) %/% 5L)
    data$item <- factor(sample(7L, n, replace = TRUE))
    data$w <- stats::runif(n, 0.5, 2)
    data$y <- 1 + data$x + stats::rnorm(n_groups)[data$g] + stats::rnorm(7)[data$item] +
      data$x * stats::rnorm(n_groups, sd = 0.5)[data$g] + stats::rnorm(n)
    data$o <- as.integer(data$y > 1)
    data$gap <- replace(data$y, c(3L, 70L), NA)
    call <- str2lang(design)
    call$data <- quote(data)
    fit <- suppressWarnings(suppressMessages(eval(call, list(data = data), asNamespace("lme4"))))
    new_model(fit, environment(), stats::getCall(fit))
  })
}

predicts_both_ways <- function(model) {
  frame <- model$frame_env$data
  new <- frame[rev(seq_len(nrow(frame) %/% 2L)), ]
  given <- list(
    list(), list(re.form = NA), list(re.form = ~ (1 | g)), list(allow.new.levels = TRUE),
    list(random.only = TRUE)
  )
  vapply(given, function(how) {
    new$g[1L] <- if (isTRUE(how$allow.new.levels)) NA else new$g[1L]
    fast <- heard(do.call(predicted, c(list(model$fit, new), how)))
    ordinary <- heard(do.call(stats::predict, c(list(model$fit, new), how)))
    identical(fast$value, ordinary$value) &&
      identical(lapply(fast$said, `[[`, 1L), lapply(ordinary$said, `[[`, 1L))
  }, NA)
}

# With the levels of the data, with fewer, in another order, and as text.
predicts_levels_both_ways <- function(model) {
  frame <- model$frame_env$data
  new <- frame[rev(seq_len(nrow(frame) %/% 2L)), ]
  some <- new[as.integer(new$item) < 4L, ]
  turned <- transform(new, item = factor(item, rev(levels(item))))
  given <- list(
    new, some, droplevels(some), turned, transform(new, item = as.character(item)),
    transform(new, item = factor(item, levels(item), ordered = TRUE)),
    transform(new, item = replace(item, 2L, NA)), transform(new, item = factor(1, 0:3))
  )
  how <- list(list(re.form = NA), list())
  unlist(lapply(given, function(rows) vapply(how, function(more) {
    both <- lapply(list(predicted, stats::predict), function(predict) {
      found <- tryCatch(heard(do.call(predict, c(list(model$fit, rows), more))), error = conditionMessage)
      if (is.list(found)) found$said <- lapply(found$said, `[[`, 1L)
      found
    })
    identical(both[[1L]], both[[2L]])
  }, NA)))
}

simulates_both_ways <- function(model) {
  frame <- model$frame_env$data
  new <- frame[rev(seq_len(nrow(frame) %/% 2L)), ]
  more <- transform(new, g = factor(as.character(g), c(levels(g), "new")))
  more$g[1L] <- "new"
  fit <- as_omitting(model$fit)
  given <- list(
    list(nsim = 3), list(use.u = TRUE), list(re.form = NULL), list(re.form = ~ (1 | g)),
    list(newdata = new), list(newdata = more, allow.new.levels = TRUE),
    list(newparams = list(theta = lme4::getME(fit, "theta") / 2))
  )
  c(as_known("simulations"), vapply(given, function(how) {
    drawn <- lapply(list(simulate_here, stats::simulate), function(simulate) {
      with_seed(NULL, { # the generator goes on, as it does without a seed
        set.seed(7)
        found <- tryCatch(heard(do.call(simulate, c(list(fit), how))), error = conditionMessage)
        if (is.list(found)) found$said <- lapply(found$said, `[[`, 1L)
        list(found, globalenv()$.Random.seed)
      })
    })
    identical(drawn[[1L]], drawn[[2L]])
  }, NA))
}

# At several parameters, forth and back; the fit stays as it was.
deviance_both_ways <- function(model) {
  fit <- model$fit
  before <- state_of(fit)
  designs_of <- function(pp) list(pp$X + 0, pp$V + 0, pp$Zt@x + 0, pp$Ut@x + 0, pp$Xwts + 0)
  designs <- designs_of(fit@pp)
  start <- lme4::getME(fit, if ("par" %in% part_names()) "par" else "theta")
  points <- lapply(c(1, 0.3, 2, 0, 1), function(times) unname(start) * times)
  at <- function(devfun) vapply(points, devfun, 0)
  fast <- at(isolated_deviance(fit))
  c(
    taken = as_known("deviance functions"),
    same = identical(fast, at(lme4::getME(isolated_fit(fit), "devfun"))),
    state = identical(before, state_of(fit)),
    designs = identical(designs, designs_of(fit@pp))
  )
}

modes_both_ways <- function(model) {
  c(
    taken = fast_variances_apply(model$fit),
    same = identical(modes_of(model$fit), lme4::ranef(model$fit, condVar = TRUE))
  )
}

solves_together <- function(model) {
  parts <- lme4::getME(model$fit, c("Lambdat", "Zt"))
  !is.null(columns_together(parts$Lambdat %*% parts$Zt))
}

# A function of a package with other code that does the same, until it is put back.
alter <- function(package, name) {
  namespace <- asNamespace(package)
  original <- get(name, namespace)
  put <- function(code) {
    # Not assignInNamespace(), which looks for the generics of methods in vain here.
    unlockBinding(name, namespace)
    assign(name, code, namespace)
    lockBinding(name, namespace)
    rm(list = ls(fences), envir = fences)
    NULL
  }
  altered <- original
  body(altered) <- call("{", body(original))
  put(altered)
  list2env(list(put_back = function() put(original)))
}

put_back <- function(altered) altered$put_back()

fast_leverage_taken <- function(model) fast_leverage_applies(model$fit)

fast_profile_taken <- function(model) fast_profile_applies(model$fit)

fast_lmertest_taken <- function(model) fast_lmertest_applies(model$fit)

marked_functions <- function() {
  lapply(fast_paths, names)
}

# All that a reference object holds, by field.
fields_of <- function(object) {
  fields <- setdiff(names(object$.refClassDef@fieldClasses), "Ptr")
  mget(fields, envir = as.environment(object))
}

fit_both_ways <- function(model) {
  call <- model$call
  call[[1L]] <- quote(.fitter)
  # Of one formula's environment, in which its call is evaluated.
  holder <- new.env(parent = model$frame_env)
  again <- function(fitter) {
    holder$.fitter <- fitter
    heard(eval(call, holder))
  }
  fast <- again(fast_lmer())
  ordinary <- again(lme4::lmer)
  c(
    taken = as_known("fits"),
    slots = identical(slots_of(fast$value), slots_of(ordinary$value)),
    predictor = identical(fields_of(fast$value@pp), fields_of(ordinary$value@pp)),
    response = identical(fields_of(fast$value@resp), fields_of(ordinary$value@resp)),
    factors = identical(fast$value@pp$L(), ordinary$value@pp$L()),
    said = identical(fast$said, ordinary$said)
  )
}

#' The package that builds the random effects' design
home_of_designs <- function() unname(getNamespaceName(design_home()))

is_compiled <- function(f) typeof(.Internal(bodyCode(f))) == "bytecode"

# Functions of ours that R has compiled in this process.
compiled_here <- function() {
  found <- mget(ls(environment(with_functions)), environment(with_functions), mode = "function",
    ifnotfound = list(NULL)
  )
  names(Filter(function(f) !is.null(f) && is_compiled(f), found))
}

# Does a compiled function find each of the others that stand in for what it calls?
finds_others <- function() {
  names <- c(
    "eval", "t", "dimnames<-", "data.frame", "rbind", "solve", "vcov", "rnorm", "::", ".Call",
    "nloptr", "sparseMatrix"
  )
  vapply(names, function(name) {
    caller <- if (name == "dimnames<-") {
      function(x) {
        dimnames(x) <- NULL
        x
      }
    } else if (name == "::") {
      function(x) stats::nobs
    } else {
      as.function(list(x = NULL, call(name, quote(x))))
    }
    caller <- compiler::cmpfun(caller)
    stopifnot(is_compiled(caller))
    other <- with_functions(caller, structure(list(function(...) "mine"), names = name))
    identical(other(1), "mine") && is_compiled(other) != (name == ".Call")
  }, NA)
}

fast_functions_compiled <- function() {
  made <- mget(c("lmer", "lformula"), fast)
  vapply(made, is_compiled, NA)
}

# The compiler's level in an operation; before another one, of a user who has set it; within what
# that does many times; after it; and after one that fails.
levels_of_compiler <- function(user) {
  within <- compiler::enableJIT(as.integer(user))
  level_of_user <- jit$level
  jit$level <- NULL # as if no operation ran
  on.exit({
    compiler::enableJIT(within)
    jit$level <- level_of_user
  })
  level <- function() compiler::enableJIT(-1L)
  perform <- function(operation) perform_operation("do.call", list(what = operation, args = list()),
    environment(with_functions), new.env())$value
  before <- level()
  many <- perform(function() compiled(level()))
  after <- level()
  perform(function() compiled(stop("so")))
  c(within, before, many, after, level())
}

adjusted_both_ways <- function(model) {
  fast <- heard(adjusted_covariance(model))
  ordinary <- heard(within_model(model, quote(pbkrtest::vcovAdj(.fit))))
  # In the same places, in others, and with what is not a number.
  one <- Matrix::sparseMatrix(c(1, 3, 2), c(1, 1, 3), x = c(0.1, -0.2, 1 / 3))
  odd <- one
  odd@x <- c(NA, Inf, 0)
  products <- vapply(list(one, odd, Matrix::t(one), 2), function(other) {
    identical(heard(product_in_place(one, other)), heard(one * other))
  }, NA)
  c(
    taken = as_known("Kenward-Roger's covariance"), same = identical(fast, ordinary),
    products = all(products)
  )
}
