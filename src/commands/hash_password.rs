//! `lanyard hash-password`: prints the argon2id hash of a password.
//!
//! At a terminal it prompts twice without echo. From a pipe it reads all input, without the line
//! break that `echo` adds.

use std::io::{self, IsTerminal, Read, Write};

use anyhow::{Context, Result, bail};

use crate::{
    identity::hash_password,
    model::{Entropy, MAX_PASSWORD_LEN, Secret},
};

/// Reads standard input and prints to standard output.
pub fn run_hash_password(entropy: &dyn Entropy) -> Result<()> {
    let password = if io::stdin().is_terminal() { ask()? } else { read(io::stdin().lock())? };
    writeln!(io::stdout(), "{}", hash_password(&password, entropy))?;
    Ok(())
}

fn ask() -> Result<Secret<String>> {
    let prompt = |text: &str| {
        rpassword::prompt_password(text).map(Secret::new).context("reading from the terminal")
    };
    let password = check(prompt("Password: ")?)?;
    if prompt("Repeat password: ")? != password {
        bail!("the two passwords differ; nothing was hashed");
    }
    Ok(password)
}

fn read(input: impl Read) -> Result<Secret<String>> {
    // Reads one byte beyond the limit and a line break, to detect a password that is too long.
    let most = u64::try_from(MAX_PASSWORD_LEN + 3).unwrap_or(u64::MAX);
    let mut text = String::new();
    input
        .take(most)
        .read_to_string(&mut text)
        .context("standard input is not a password in UTF-8")?;
    let text = Secret::new(text);
    check(Secret::new(text.expose().trim_end_matches(['\r', '\n']).to_owned()))
}

fn check(password: Secret<String>) -> Result<Secret<String>> {
    match password.expose().len() {
        0 => bail!("the password is empty; type one, or pipe one to standard input"),
        length if length > MAX_PASSWORD_LEN => {
            bail!("the password is longer than {MAX_PASSWORD_LEN} bytes")
        }
        _ => Ok(password),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_piped_input_without_the_line_break() {
        for piped in ["correct horse", "correct horse\n", "correct horse\r\n"] {
            assert_eq!(read(piped.as_bytes()).unwrap().expose(), "correct horse");
        }
        let longest = "x".repeat(MAX_PASSWORD_LEN);
        assert_eq!(read(format!("{longest}\r\n").as_bytes()).unwrap().expose(), &longest);
    }

    #[test]
    fn refuses_unusable_passwords() {
        let overlong = "x".repeat(MAX_PASSWORD_LEN + 1);
        for piped in ["", "\n", &overlong, &"x".repeat(100_000)] {
            assert!(read(piped.as_bytes()).is_err(), "{} bytes", piped.len());
        }
        assert!(read([0xff, 0xfe].as_slice()).is_err());
    }
}
