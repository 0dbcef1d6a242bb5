//! The page of the command line, from clap's description of it.

use std::collections::BTreeMap;

use clap::{Arg, Command};

use crate::markdown::{code, plain, sentence, table};

/// The page of a command and its subcommands.
pub fn page(mut root: Command) -> String {
    root.build();
    let mut page = format!("# Command line\n\n{}\n\n## Commands\n\n", about(&root));
    let commands: Vec<&Command> = root.get_subcommands().flat_map(leaves).collect();
    let rows: Vec<[String; 2]> =
        commands.iter().map(|command| [code(&name(command)), about(command)]).collect();
    page.push_str(&table(["Command", "Purpose"], &rows));
    for command in &commands {
        page.push_str(&section(command));
    }
    page.push_str("\n## Environment variables\n\n");
    page.push_str("A flag on the command line takes precedence over its environment variable.\n\n");
    page.push_str(&table(["Variable", "Flag", "Commands"], &variables(&commands)));
    page
}

/// The commands that run: a command itself, or its subcommands.
fn leaves(command: &Command) -> Vec<&Command> {
    if command.get_name() == "help" {
        return Vec::new();
    }
    if command.has_subcommands() {
        return command.get_subcommands().flat_map(leaves).collect();
    }
    vec![command]
}

/// The full name of a command, as it is typed.
fn name(command: &Command) -> String {
    command.get_bin_name().unwrap_or(command.get_name()).to_owned()
}

fn about(command: &Command) -> String {
    let text = command.get_long_about().or(command.get_about());
    sentence(&plain(&text.map(ToString::to_string).unwrap_or_default()))
}

fn section(command: &Command) -> String {
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ").trim();
    let arguments: Vec<[String; 3]> = command
        .get_positionals()
        .map(|argument| {
            let required = if argument.is_required_set() { "yes" } else { "" };
            [code(&argument.to_string()), required.to_owned(), help(argument)]
        })
        .collect();
    let flags: Vec<[String; 5]> = shown(command).map(flag).collect();
    let blocks = [
        format!("## {}", name(command)),
        about(command),
        format!("```sh\n{usage}\n```"),
        table(["Argument", "Required", "Description"], &arguments),
        table(["Flag", "Variable", "Required", "Default", "Description"], &flags),
    ];
    let blocks = blocks.iter().map(|block| block.trim_end()).filter(|block| !block.is_empty());
    blocks.map(|block| format!("\n{block}\n")).collect()
}

/// The flags of a command, without `--help` and `--version`.
fn shown(command: &Command) -> impl Iterator<Item = &Arg> {
    let common = |flag: &&Arg| !["help", "version"].contains(&flag.get_id().as_str());
    command.get_arguments().filter(|argument| !argument.is_positional()).filter(common)
}

/// Whether a flag has no value.
fn is_switch(flag: &Arg) -> bool {
    !flag.is_positional() && !flag.get_action().takes_values()
}

fn flag(flag: &Arg) -> [String; 5] {
    let variable = flag.get_env().map(|name| code(&name.to_string_lossy())).unwrap_or_default();
    let defaults: Vec<_> =
        flag.get_default_values().iter().map(|value| code(&value.to_string_lossy())).collect();
    let required = if flag.is_required_set() { "yes" } else { "" };
    let mut help = help(flag);
    let default = match help.split_once("; default: ") {
        // A switch is false until it is given.
        _ if is_switch(flag) => String::new(),
        // A default that depends on something is in the help.
        Some((text, default)) => {
            let (default, values) = default.split_once("<br>").unwrap_or((default, ""));
            let blank = if values.is_empty() { "" } else { "<br>" };
            let default = default.trim_end_matches('.').to_owned();
            help = format!("{text}.{blank}{values}");
            default
        }
        None => defaults.join(", "),
    };
    [code(&flag.to_string()), variable, required.to_owned(), default, help]
}

/// The help of an argument, and the values that it may have.
fn help(argument: &Arg) -> String {
    let text = argument.get_long_help().or(argument.get_help());
    let help = sentence(&plain(&text.map(ToString::to_string).unwrap_or_default()));
    if is_switch(argument) {
        return help;
    }
    let values = argument.get_possible_values();
    let values = values.iter().filter(|value| !value.is_hide_set()).map(|value| {
        let about = value.get_help().map(|text| format!(": {}", plain(&text.to_string())));
        format!("<br>{}{}", code(value.get_name()), about.unwrap_or_default())
    });
    format!("{help}{}", values.collect::<String>())
}

/// The environment variables of all commands, with the flags that they set.
fn variables(commands: &[&Command]) -> Vec<[String; 3]> {
    let mut variables: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    for command in commands {
        for flag in shown(command) {
            let Some(variable) = flag.get_env() else { continue };
            let long = flag.get_long().unwrap_or_default();
            let key = (variable.to_string_lossy().into_owned(), format!("--{long}"));
            variables.entry(key).or_default().push(code(command.get_name()));
        }
    }
    let row = |((variable, flag), commands): ((String, String), Vec<String>)| {
        [code(&variable), code(&flag), commands.join(", ")]
    };
    variables.into_iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use clap::ArgAction;

    use super::*;

    #[test]
    fn a_page_has_arguments_flags_variables_defaults_and_values() {
        let level = Arg::new("level").long("level").env("A_LEVEL").value_name("LEVEL");
        let level = level.help("How much").default_value("low").value_parser(["low", "high"]);
        let quiet = Arg::new("quiet").long("quiet").help("No output").action(ArgAction::SetTrue);
        let form = Arg::new("form").long("form").value_name("FORM").help("The form; default: none");
        let path = Arg::new("PATH").required(true).help("Files of a|b");
        let say = Command::new("say").about("Says it").args([level, quiet, form, path]);
        let page = page(Command::new("a").about("A tool").subcommand(say));
        for line in [
            "| `a say` | Says it. |",
            "## a say",
            "a say [OPTIONS] <PATH>",
            r"| `<PATH>` | yes | Files of a\|b. |",
            "| `--level <LEVEL>` | `A_LEVEL` | | `low` | How much.<br>`low`<br>`high` |",
            "| `--quiet` | | | | No output. |",
            "| `--form <FORM>` | | | none | The form. |",
            "| `A_LEVEL` | `--level` | `say` |",
        ] {
            assert!(page.lines().any(|found| found == line), "{line} in\n{page}");
        }
    }
}
