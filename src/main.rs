//! The `sesame` program: parse the command line, run, say how it went.

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let cli = sesame::cli::Cli::parse();
    match sesame::cli::run(cli, &mut std::io::stdout()) {
        Ok(code) => code,
        Err(error) => {
            // One line, however deep the cause; there is nobody left to tell when even this cannot be written.
            let line = format!("sesame: {error:#}").replace('\n', " ");
            let told = writeln!(std::io::stderr(), "{line}");
            drop(told);
            ExitCode::FAILURE
        }
    }
}
