.VARIABLE. <- local({
  data <- eval(getCall(.FIT.)$data)
  rows <- match(rownames(model.frame(.FIT.)), rownames(data))
  droplevels(as.factor(data[[.COLUMN.]][rows]))
})
