//! The `lanyard` command: parses arguments, runs a command, and prints an error in one line.

use std::process::ExitCode;

use clap::Parser;
use lanyard::{
    cli::{self, Cli},
    commands,
};

/// The system's allocator makes a request a tenth slower, and returns less memory after a burst.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => match cli::usage_refusal(&error) {
            Some(line) => {
                eprintln!("lanyard: {line}");
                return ExitCode::from(2);
            }
            None => error.exit(),
        },
    };
    match commands::dispatch_command(cli.command) {
        Ok(code) => code,
        // A closed pipe is not an error: `head` closes it after the lines it needs.
        Err(error) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("lanyard: {}", one_line(error.chain().map(ToString::to_string)));
            ExitCode::FAILURE
        }
    }
}

fn is_closed_pipe(error: &anyhow::Error) -> bool {
    let error = error.downcast_ref::<std::io::Error>();
    error.is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}

/// An error and its causes, without causes that an earlier message contains.
fn one_line(chain: impl Iterator<Item = String>) -> String {
    chain.fold(String::new(), |line, cause| match line.as_str() {
        "" => cause,
        said if said.contains(&cause) => line,
        _ => format!("{line}: {cause}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeated_cause_is_printed_once() {
        let chain = ["no answer: refused (111)", "refused (111)", "at port 1"];
        assert_eq!(
            one_line(chain.into_iter().map(str::to_owned)),
            "no answer: refused (111): at port 1"
        );
    }
}
