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
  c(
    taken = fast_lmertest_applies(model$fit),
    slots = identical(slots_of(fast$value), slots_of(ordinary$value)),
    references = identical(fast$value@pp, ordinary$value@pp),
    said = identical(fast$said, ordinary$said),
    state = identical(before, after),
    table = identical(
      fast_satterthwaite_table(fast$value),
      if (length(lme4::fixef(model$fit))) stats::coef(suppressWarnings(summary(ordinary$value)))
    )
  )
}

# A function of a package with other code that does the same, until it is put back.
alter <- function(package, name) {
  original <- get(name, asNamespace(package))
  altered <- original
  body(altered) <- call("{", body(original))
  utils::assignInNamespace(name, altered, package)
  rm(list = ls(fences), envir = fences)
  list2env(list(put_back = function() {
    utils::assignInNamespace(name, original, package)
    rm(list = ls(fences), envir = fences)
    NULL
  }))
}

put_back <- function(altered) altered$put_back()

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
