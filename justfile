# Shorthands; .ci/run is the one entry.
default: ci

ci *steps:
    .ci/run {{steps}}

docs:
    SESAME_UPDATE_DOCS=1 cargo test --locked --test it docs::
