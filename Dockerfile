# pymer-bridge with R and its packages as Debian built them.
#   docker build -t pymer-bridge . && docker run --rm pymer-bridge
FROM debian:trixie-slim AS base
RUN apt-get update \
    && apt-get install -y --no-install-recommends \
        python3 \
        r-base-core r-cran-lme4 r-cran-lmertest r-cran-pbkrtest r-cran-emmeans \
    && rm -rf /var/lib/apt/lists/*

# The compiler stays behind in this stage.
FROM base AS build
RUN apt-get update \
    && apt-get install -y --no-install-recommends \
        python3-dev python3-venv \
        make gcc libc6-dev libblas-dev libbz2-dev libdeflate-dev libicu-dev liblzma-dev \
        libpcre2-dev libtirpc-dev libzstd-dev zlib1g-dev
WORKDIR /src
COPY pyproject.toml README.md LICENSE r_requirements.R ./
COPY pymer_bridge pymer_bridge
# In API mode the build stops when it cannot link to R.
RUN python3 -m venv /opt/pymer-bridge \
    && RPY2_CFFI_MODE=API /opt/pymer-bridge/bin/pip install --no-cache-dir . \
    && /opt/pymer-bridge/bin/pip uninstall --yes pip

FROM base
COPY --from=build /opt/pymer-bridge /opt/pymer-bridge
ENV PATH=/opt/pymer-bridge/bin:$PATH LANG=C.UTF-8
RUN useradd --create-home --uid 1000 analyst
USER 1000
WORKDIR /home/analyst
ENTRYPOINT ["pymer-bridge"]
CMD ["demo"]
