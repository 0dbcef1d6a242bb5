//! `lanyard crds`: the custom resource definitions, printed or written to a folder.

use std::{
    fs,
    io::{self, Write},
};

use anyhow::{Context, Result};

use crate::{api::custom_resource_definitions, cli::CrdsArgs};

/// Prints all CRDs as one YAML stream, or writes one file per kind.
pub fn run_crds(args: &CrdsArgs) -> Result<()> {
    let Some(dir) = &args.dir else {
        let mut output = io::stdout().lock();
        for (_, yaml) in custom_resource_definitions() {
            write!(output, "---\n{yaml}")?;
        }
        return Ok(());
    };
    fs::create_dir_all(dir).with_context(|| format!("creating the folder {}", dir.display()))?;
    for (name, yaml) in custom_resource_definitions() {
        let path = dir.join(name);
        fs::write(&path, yaml).with_context(|| format!("writing {}", path.display()))?;
    }
    Ok(())
}
