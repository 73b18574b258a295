"""R's lme4, lmerTest and pbkrtest from Python: exact, typed mixed models."""
