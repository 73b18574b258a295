# Figures of models without random effects, written out by hand. Plain R: nothing here knows of
# pymer_bridge.
#
#   Rscript --vanilla linear.R ANSWERS STATE DATA
#
# writes a list to the file ANSWERS (saveRDS): for each model, by name, what R gives of it. DATA is a
# folder of data frames as raw memory (data.R).

arguments <- commandArgs(trailingOnly = TRUE)
script <- sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE))
source(file.path(dirname(script), "data.R"))
for (path in list.dirs(arguments[3L], recursive = FALSE)) assign(basename(path), read_frame(path))

models <- list(
  crossed = lm(y ~ a * b + x, unbalanced),
  sums = lm(y ~ a * b, unbalanced, contrasts = list(a = "contr.sum", b = "contr.sum")),
  weighted = lm(y ~ a + x, gaps, weights = w, subset = x > 1, na.action = na.exclude),
  shifted = lm(y ~ a * x, unbalanced, offset = log(w)),
  aliased = lm(y ~ a + x + twice, unbalanced),
  odd = lm(y ~ `a b` * `x/y`, odd),
  curved = lm(y ~ poly(x, 2) + a, unbalanced),
  through = lm(y ~ 0 + a + x, unbalanced),
  trials = glm(cbind(hits, misses) ~ a * b, binomial, unbalanced),
  shares = glm(share ~ a + x, binomial, unbalanced, weights = n),
  counts = glm(count ~ a * b + x, poisson, unbalanced, offset = log(w)),
  overdispersed = glm(count ~ a * b, quasipoisson, unbalanced),
  shared = glm(cbind(hits, misses) ~ a + x, quasibinomial, unbalanced),
  gamma = glm(size ~ a * b, Gamma("log"), gaps, na.action = na.exclude),
  normal = glm(y ~ a + b, gaussian, unbalanced),
  aliased_counts = glm(count ~ a + x + twice, poisson, unbalanced),
  negative = glm(count ~ a * b, MASS::negative.binomial(2), unbalanced),
  levels = glm(hit ~ a + x, binomial, unbalanced)
)

#' A table as plain vectors, and as R prints it; what stops or warns is told instead
table_of <- function(expression) {
  said <- character()
  table <- tryCatch(
    withCallingHandlers(expression, warning = function(w) {
      said <<- c(said, conditionMessage(w))
      invokeRestart("muffleWarning")
    }, message = function(m) invokeRestart("muffleMessage")),
    error = function(e) NULL
  )
  if (is.null(table)) {
    return(list(stopped = TRUE))
  }
  list(
    rows = rownames(table), columns = colnames(table),
    values = unlist(lapply(table, as.double), use.names = FALSE),
    text = paste(capture.output(print(table)), collapse = "\n"), warned = length(said)
  )
}

with_car <- requireNamespace("car", quietly = TRUE)
answers <- lapply(models, function(fit) {
  linear <- !inherits(fit, "glm")
  found <- list()
  for (test in if (linear) "F" else c("LRT", "F", "Rao")) {
    found[[paste("I", test)]] <- table_of(if (linear) anova(fit) else anova(fit, test = test))
    found[[paste("drop1", test)]] <- table_of(drop1(fit, test = test))
  }
  if (with_car) {
    for (type in c("II", "III")) {
      for (test in if (linear) "F" else c("LR", "F", "Wald")) {
        found[[paste(type, test)]] <- table_of(
          if (linear) car::Anova(fit, type = type) else car::Anova(fit, type = type, test.statistic = test)
        )
      }
    }
  }
  found
})
saveRDS(answers, arguments[1L])
