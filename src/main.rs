//! The `lanyard` command: parse arguments, call a command, say in one line what went wrong.

use std::process::ExitCode;

use clap::Parser;
use lanyard::{cli::Cli, commands};

fn main() -> ExitCode {
    match commands::dispatch(Cli::parse().command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("lanyard: {error:#}");
            ExitCode::FAILURE
        }
    }
}
