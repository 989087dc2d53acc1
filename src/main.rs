//! The `sesame` program. It parses the command line, runs the command and prints an error, if there is one.

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let cli = sesame::cli::Cli::parse();
    match sesame::cli::run(cli, &mut std::io::stdout()) {
        Ok(code) => code,
        Err(error) => {
            // One line with all causes. A failure to write it cannot be reported anywhere.
            let line = format!("sesame: {error:#}").replace('\n', " ");
            let written = writeln!(std::io::stderr(), "{line}");
            drop(written);
            ExitCode::FAILURE
        }
    }
}
