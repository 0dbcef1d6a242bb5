//! `lanyard messages`: the texts of pages, as the template of a file for another language.

use std::io::{self, Write};

use anyhow::{Result, bail};

use crate::{
    cli::MessagesArgs,
    messages::{LanguageTag, message_template},
};

/// Prints the texts of a language, or the English ones if it is not built in.
pub fn run_messages(args: &MessagesArgs) -> Result<()> {
    let Some(tag) = LanguageTag::parse(&args.locale) else {
        bail!("{:?} is not a language tag; write one such as fr or pt-BR", args.locale);
    };
    io::stdout().write_all(message_template(&tag).as_bytes())?;
    Ok(())
}
