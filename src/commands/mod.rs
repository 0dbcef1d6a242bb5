//! The commands. Each reads its flags and wires the parts together. Only this module and `main` use
//! `anyhow`.

pub mod check;
pub mod crds;
pub mod dev;
pub mod hash_password;
pub mod import;
pub mod kube_auth;
mod languages;
mod measuring;
pub mod messages;
mod mutual_tls;
mod outbound;
mod readiness;
pub mod run;
mod runtime;
mod signals;
mod store;

use std::process::ExitCode;

use anyhow::Result;

use crate::{cli::Command, model::SystemEntropy};

/// Runs a command and returns the exit status of the process.
pub fn dispatch_command(command: Command) -> Result<ExitCode> {
    match command {
        Command::Run(args) => run::run_server(&args)?,
        Command::Dev(args) => dev::run_dev(&args)?,
        Command::Check(args) => return check::run_check(&args),
        Command::Crds(args) => crds::run_crds(&args)?,
        Command::Import(source) => return import::run_import(&source),
        Command::Messages(args) => messages::run_messages(&args)?,
        Command::KubeAuth(args) => kube_auth::run_kube_auth(&args)?,
        Command::HashPassword => hash_password::run_hash_password(&SystemEntropy::new())?,
    }
    Ok(ExitCode::SUCCESS)
}
