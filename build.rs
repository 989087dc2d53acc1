//! Says which commit is built, for `sesame --version`. `SESAME_COMMIT` does where there is no repository, as in an image.

#![expect(
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    reason = "a build script talks to cargo by its output and its environment"
)]

use std::env;
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=SESAME_COMMIT");
    let given = env::var("SESAME_COMMIT").ok().filter(|commit| !commit.is_empty());
    // Not in debug builds: each commit would compile everything again.
    let is_release = env::var("PROFILE").is_ok_and(|profile| profile == "release");
    let commit = given.or_else(|| if is_release { of_repository() } else { None });
    println!("cargo:rustc-env=SESAME_COMMIT={}", commit.as_deref().unwrap_or("no commit"));
}

/// The commit that the repository is at. Cargo builds again after the next commit.
fn of_repository() -> Option<String> {
    let log = git(&["rev-parse", "--git-path", "logs/HEAD"])?;
    println!("cargo:rerun-if-changed={log}");
    git(&["rev-parse", "--short=12", "HEAD"])
}

/// What git answers; `None` where there is no git or no repository.
fn git(arguments: &[&str]) -> Option<String> {
    let output =
        Command::new("git").args(arguments).output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8(output.stdout).ok()?.trim().to_owned())
}
