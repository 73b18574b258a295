print(head(cooks.distance(.VARIABLE.)))
# Changes in units of the refits' covariances, and how these differ from that of the fit.
.VARIABLE._measures <- local({
  whole <- .VARIABLE.$vcov
  covariances <- .VARIABLE.[[grep("^vcov.", names(.VARIABLE.))]]
  change <- dfbeta(.VARIABLE.)
  p <- ncol(change)
  t(vapply(seq_along(covariances), function(i) {
    without <- covariances[[i]]
    c(
      mdffits = as.vector(t(change[i, ]) %*% solve(without) %*% change[i, ]) / p,
      cov_trace = abs(sum(diag(solve(whole) %*% without)) - p),
      cov_ratio = det(without) / det(whole)
    )
  }, c(mdffits = 0, cov_trace = 0, cov_ratio = 0)))
})
