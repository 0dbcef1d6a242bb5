//! `lanyard check`: the cluster's validation offline, for the CI of a repository with manifests.

use std::{
    collections::BTreeMap,
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

use anyhow::{Context as _, Result};

use crate::{
    api::{ConditionReason, ConditionType},
    cli::CheckArgs,
    config,
    model::{Clock, Installation, ObjectKey, ObjectRef, SystemClock},
    registry::{BuildCache, build},
    source::{
        folder::{CachedManifest, collect},
        manifests::{self, ManifestObject},
    },
};

/// Prints each problem as `file: object: field: message`; exits with status 1 if there are any.
pub fn run(args: &CheckArgs) -> Result<ExitCode> {
    let mut files = Vec::new();
    for path in &args.paths {
        files.extend(manifests::find(path).with_context(|| path.display().to_string())?);
    }
    let mut output = io::stdout().lock();
    let (mut problems, mut objects) = (0, Vec::new());
    let mut found_in: BTreeMap<ObjectRef, PathBuf> = BTreeMap::new();
    for file in &files {
        let (read, wrong) = manifests::parse(file);
        for problem in wrong {
            problems += usize::from(!problem.warning);
            let mark = if problem.warning { "warning: " } else { "" };
            writeln!(output, "{mark}{problem}")?;
        }
        for object in read {
            let reference = object.reference();
            if let Some(first) = found_in.get(&reference) {
                problems += 1;
                let (file, first) = (file.display(), first.display());
                writeln!(
                    output,
                    "{file}: {reference}: is also defined in {first}; remove one of them"
                )?;
            } else {
                found_in.insert(reference, file.clone());
            }
            objects.push(object);
        }
    }
    problems += validate_objects(args, objects, &found_in, &mut output)?;
    let (files, judged) = (files.len(), found_in.len());
    writeln!(output, "{judged} objects in {files} files: {problems} problems")?;
    if files == 0 {
        // A mistyped path must not look like success.
        let paths: Vec<String> = args.paths.iter().map(|path| path.display().to_string()).collect();
        writeln!(output, "no .yaml or .yml file in {}: is it the right folder?", paths.join(", "))?;
        return Ok(ExitCode::FAILURE);
    }
    Ok(if problems == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Validates the objects together, and prints the problems of each.
fn validate_objects(
    args: &CheckArgs,
    objects: Vec<ManifestObject>,
    found_in: &BTreeMap<ObjectRef, PathBuf>,
    output: &mut impl Write,
) -> Result<usize> {
    let installation = Installation {
        base_url: config::base_url(&args.base_url)?,
        issuer_hosts: Vec::new(),
        dev: true,
        sealing_secret: ObjectKey::new("", ""),
    };
    let objects = collect(objects.into_iter().map(CachedManifest::of));
    let now = SystemClock.now();
    let snapshot = build(&objects, &installation, &BuildCache::default(), 1, now);
    let mut problems = 0;
    for verdict in snapshot.verdicts().iter() {
        let reference = &verdict.object;
        let file = found_in.get(reference).map(|file| file.display().to_string());
        let file = file.unwrap_or_default();
        for problem in &verdict.problems {
            // Objects that only a cluster creates are not reported as missing.
            let made_later =
                !matches!(problem.condition, ConditionType::Accepted | ConditionType::ResolvedRefs)
                    || problem.reason == ConditionReason::TenantNotAccepted;
            // Secrets are rarely stored with manifests.
            let warning = problem.reason == ConditionReason::SecretNotFound;
            if made_later {
                continue;
            }
            problems += usize::from(!warning);
            let mark = if warning { "warning: " } else { "" };
            writeln!(output, "{mark}{file}: {reference}: {}", problem.text())?;
        }
    }
    Ok(problems)
}
