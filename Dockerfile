# docker build --tag unroll . && docker run --rm --shm-size 1g unroll make test
FROM python:3.11-slim AS tools
# git and make are needed by both commands, Chromium by the tests of pages, and the compiler by packages without wheels.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates chromium g++ git make \
    && rm -rf /var/lib/apt/lists/*
RUN useradd --create-home --shell /bin/bash --uid 1000 unroll \
    && install --directory --owner unroll --group unroll /unroll
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1
USER unroll
WORKDIR /unroll

FROM tools
# The package index of torch's CPU builds, which are smaller than the CUDA builds that pip installs without it.
ARG PIP_EXTRA_INDEX_URL=""
# The environment is a layer of its own: a change of the code does not install it again.
COPY --chown=unroll:unroll LICENSE Makefile README.md pyproject.toml requirements.lock ./
COPY --chown=unroll:unroll src/unroll/__init__.py src/unroll/
RUN make .venv/.complete
# With .git, since DVC and the record of a run need the repository. `touch`: the copied files may have a newer time.
COPY --chown=unroll:unroll . .
RUN touch .venv/.complete
CMD ["make", "test"]
