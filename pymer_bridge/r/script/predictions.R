.VARIABLE. <- function(fit) predict(fit, re.form = .FORM.)
