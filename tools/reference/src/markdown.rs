//! Markdown: escaping, tables and lists.

/// Text of a doc comment, which is Markdown, for a paragraph or a table cell: one line, with `|` escaped, and `<`
/// escaped outside code.
pub fn prose(text: &str) -> String {
    let mut output = String::new();
    let mut code = false;
    for (index, paragraph) in text.split("\n\n").enumerate() {
        if index > 0 {
            output.push_str("<br>");
        }
        for character in one_line(paragraph).chars() {
            match character {
                '`' => {
                    code = !code;
                    output.push('`');
                }
                '|' => output.push_str(r"\|"),
                '<' if !code => output.push_str("&lt;"),
                other => output.push(other),
            }
        }
    }
    output
}

/// Text that is not Markdown, such as help of a flag or a comment of YAML, for a paragraph or a table cell. Spans in
/// backticks stay code.
pub fn plain(text: &str) -> String {
    let mut output = String::new();
    for (index, span) in one_line(text).split('`').enumerate() {
        if index % 2 == 1 {
            output.push_str(&code(span));
            continue;
        }
        // A bracket alone is text; only `](` makes a link.
        for character in span.replace("](", r"]\(").chars() {
            match character {
                '<' => output.push_str("&lt;"),
                '|' | '*' | '_' => {
                    output.push('\\');
                    output.push(character);
                }
                other => output.push(other),
            }
        }
    }
    output
}

/// A code span for a table cell.
pub fn code(text: &str) -> String {
    let text = text.replace('|', r"\|");
    if text.contains('`') { format!("`` {text} ``") } else { format!("`{text}`") }
}

/// Code spans, separated by commas.
pub fn codes<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> String {
    texts.into_iter().map(|text| code(text.as_ref())).collect::<Vec<_>>().join(", ")
}

/// A table, or nothing if it has no rows.
pub fn table<const N: usize>(head: [&str; N], rows: &[[String; N]]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let mut output = format!("| {} |\n|{}\n", head.join(" | "), "---|".repeat(N));
    for row in rows {
        output.push('|');
        for cell in row {
            let separator = if cell.is_empty() { "" } else { " " };
            output.push_str(separator);
            output.push_str(cell);
            output.push_str(" |");
        }
        output.push('\n');
    }
    output
}

/// The text with a full stop at its end.
pub fn sentence(text: &str) -> String {
    let text = text.trim_end();
    if text.is_empty() || text.ends_with(['.', '?', '!', ':']) {
        text.to_owned()
    } else {
        format!("{text}.")
    }
}

/// The text as it opens a sentence: the path of a field in code, any other word with a capital letter. `is_field`: whether
/// a word is the name of a field. A word with a capital letter inside is one too.
pub fn opening(text: &str, is_field: impl Fn(&str) -> bool) -> String {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '.').unwrap_or(text.len());
    let path = text[..end].trim_end_matches('.');
    let word = path.split('.').next().unwrap_or_default();
    let is_camel_case =
        word.contains(|c: char| c.is_ascii_uppercase()) && !word.starts_with(char::is_uppercase);
    if is_camel_case || is_field(word) {
        return format!("{}{}", code(path), &text[path.len()..]);
    }
    capitalised(text)
}

/// The text with a capital letter at its start.
pub fn capitalised(text: &str) -> String {
    let mut characters = text.chars();
    characters
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prose_keeps_code_and_escapes_tags_and_bars() {
        assert_eq!(
            prose("Below\n`/<namespace>` or <b>, `a|b`.\n\nMore."),
            r"Below `/<namespace>` or &lt;b>, `a\|b`.<br>More."
        );
    }

    #[test]
    fn plain_text_is_not_read_as_markdown() {
        assert_eq!(
            plain("*.example.com, a_b, [x](y) <z>"),
            r"\*.example.com, a\_b, [x]\(y) &lt;z>"
        );
        assert_eq!(plain("the key `jwks_uri`"), "the key `jwks_uri`");
    }

    #[test]
    fn code_may_hold_bars_and_backticks() {
        assert_eq!(code("a|b"), r"`a\|b`");
        assert_eq!(code("a`b"), "`` a`b ``");
    }

    #[test]
    fn a_table_has_one_line_for_each_row() {
        let rows = [["`a`".to_owned(), String::new()]];
        assert_eq!(table(["Key", "Value"], &rows), "| Key | Value |\n|---|---|\n| `a` | |\n");
        assert_eq!(table(["Key"], &[]), "");
    }

    #[test]
    fn a_sentence_opens_with_a_field_in_code_or_a_capital_letter() {
        let opened = |text| opening(text, |word| word == "oidc");
        assert_eq!(opened("oidc.issuer cannot be changed"), "`oidc.issuer` cannot be changed");
        assert_eq!(opened("tenantRef cannot be changed"), "`tenantRef` cannot be changed");
        assert_eq!(opened("must be a date"), "Must be a date");
    }

    #[test]
    fn a_sentence_ends_with_one_full_stop() {
        assert_eq!(sentence("A thing"), "A thing.");
        assert_eq!(sentence("A thing."), "A thing.");
        assert_eq!(sentence(""), "");
    }
}
