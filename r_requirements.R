# The R packages pymer_bridge needs: installs the ones that are missing or too old.
#
#   Rscript r_requirements.R            install what is lacking, then check
#   Rscript r_requirements.R --check    only check
#   Rscript r_requirements.R --all      also the packages that some methods need
#   Rscript r_requirements.R --help     every option
#
# For an R that did not bring the packages along (CRAN's own R, macOS, Windows).  Where the
# system has them, as in Debian's and Ubuntu's r-cran-lme4, r-cran-lmertest, r-cran-pbkrtest
# and r-cran-emmeans, those will do.  Base R only: this has to run before anything is there.

# package, oldest version that will do ----------------------------------------------------
requirements <- c(
  R        = "4.2.0",
  Matrix   = "1.5-3",
  lme4     = "1.1-31",
  lmerTest = "3.1-3",
  pbkrtest = "0.5.2",
  emmeans  = "1.8.4"
)

# What needs packages that are optional, by the name that --for takes.
features <- list(
  effects = "effects",
  terms = "car",
  shares = c("insight", "performance"),
  checks = "performance",
  residuals = "DHARMa",
  robust = c("clubSandwich", "sandwich"),
  standardize = "datawizard",
  pool = c("mice", "broom.mixed", "mitml"),
  simulation = "merTools"
)

# Loading is not proof enough of lme4: one compiled against another Matrix loads, then fails
# at its first fit.  So a package named here has to do a small piece of work as well.
trials <- list(
  lme4 = quote(lme4::lmer(
    y ~ 1 + (1 | g),
    data.frame(y = c(1, 2, 4, 5, 8, 7, 3, 9, 6), g = gl(3, 3))
  ))
)

cran_url <- "https://cloud.r-project.org"
snapshot_url <- "https://packagemanager.posit.co/cran/__linux__/{codename}/{date}"

# Public repositories that keep Linux binaries below __linux__/<codename>.
binary_hosts <- c("packagemanager.posit.co", "packagemanager.rstudio.com", "p3m.dev")

usage <- c(
  "Usage: Rscript r_requirements.R [--check] [--repos=URL] [--snapshot=YYYY-MM-DD]",
  "                                [--all] [--for=FEATURES] [--require=LIST] [--help]",
  "",
  "Installs the R packages pymer_bridge needs that are missing or too old, then checks that",
  "each one loads in a fresh R.  What is there already is left alone; if nothing is lacking,",
  "no repository is asked.",
  "",
  "  --check                only check; install nothing, ask no repository",
  "  --repos=URL            the repository, instead of getOption(\"repos\") or, where that is",
  paste0("                         not set, ", cran_url),
  "                         {date} in it stands for the snapshot (\"latest\" without one),",
  "                         {codename} for this Linux's name, such as bookworm or jammy",
  "  --snapshot=YYYY-MM-DD  the repository as it was on that day.  The repository's address",
  "                         has to hold {date}, or end in /latest or a date; where none was",
  paste0("                         given, it is ", snapshot_url),
  "  --all                  also the packages of every feature below",
  "  --for=FEATURES         also those of some features, such as --for=robust,pool",
  "  --require=LIST         other requirements than pymer_bridge's, such as",
  "                         \"lme4>=1.1-31,Matrix\" (R itself may be named: \"R>=4.3\")",
  "  --help                 this text",
  "",
  "Environment: PYMER_BRIDGE_R_REPOS and PYMER_BRIDGE_R_SNAPSHOT stand in for the options;",
  "R_LIBS_USER names the user library, used where R's first library cannot be written to.",
  "",
  "Exit status: 0 all is well, 1 something is lacking or failed, 2 a wrong option.",
  "",
  "Needed:"
)

exit <- function(status) quit(save = "no", status = status, runLast = FALSE)

say <- function(...) cat(..., "\n", sep = "", file = stderr())

# Options ---------------------------------------------------------------------------------

wrong_option <- function(...) {
  say("r_requirements: ", ...)
  say(usage[1L], "\n", usage[2L])
  exit(2L)
}

parse_date <- function(text) {
  date <- if (grepl("^[0-9]{4}-[0-9]{2}-[0-9]{2}$", text)) {
    as.Date(text, format = "%Y-%m-%d")
  } else {
    NA
  }
  if (is.na(date)) wrong_option("not a date of the form YYYY-MM-DD: '", text, "'")
  text
}

parse_repos <- function(text) {
  if (!grepl("^(https?|ftp|file)://.", text)) {
    wrong_option("not the address of a repository (http, https, ftp or file): '", text, "'")
  }
  sub("/+$", "", text)
}

parse_requirements <- function(text) {
  items <- trimws(strsplit(text, ",", fixed = TRUE)[[1L]])
  pattern <- "^([A-Za-z][A-Za-z0-9.]*)([[:space:]]*>=[[:space:]]*([0-9]+([.-][0-9]+)*))?$"
  if (!length(items) || !all(grepl(pattern, items))) {
    wrong_option("not a list such as 'lme4>=1.1-31,Matrix': '", text, "'")
  }
  versions <- sub(pattern, "\\3", items)
  versions[!nzchar(versions)] <- "0"
  wanted <- structure(versions, names = sub(pattern, "\\1", items))
  if (anyDuplicated(names(wanted))) wrong_option("a package is named twice: '", text, "'")
  wanted
}

# The packages of features, of any version.
parse_features <- function(text) {
  named <- trimws(strsplit(text, ",", fixed = TRUE)[[1L]])
  unknown <- setdiff(named, names(features))
  if (!length(named) || length(unknown)) {
    wrong_option(
      "no feature '", paste(unknown, collapse = "', '"), "'; there are: ",
      paste(names(features), collapse = ", ")
    )
  }
  packages <- unique(unlist(features[named], use.names = FALSE))
  structure(rep("0", length(packages)), names = packages)
}

# Options that may have their value as the next word.
joined_options <- function(args) {
  apart <- which(args == "--for")
  apart <- apart[apart < length(args) & !startsWith(args[apart + 1L], "--")]
  if (!length(apart)) return(args)
  args[apart] <- paste0("--for=", args[apart + 1L])
  args[-(apart + 1L)]
}

parse_options <- function(args) {
  opts <- list(
    check = FALSE,
    repos = Sys.getenv("PYMER_BRIDGE_R_REPOS"),
    snapshot = Sys.getenv("PYMER_BRIDGE_R_SNAPSHOT"),
    wanted = requirements
  )
  optional <- character()
  for (arg in joined_options(args)) {
    name <- sub("=.*", "", arg)
    value <- if (grepl("=", arg, fixed = TRUE)) sub("^[^=]*=", "", arg)
    if (name %in% c("--repos", "--snapshot", "--require", "--for")) {
      if (is.null(value) || !nzchar(value)) wrong_option(name, " needs a value: ", name, "=...")
    } else if (!is.null(value)) {
      name <- arg
    }
    switch(name,
      "--help" = , "-h" = {
        needs <- vapply(features, paste, "", collapse = ", ")
        writeLines(c(
          usage, sprintf("  %-9s >= %s", names(requirements), requirements), "", "Features:",
          sprintf("  %-12s %s", names(features), needs)
        ))
        exit(0L)
      },
      "--check" = opts$check <- TRUE,
      "--all" = optional <- names(features),
      "--for" = {
        parse_features(value)
        optional <- c(optional, trimws(strsplit(value, ",", fixed = TRUE)[[1L]]))
      },
      "--repos" = opts$repos <- value,
      "--snapshot" = opts$snapshot <- value,
      "--require" = opts$wanted <- parse_requirements(value),
      wrong_option("unknown option: '", arg, "'")
    )
  }
  if (length(optional)) {
    further <- parse_features(paste(optional, collapse = ","))
    opts$wanted <- c(opts$wanted, further[setdiff(names(further), names(opts$wanted))])
  }
  if (nzchar(opts$repos)) opts$repos <- parse_repos(opts$repos)
  if (nzchar(opts$snapshot)) opts$snapshot <- parse_date(opts$snapshot)
  opts
}

# Repositories ----------------------------------------------------------------------------

dated <- "/(latest|[0-9]{4}-[0-9]{2}-[0-9]{2})$"

# The addresses to use, in which {codename} may still stand.
repository_urls <- function(repos, snapshot) {
  given <- nzchar(repos)
  if (!given) {
    repos <- as.character(unlist(getOption("repos")))
    repos[repos %in% c("@CRAN@", "")] <- cran_url
    repos <- unique(sub("/+$", "", repos))
    if (!length(repos)) repos <- cran_url
  }
  if (nzchar(snapshot)) {
    pinned <- grepl("{date}", repos, fixed = TRUE) | grepl(dated, repos)
    if (given && !all(pinned)) {
      wrong_option(
        "--snapshot needs a repository with {date} in its address, or one that ends in ",
        "/latest or a date: '", repos, "'"
      )
    }
    # Part pinned and part not would be no pin at all.
    if (!all(pinned)) repos <- snapshot_url
    repos <- sub(dated, paste0("/", snapshot), repos)
  }
  gsub("{date}", if (nzchar(snapshot)) snapshot else "latest", repos, fixed = TRUE)
}

# What repositories with Linux binaries call this system; "" where that is not known.
linux_codename <- function() {
  if (Sys.info()[["sysname"]] != "Linux" || !file.exists("/etc/os-release")) return("")
  lines <- grep("^[A-Z_]+=", readLines("/etc/os-release", warn = FALSE), value = TRUE)
  values <- gsub("^[^=]*=|[\"']", "", lines)
  names(values) <- sub("=.*", "", lines)
  release <- function(key) if (key %in% names(values)) values[[key]] else ""
  # Ubuntu's own name comes first: its derivatives have names no repository knows.
  for (key in c("UBUNTU_CODENAME", "VERSION_CODENAME")) {
    if (nzchar(release(key))) return(release(key))
  }
  if (grepl("rhel", paste(release("ID"), release("ID_LIKE")), fixed = TRUE)) {
    major <- sub("[.].*", "", release("VERSION_ID"))
    return(paste0(if (major %in% c("7", "8")) "centos" else "rhel", major))
  }
  ""
}

# The forms of an address to try in turn: the one with this Linux's binaries, the plain one.
url_forms <- function(url) {
  codename <- linux_codename()
  slot <- "{codename}"
  plain <- sub("__linux__/{codename}/", "", url, fixed = TRUE)
  host <- sub("^[a-z]+://([^/:]+).*", "\\1", url)
  if (nzchar(codename)) {
    if (host %in% binary_hosts && !grepl("__linux__", url, fixed = TRUE)) {
      url <- sub("/([^/]+)$", "/__linux__/{codename}/\\1", url)
    }
    url <- gsub(slot, codename, url, fixed = TRUE)
  }
  forms <- unique(c(url, plain))
  forms <- forms[!grepl(slot, forms, fixed = TRUE)]
  if (!length(forms)) wrong_option("no name is known for this system's {codename}: '", url, "'")
  forms
}

# A repository of binaries tells by the agent which R and system to serve.
set_user_agent <- function() {
  agent <- sprintf(
    "R/%s R (%s)", getRversion(),
    paste(getRversion(), R.version$platform, R.version$arch, R.version$os)
  )
  options(HTTPUserAgent = agent)
  method <- getOption("download.file.method", "auto")
  # Outside programs do not see R's option.
  if (method %in% c("curl", "wget")) {
    header <- sprintf("--header \"User-Agent: %s\"", agent)
    options(download.file.extra = c(getOption("download.file.extra"), header))
  }
}

# One repository's index, or the reason why it cannot be read.
read_index <- function(url, type, filters = NULL) {
  reasons <- character()
  note <- function(condition) {
    reasons <<- c(reasons, gsub("[[:space:]]+", " ", conditionMessage(condition)))
  }
  index <- tryCatch(
    withCallingHandlers(
      available.packages(repos = url, type = type, filters = filters, ignore_repo_cache = TRUE),
      warning = function(w) {
        note(w)
        invokeRestart("muffleWarning")
      }
    ),
    error = function(e) {
      note(e)
      NULL
    }
  )
  if (!length(reasons) || NROW(index)) return(list(index = index))
  # R tells of every file it tried: the last answer says as much as all of them.
  answers <- regmatches(reasons, regexpr("status was '.*'$", reasons))
  list(reason = sprintf("%s (%s)", url, utils::tail(c(reasons, answers), 1L)))
}

# The first form of each address that can be read, for the first type of package that any of
# its forms has.
open_repositories <- function(urls, type) {
  opened <- character()
  index <- NULL
  unread <- character()
  for (url in urls) {
    reasons <- character()
    for (form in url_forms(url)) {
      read <- read_index(form, type)
      reasons <- c(reasons, read$reason)
      if (!is.null(read$index)) {
        opened <- c(opened, form)
        index <- rbind(index, read$index)
        reasons <- character()
        break
      }
    }
    unread <- c(unread, reasons)
  }
  list(type = type, urls = opened, index = index, unread = unique(unread))
}

offered_version <- function(package, repositories) {
  index <- repositories$index
  versions <- index[index[, "Package"] == package, "Version"]
  if (!length(versions)) return(NA_character_)
  versions[order(numeric_version(versions), decreasing = TRUE)[1L]]
}

# What repositories have of a package and do not offer to this R, for its version.
needs_other_r <- function(package, repositories) {
  for (url in repositories$urls) {
    index <- read_index(url, repositories$type, filters = list())$index
    if (is.null(index)) next
    offered <- repositories$index[repositories$index[, "Package"] == package, "Version"]
    withheld <- index[, "Package"] == package & !index[, "Version"] %in% offered
    depends <- index[withheld, "Depends"]
    found <- regexpr("R \\([^)]*\\)", depends)
    if (any(found > 0L, na.rm = TRUE)) {
      version <- index[withheld, "Version"][which(found > 0L)[1L]]
      return(paste(version, "there needs", regmatches(depends, found)[1L]))
    }
  }
  NULL
}

# Libraries -------------------------------------------------------------------------------

# Asking the file system beats reading permission bits, which mean little on Windows, for an
# administrator, and on a disk mounted read-only.
writable <- function(directory) {
  if (!dir.exists(directory) &&
    !suppressWarnings(dir.create(directory, recursive = TRUE))) return(FALSE)
  trial <- tempfile(".r_requirements_", tmpdir = directory)
  made <- suppressWarnings(dir.create(trial))
  if (made) unlink(trial, recursive = TRUE)
  made
}

split_paths <- function(text) {
  paths <- strsplit(text, .Platform$path.sep, fixed = TRUE)[[1L]]
  path.expand(paths[nzchar(paths) & paths != "NULL"])
}

# R's first library or else the user's, as install.packages() has it; then the site's.  R's
# own library is only for an R that has no other: whatever installed R looks after that one.
candidate_libraries <- function() {
  paths <- .libPaths()
  unique(c(paths[1L], split_paths(Sys.getenv("R_LIBS_USER")), setdiff(paths, .Library)))
}

choose_library <- function() {
  chosen <- Find(writable, candidate_libraries())
  if (is.null(chosen)) return(NULL)
  chosen <- normalizePath(chosen, winslash = "/")
  if (!chosen %in% .libPaths()) {
    # Where R will look for it from its next start on: after R_LIBS, before the others.
    first <- normalizePath(split_paths(Sys.getenv("R_LIBS")), winslash = "/", mustWork = FALSE)
    .libPaths(append(.libPaths(), chosen, after = sum(.libPaths() %in% first)))
  }
  chosen
}

# The state of things ---------------------------------------------------------------------

# Nothing is loaded to find this out: on Windows a loaded package cannot be replaced.
look_up <- function(wanted) {
  found <- vapply(names(wanted), function(package) {
    if (package == "R") return(as.character(getRversion()))
    # The version as written: packageVersion() makes 1.5.3 of 1.5-3.
    suppressWarnings(
      as.character(packageDescription(package, lib.loc = .libPaths(), fields = "Version"))
    )
  }, "")
  where <- vapply(names(wanted), function(package) {
    if (package == "R") return(R.home())
    path <- find.package(package, lib.loc = .libPaths(), quiet = TRUE)
    if (length(path)) dirname(path[1L]) else "-"
  }, "")
  enough <- !is.na(found)
  enough[enough] <- mapply(at_least, found[enough], wanted[enough])
  data.frame(
    package = names(wanted), wanted = wanted, found = found,
    status = ifelse(is.na(found), "missing", ifelse(enough, "ok", "too old")),
    library = where, row.names = names(wanted)
  )
}

at_least <- function(version, minimum) numeric_version(version) >= numeric_version(minimum)

# Runs in a fresh R, and needs nothing of this file.  Each result is written at once, for a
# package may take R down with it.
load_each <- function(packages, trials, out) {
  report <- function(...) {
    line <- gsub("[[:space:]]+", " ", c(...))
    cat(paste(line, collapse = "\t"), "\n", sep = "", file = out, append = TRUE)
  }
  for (package in packages) {
    step <- "load"
    tryCatch(
      {
        version <- as.character(getNamespaceVersion(loadNamespace(package)))
        step <- "trial"
        suppressMessages(suppressWarnings(eval(trials[[package]])))
        report(package, "ok", version)
      },
      error = function(e) report(package, step, conditionMessage(e))
    )
  }
}

# For each package "ok" and its version, or what failed ("load", "trial") and R's message.
try_loading <- function(packages) {
  directory <- tempfile("load_")
  dir.create(directory)
  on.exit(unlink(directory, recursive = TRUE))
  script <- file.path(directory, "load.R")
  work <- file.path(directory, "work.rds")
  out <- file.path(directory, "out.txt")
  log <- file.path(directory, "log.txt")
  dump("load_each", script)
  saveRDS(list(packages, trials, out), work)
  call <- "do.call(load_each, readRDS(commandArgs(TRUE)), quote = TRUE)\n"
  cat(call, file = script, append = TRUE)
  # By the environment, as system2(env =) does nothing on Windows.
  libs <- Sys.getenv("R_LIBS", NA)
  Sys.setenv(R_LIBS = paste(.libPaths(), collapse = .Platform$path.sep))
  on.exit(if (is.na(libs)) Sys.unsetenv("R_LIBS") else Sys.setenv(R_LIBS = libs), add = TRUE)
  suppressWarnings(system2(
    file.path(R.home("bin"), "Rscript"), c("--vanilla", shQuote(script), shQuote(work)),
    stdout = log, stderr = log, timeout = 600
  ))
  lines <- list()
  if (file.exists(out)) lines <- strsplit(readLines(out, warn = FALSE), "\t", fixed = TRUE)
  last_words <- paste(utils::tail(readLines(log, warn = FALSE), 3L), collapse = " ")
  results <- lapply(lines, function(line) list(step = line[2L], text = line[3L]))
  names(results) <- vapply(lines, `[`, "", 1L)
  rest <- setdiff(packages, names(results))
  if (length(rest)) {
    results[[rest[1L]]] <- list(step = "load", text = paste("R ended over it:", last_words))
    # The others may be all right, in an R without that one.
    if (length(rest) > 1L) results <- c(results, try_loading(rest[-1L]))
  }
  results
}

# Installing ------------------------------------------------------------------------------

problem <- function(culprit, what, remedy) {
  data.frame(culprit = culprit, what = what, remedy = remedy)
}

# Installs; gives back the warnings, as those are all that install.packages() has to say of a
# failure.
install <- function(packages, repositories, target) {
  notes <- character()
  note <- function(condition) notes <<- c(notes, conditionMessage(condition))
  tryCatch(
    withCallingHandlers(
      install.packages(
        packages,
        lib = target, repos = repositories$urls, type = repositories$type,
        available = repositories$index
      ),
      warning = function(w) {
        note(w)
        invokeRestart("muffleWarning")
      }
    ),
    error = note
  )
  gsub("[[:space:]]+", " ", notes)
}

# Gives back the problems, and what install.packages() had to note.
supply <- function(state, opts) {
  lacking <- state$package[state$status != "ok"]
  problems <- NULL
  set_user_agent()
  # A large package over a slow line takes more than R's one minute.
  options(timeout = max(600, getOption("timeout")))
  types <- if (getOption("pkgType") == "source") "source" else c("binary", "source")
  urls <- repository_urls(opts$repos, opts$snapshot)
  repositories <- lapply(types, function(type) open_repositories(urls, type))
  readable <- Filter(function(each) length(each$urls) > 0L, repositories)
  unread <- unique(unlist(lapply(repositories, `[[`, "unread")))
  if (!length(readable)) {
    return(list(problems = problem(
      paste(lacking, collapse = ", "),
      paste("the repository cannot be read:", paste(unread, collapse = ", ")),
      "check the address and the network (https_proxy for a proxy), or name another: --repos=URL"
    )))
  }

  plan <- rep(NA_integer_, length(lacking))
  for (i in seq_along(lacking)) {
    package <- lacking[i]
    wanted <- state[package, "wanted"]
    offers <- vapply(readable, function(each) offered_version(package, each), "")
    will_do <- !is.na(offers)
    will_do[will_do] <- vapply(offers[will_do], at_least, NA, minimum = wanted)
    if (any(will_do)) {
      plan[i] <- which(will_do)[1L]
      next
    }
    from <- paste(unique(unlist(lapply(readable, `[[`, "urls"))), collapse = ", ")
    needs <- unlist(lapply(readable, function(each) needs_other_r(package, each)))[1L]
    what <- if (any(!is.na(offers))) {
      sprintf("%s offers %s, wanted is %s or later", from, offers[!is.na(offers)][1L], wanted)
    } else {
      sprintf("%s does not offer it to R %s", from, getRversion())
    }
    what <- paste(c(what, needs, unread), collapse = "; ")
    remedy <- if (length(needs)) {
      paste(
        "use a newer R, or a snapshot from when this R was current:",
        "--snapshot=YYYY-MM-DD"
      )
    } else {
      "use a repository, or a later --snapshot=YYYY-MM-DD, that has it: --repos=URL"
    }
    problems <- rbind(problems, problem(package, what, remedy))
  }
  if (all(is.na(plan))) return(list(problems = problems))

  target <- choose_library()
  if (is.null(target)) {
    return(list(problems = rbind(problems, problem(
      paste(lacking[!is.na(plan)], collapse = ", "),
      paste("no library can be written to:", paste(candidate_libraries(), collapse = ", ")),
      "set R_LIBS_USER to a directory of your own, or have the packages installed for you"
    ))))
  }
  notes <- character()
  for (type in unique(plan[!is.na(plan)])) {
    notes <- c(notes, install(lacking[plan %in% type], readable[[type]], target))
  }
  list(problems = problems, notes = notes)
}

# After an installation -------------------------------------------------------------------

# The problem with a package that should be there by now, and is not.
why_lacking <- function(row, notes) {
  named <- grep(row$package, notes, value = TRUE, fixed = TRUE)
  reasons <- if (length(named)) named else notes
  if (row$status == "too old" && !length(named)) {
    return(problem(
      row$package,
      sprintf("%s in %s hides the newer one installed after it", row$found, row$library),
      "remove that one, or put your own library before it: R_LIBS"
    ))
  }
  problem(
    row$package,
    paste(c("the installation failed", reasons), collapse = ": "),
    "see its messages above (a compiler or a system library may be lacking), then run this again"
  )
}

why_not_loading <- function(row, result) {
  if (result$step == "trial") {
    return(problem(
      row$package,
      sprintf("%s in %s loads but does not work: %s", row$found, row$library, result$text),
      sprintf("build it anew: install.packages(\"%s\", type = \"source\")", row$package)
    ))
  }
  problem(
    row$package,
    sprintf("%s in %s does not load: %s", row$found, row$library, result$text),
    sprintf(
      "remove it and run this again: remove.packages(\"%s\", lib = \"%s\")",
      row$package, row$library
    )
  )
}

print_state <- function(state) {
  state$found[is.na(state$found)] <- "-"
  state$wanted <- ifelse(state$wanted == "0", "any", paste(">=", state$wanted))
  columns <- lapply(names(state), function(name) format(c(name, state[[name]])))
  writeLines(sub(" +$", "", do.call(paste, c(columns, sep = "  "))))
}

finish <- function(state, problems) {
  print_state(state)
  if (is.null(problems)) exit(0L)
  for (i in seq_len(nrow(problems))) {
    say("r_requirements: ", problems$culprit[i], ": ", problems$what[i])
    say("  remedy: ", problems$remedy[i])
  }
  exit(1L)
}

main <- function(args) {
  opts <- parse_options(args)
  # Wrong options are told even when there is nothing to do.
  lapply(repository_urls(opts$repos, opts$snapshot), url_forms)
  before <- look_up(opts$wanted)
  state <- before
  problems <- NULL
  notes <- character()
  remedy <- "run Rscript r_requirements.R without --check"

  if ("R" %in% state$package && state["R", "status"] != "ok") {
    problems <- problem(
      "R", sprintf("this is R %s, wanted is %s or later", getRversion(), state["R", "wanted"]),
      "install a newer R, and run this with its Rscript"
    )
    # What is installed for this R would not serve the next one.
    opts$check <- TRUE
    remedy <- "install a newer R first"
  }

  lacking <- state$package[state$status != "ok" & state$package != "R"]
  if (length(lacking) && opts$check) {
    problems <- rbind(problems, problem(
      lacking, state[lacking, "status"], remedy
    ))
  } else if (length(lacking)) {
    supplied <- supply(state[lacking, ], opts)
    problems <- supplied$problems
    notes <- supplied$notes
    state <- look_up(opts$wanted)
    told <- unlist(strsplit(as.character(problems$culprit), ", ", fixed = TRUE))
    for (package in setdiff(lacking, told)) {
      if (state[package, "status"] != "ok") {
        problems <- rbind(problems, why_lacking(state[package, ], notes))
      }
    }
  }

  there <- state$package[state$status == "ok" & state$package != "R"]
  results <- if (length(there)) try_loading(there)
  for (package in there) {
    result <- results[[package]]
    if (result$step == "ok" && !at_least(result$text, state[package, "wanted"])) {
      result <- list(step = "load", text = paste("a fresh R loads", result$text))
    }
    if (result$step != "ok") {
      problems <- rbind(problems, why_not_loading(state[package, ], result))
      state[package, "status"] <- "does not load"
    } else if (package %in% lacking) {
      was <- before[package, "found"]
      state[package, "status"] <- if (is.na(was)) "installed" else paste("upgraded from", was)
    }
  }
  finish(state, problems)
}

main(commandArgs(trailingOnly = TRUE))
