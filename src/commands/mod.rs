//! The commands. Each reads its flags and wires the parts together. Only this module and `main` use
//! `anyhow`.

pub mod check;
pub mod crds;
pub mod dev;
pub mod hash_password;
mod measuring;
mod outbound;
pub mod run;
mod runtime;
mod signals;
mod store;

use std::process::ExitCode;

use anyhow::Result;

use crate::{cli::Command, model::SystemEntropy};

/// Runs a command and returns the exit status of the process.
pub fn dispatch(command: Command) -> Result<ExitCode> {
    match command {
        Command::Run(args) => run::run(&args)?,
        Command::Dev(args) => dev::run(&args)?,
        Command::Check(args) => return check::run(&args),
        Command::Crds(args) => crds::run(&args)?,
        Command::HashPassword => hash_password::run(&SystemEntropy::new())?,
    }
    Ok(ExitCode::SUCCESS)
}
