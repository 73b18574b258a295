# shellcheck shell=bash
# Sourced by what needs an installation. `set_up [EXTRAS]` puts in place what is missing and nothing
# else: R with its packages and a compiler from apt, the Python packages in .venv. Once all is
# there it calls neither apt nor pip. An environment that PYMER_BRIDGE_VENV names is taken as it is.

project=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
venv=${PYMER_BRIDGE_VENV:-$project/.venv}

# A bare machine has no locale, and R in the C locale cannot read letters beyond ASCII.
export LANG=${LANG:-C.UTF-8}

say() { printf '==> %s\n' "$*" >&2; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }

apt_install() {
    local package missing=() sudo=()
    for package in "$@"; do
        [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) == installed* ]] ||
            missing+=("$package")
    done
    ((${#missing[@]})) || return 0
    command -v apt-get >/dev/null || die "needs apt-get (Debian or Ubuntu), or by hand: ${missing[*]}"
    if ((EUID)); then
        command -v sudo >/dev/null || die "needs root: apt-get install ${missing[*]}"
        sudo=(sudo)
    fi
    say "apt-get install ${missing[*]}"
    "${sudo[@]}" apt-get update -qq
    "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

# Install what this release carries of packages that only some tests can use.
apt_install_carried() {
    local package
    for package in "$@"; do
        # A package that others only mention has no candidate.
        if [[ $(apt-cache policy "$package") == *"Candidate: "[0-9]* ]]; then
            apt_install "$package"
        fi
    done
}

# Print the version of R; fail if it is too old or lacks a package.
r_version() {
    command -v Rscript >/dev/null || return 1
    R_DEFAULT_PACKAGES=NULL Rscript --no-init-file -e '
        needed <- c("lme4", "lmerTest", "pbkrtest", "emmeans")
        found <- nzchar(vapply(needed, function(package) system.file(package = package), ""))
        if (getRversion() < "4.2" || !all(found)) q(status = 1)
        cat(as.character(getRversion()))'
}

install_r() {
    # An R from elsewhere has its own library: Debian's packages would not reach it.
    if command -v R >/dev/null && [[ $(command -v R) != /usr/bin/R && $(command -v R) != /bin/R ]]; then
        die "$(command -v R) is older than 4.2 or lacks packages; in R >= 4.2:" \
            'install.packages(c("lme4", "lmerTest", "pbkrtest", "emmeans"))'
    fi
    apt_install r-base-core r-cran-lme4 r-cran-lmertest r-cran-pbkrtest r-cran-emmeans
}

# Print a Python that can make the .venv and compile for it.
find_python() {
    local python
    for python in python3 /usr/bin/python3; do
        if "$python" - 2>/dev/null <<'PYTHON'; then
import ensurepip, pathlib, sys, sysconfig
header = pathlib.Path(sysconfig.get_path("include"), "Python.h")
sys.exit(sys.version_info < (3, 11) or not header.exists())
PYTHON
            printf '%s\n' "$python"
            return
        fi
    done
    return 1
}

make_venv() {
    local python
    # The libraries are those of `R CMD config --ldflags`: without them rpy2-rinterface cannot
    # be linked to R.
    apt_install ca-certificates make gcc libc6-dev libblas-dev libbz2-dev libdeflate-dev \
        libicu-dev liblzma-dev libpcre2-dev libtirpc-dev libzstd-dev zlib1g-dev
    python=$(find_python) || {
        apt_install python3 python3-venv python3-dev
        python=$(find_python) || die "needs Python >= 3.11 with venv and headers"
    }
    say "making .venv with $("$python" --version)"
    "$python" -m venv --clear "$venv"
}

install_packages() { # EXTRAS
    local pip=("$venv/bin/python" -m pip install --quiet --disable-pip-version-check)
    say "pip install -e '.$1'"
    # Not from pip's cache: a wheel there may have been built against another R, or without the
    # libraries above. The newest, which is what users get.
    "${pip[@]}" --no-cache-dir --upgrade 'rpy2-rinterface<3.7'
    "${pip[@]}" --upgrade -e "$project$1"
    "$venv/bin/python" -c 'from pymer_bridge.session.r_session import session; session().start()' ||
        die "rpy2 does not go with this R"
}

set_up() { # [EXTRAS], such as [test,lint]
    [[ -z ${PYMER_BRIDGE_VENV-} ]] || return 0
    local extras=${1:-} r packages
    r=$(r_version) || {
        install_r
        r=$(r_version) || die "needs R >= 4.2 with lme4, lmerTest, pbkrtest and emmeans"
    }

    # What a .venv depends on; another R, another Python or another place needs a new one.
    basis() { echo "R $r, $("$venv/bin/python" --version 2>/dev/null), $project"; }
    # This file too: it names packages of the system.
    packages=$(cat "$project/pyproject.toml" "$project/scripts/setup.sh" | sha256sum)
    if [[ $(basis) != "$(cat "$venv/.basis" 2>/dev/null)" ]]; then
        make_venv
    elif [[ $packages == "$(cat "$venv/.packages$extras" 2>/dev/null)" ]]; then
        return
    fi
    if [[ $extras == *test* ]]; then
        apt_install_carried locales r-cran-{effects,car,insight,performance,datawizard,effectsize} \
            r-cran-{clubsandwich,sandwich,mice,broom.mixed,mitml,mertools,dharma}
    fi
    install_packages "$extras"
    # Extras come on top of the core packages.
    tee "$venv/.packages" >"$venv/.packages$extras" <<<"$packages"
    basis >"$venv/.basis"
}
