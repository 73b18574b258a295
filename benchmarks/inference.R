# What inference.py races against: R's functions called the ordinary way.

workspace <- new.env(parent = globalenv())
workspace$lmer <- lmerTest::lmer
utils::data(list = c("sleepstudy", "InstEval"), package = "lme4", envir = workspace)

set_data <- function(name, columns) {
  frame <- as.data.frame(columns, stringsAsFactors = TRUE)
  assign(name, frame, envir = workspace)
  NULL
}

fit_layout <- function(formula) {
  eval(bquote(lmer(.(str2lang(formula)), layout)), workspace)
}

fit_sleepstudy <- function() {
  eval(quote(lme4::lmer(Reaction ~ Days + (Days | Subject), sleepstudy)), workspace)
}

kr_summary <- function(fit) as.list(as.data.frame(coef(summary(fit, ddf = "Kenward-Roger"))))

kr_anova <- function(fit) as.list(anova(fit, ddf = "Kenward-Roger"))

profile_intervals <- function(fit) as.vector(confint(fit))

fit_instructors <- function(rows) {
  workspace$evaluations <- workspace$InstEval[seq_len(rows), ]
  eval(quote(lmer(y ~ service + (1 | s) + (1 | d), evaluations)), workspace)
  NULL
}

summarise_instructors <- function(rows) {
  workspace$evaluations <- workspace$InstEval[seq_len(rows), ]
  fit <- eval(quote(lmer(y ~ service + (1 | s) + (1 | d), evaluations)), workspace)
  as.vector(coef(summary(fit)))
}
