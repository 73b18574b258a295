# Models as bytes, for other processes.

#' Operation: pack models so that another process can use them
#'
#' @return Bytes, four to an integer.
pack_models <- function(models) without_toolbox(lapply(models, as.list))

#' An object as bytes, four to an integer, without the toolbox: every process has its own
without_toolbox <- function(object) {
  as_integers(serialize(object, NULL, refhook = function(part) {
    if (identical(part, toolbox)) "toolbox"
  }))
}

#' What `without_toolbox()` made bytes of
with_toolbox <- function(packed) {
  unserialize(writeBin(packed, raw()), refhook = function(name) toolbox)
}

#' Bytes as integers, with zeros that fill the last one
as_integers <- function(bytes) {
  padded <- c(bytes, raw(-length(bytes) %% 4L))
  readBin(padded, "integer", n = length(padded) / 4L)
}

#' Operation: unpack what `pack_models()` packed
unpack_models <- function(packed) {
  fill_toolbox()
  lapply(with_toolbox(packed), list2env, parent = emptyenv())
}

#' Operation: bytes that differ between models, and are the same in every process
model_bytes <- function(models) {
  as_integers(serialize(lapply(models, function(model) {
    fit <- model$fit
    parts <- list(
      deparse(stats::formula(fit)), deparse(stats::getCall(fit)$control),
      lapply(stats::model.frame(fit), function(column) {
        list(as.vector(column), levels(column), dim(column))
      })
    )
    c(parts, if (methods::is(fit, "merMod")) {
      list(
        as.vector(lme4::getME(fit, "X")), lme4::isREML(fit),
        as.vector(lme4::getME(fit, "theta")), as.vector(lme4::getME(fit, "beta"))
      )
    } else {
      list(as.vector(stats::model.matrix(fit)), as.vector(stats::coef(fit)), class(fit))
    })
  }), NULL))
}
