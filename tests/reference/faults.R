# Runs any R code where the operations of the package run; sourced by tests/session/test_abused_r.py.
run_code <- function(code) eval(parse(text = code, keep.source = FALSE), new.env(parent = globalenv()))
