# What tests say of each response that is drawn: estimate, standard error, degrees of freedom,
# statistic and p-value.
.VARIABLE. <- local({
  quietly <- function(fit) suppressMessages(suppressWarnings(fit))
  by_z <- function(fit, name) {
    row <- coef(summary(fit))[name, ]
    z <- row[[1]] / row[[2]]
    c(row[[1]], row[[2]], Inf, z, 2 * pnorm(abs(z), lower.tail = FALSE))
  }
  by_weights <- function(fit, weights) {
    estimate <- sum(weights * fixef(fit))
    error <- sqrt(sum(weights * as.vector(as.matrix(vcov(fit)) %*% weights)))
    z <- estimate / error
    c(estimate, error, Inf, z, 2 * pnorm(abs(z), lower.tail = FALSE))
  }
  by_f <- function(row) c(NA, NA, row[["DenDF"]], row[["F value"]], row[["Pr(>F)"]])
  by_ratio <- function(large, small, name) {
    table <- anova(small, large)
    own <- if (is.null(name)) c(NA, NA) else coef(summary(large))[name, 1:2]
    c(own, table[["Df"]][2], table[["Chisq"]][2], table[["Pr(>Chisq)"]][2])
  }
  well <- function(fit) fit@optinfo$conv$opt == 0 && is.null(fit@optinfo$conv$lme4$code)

  data <- .DATA.
  drawn <- .DRAWN.
  found <- lapply(drawn, function(response) {
    .RESPONSE. <- as.double(response)
    .FITS.
    values <- .TESTS.
    fits <- list(.NAMES.)
    list(values = values, singular = isSingular(fit_1), converged = all(sapply(fits, well)))
  })
  values <- lapply(found, `[[`, "values")
  singular <- sapply(found, `[[`, "singular")
  converged <- sapply(found, `[[`, "converged")
  truth <- .TRUTH.
  counted <- lapply(seq_along(truth), function(i) {
    estimate <- sapply(values, function(of) of[i, 1])
    half <- qt(1 - .ALPHA. / 2, sapply(values, function(of) of[i, 3])) *
      sapply(values, function(of) of[i, 2])
    rejected <- sapply(values, function(of) of[i, 5]) < .ALPHA.
    exact <- binom.test(sum(rejected), length(rejected), conf.level = .LEVEL.)
    right <- truth[[i]]
    data.frame(
      power = exact$estimate, conf_low = exact$conf.int[1], conf_high = exact$conf.int[2],
      n_rejected = sum(rejected), n_rejected_singular = sum(rejected & singular),
      n_rejected_not_converged = sum(rejected & !converged), true_value = right,
      estimate = mean(estimate), bias = mean(estimate) - right,
      type_s = mean(sign(estimate[rejected]) != sign(right)),
      type_m = mean(abs(estimate[rejected])) / abs(right),
      coverage = if (i %in% .INTERVALS.) {
        mean(estimate - half <= right & right <= estimate + half)
      } else {
        NA
      }
    )
  })
  power <- do.call(rbind, counted)
  rownames(power) <- rownames(values[[1]])
  list(power = power, values = values, singular = singular, converged = converged)
})
