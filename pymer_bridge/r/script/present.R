# Read your data here: a data frame .VARIABLE. of .ROWS. rows with these columns.
# .COLUMNS.
stopifnot(is.data.frame(.VARIABLE.), nrow(.VARIABLE.) == .ROWS., .NAMES. %in% names(.VARIABLE.))
