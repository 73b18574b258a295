# The same as `pymer-bridge fit`, by hand.
suppressPackageStartupMessages(library(lmerTest))
data <- read.csv(commandArgs(trailingOnly = TRUE)[1L])
print(summary(lmer(Reaction ~ Days + (Days | Subject), data)))
