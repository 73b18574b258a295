# Strings become factors in the order of the locale; this is the order that was used.
levels_used <- .LEVELS.
if (!identical(levels(factor(.COLUMN.)), levels_used)) {
  .COLUMN. <- factor(.COLUMN., levels = levels_used)
}
