//! The error of an invalid command line.

use clap::error::ErrorKind;

/// The one-line error message for an invalid command line; `None` if help or the version was
/// requested.
pub fn usage_refusal(error: &clap::Error) -> Option<String> {
    if !error.use_stderr() || error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        return None;
    }
    let text = error.to_string();
    let (said, usage) = text.split_once("Usage: ").unwrap_or((&text, "lanyard"));
    let paragraphs: Vec<String> = said
        .split("\n\n")
        .map(|paragraph| paragraph.split_whitespace().collect::<Vec<_>>().join(" "))
        .filter(|paragraph| !paragraph.is_empty() && !paragraph.starts_with("For more information"))
        .collect();
    let said = paragraphs.join("; ");
    let said = said.strip_prefix("error: ").unwrap_or(&said);
    // The command without its arguments.
    let command = usage.split_whitespace().take_while(|word| word.starts_with(char::is_lowercase));
    let command = command.collect::<Vec<_>>().join(" ");
    Some(format!("{said} (see {command} --help)"))
}
