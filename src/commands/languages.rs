//! The languages of pages and mails, from `--languages`.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use tokio::sync::watch;

use crate::{cli::ServeArgs, messages::Languages, source::language_files::LanguageFolder};

/// The languages of pages, which follow the files of `--languages`.
pub(super) fn follow_languages(args: &ServeArgs) -> Result<watch::Receiver<Arc<Languages>>> {
    let Some(folder) = &args.languages else {
        return Ok(watch::channel(Languages::built_in()).1);
    };
    let opened = LanguageFolder::open(folder)
        .with_context(|| format!("--languages {}", folder.display()))?;
    Ok(opened.follow())
}
