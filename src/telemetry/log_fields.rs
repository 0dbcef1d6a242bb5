//! Every field of log lines with its meaning. `docs/reference/logs.md` is made from this table.

/// A field of log lines.
#[derive(Clone, Copy, Debug)]
pub struct LogField {
    /// The key in a JSON line.
    pub name: &'static str,
    /// The value in words, as Markdown.
    pub meaning: &'static str,
}

const fn field(name: &'static str, meaning: &'static str) -> LogField {
    LogField { name, meaning }
}

/// The fields that every line has.
pub const COMMON_LOG_FIELDS: &[LogField] = &[
    field("timestamp", "Time of the line (RFC 3339, UTC)."),
    field("level", "`ERROR`, `WARN`, `INFO`, `DEBUG` or `TRACE`."),
    field(
        "target",
        "The module that logs, such as `lanyard::controller::run`; `lanyard::access` for requests, `audit` for security events.",
    ),
    field("message", "The event in words."),
];

/// The fields that some lines have, by name.
pub const LOG_FIELDS: &[LogField] = &[
    field(
        "address",
        "Address of the request's client, of a server, or of a client with too many connections.",
    ),
    field("admin", "Address of health and metrics."),
    field("attempts", "Number of attempts to deliver a logout notification."),
    field("audit", "The members of an audit line as a JSON object, in the format `text` only."),
    field("base_url", "The installation's base URL."),
    field("certificate", "File of the TLS certificate."),
    field(
        "client",
        "The client: `namespace/name` of its OidcClient, or the URL of its metadata document.",
    ),
    field(
        "clock_ahead_ms",
        "Milliseconds by which this machine's clock is ahead of the store's; negative if behind.",
    ),
    field("config_map", "The ConfigMap of host settings, as `namespace/name`."),
    field("connections", "Maximum number of connections of one address."),
    field("document", "The kind of document that could not be fetched."),
    field("duration_ms", "Time from the request's head to its response, in milliseconds."),
    field("endpoint", "The endpoint, in the words of the metrics' label."),
    field("error", "The error with its causes, or what is wrong with a manifest or an object."),
    field(
        "error.code",
        "Error code of the response (RFC 6749 §5.2, OpenID Connect Core §3.1.2.6).",
    ),
    field("error.description", "The `error_description` that the client gets."),
    field("error.detail", "More about the error, for the log only."),
    field("failures", "Number of failed counts of the store's records in a row."),
    field("field", "The field of a manifest that a problem is about."),
    field("file", "File of the embedded store, of a manifest, or of messages."),
    field("folder", "A folder of manifests that cannot be read."),
    field("format", "Format version of the database after a migration."),
    field("is_leader", "Whether this replica holds the Lease now."),
    field("keys", "Number of sealing and vault keys that are missing from their Secrets."),
    field("kind", "Kind of the object that is reconciled."),
    field("listen", "Address of the endpoints and pages."),
    field("method", "HTTP method; `OTHER` if it is not one of the usual ones."),
    field("name", "Name of the object that is reconciled."),
    field("namespace", "Namespace of the object that is reconciled, or a watched namespace."),
    field("note", "Message of an Event (`lanyard dev`)."),
    field("object", "The object, as `Kind namespace/name`."),
    field("omitted_frames", "Number of front-channel logout frames that a page left out."),
    field("operation", "The store operation, in the words of the metrics' label."),
    field("provider", "The IdentityProvider, as `namespace/name`."),
    field("reason", "Reason of a condition or Event, or of a failed reconcile."),
    field(
        "received",
        "The value of a request that is not one of `registered`, such as a redirect URI.",
    ),
    field("record", "Key of a record of the store: its tenant and id."),
    field("record_kind", "Kind of a record of the store."),
    field("registered", "The values that the client has, or that the server accepts."),
    field("remedy", "The setting to change if users reach a limit."),
    field("request_id", "Id of the request; the response header `x-request-id` has it too."),
    field("secret", "The Secret, as `namespace/name`."),
    field("sessions", "Number of sessions that a provider has ended."),
    field("since", "When the API server stopped answering."),
    field("statement", "An SQL statement that the database refused."),
    field("status", "HTTP status code of the response."),
    field("tenant", "The tenant, as `namespace/name`."),
    field("upstream", "The server of an identity provider."),
    field("used_file", "The file whose copy of a duplicate object is used."),
    field("user", "The user of the request, by the subject."),
    field("version", "Version of the API server."),
    field("will_retry", "Whether a failed logout notification is tried again."),
];

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, path::Path};

    use super::*;

    /// The arguments of a macro call that begins before `text`.
    fn arguments(text: &str) -> Vec<&str> {
        let (mut arguments, mut start, mut depth, mut in_string) = (Vec::new(), 0, 0, false);
        let mut characters = text.char_indices();
        while let Some((index, character)) = characters.next() {
            match character {
                '\\' if in_string => drop(characters.next()),
                '"' => in_string = !in_string,
                _ if in_string => {}
                ')' if depth == 0 => {
                    arguments.push(text[start..index].trim());
                    break;
                }
                '(' | '[' | '{' => depth += 1,
                ')' | ']' | '}' => depth -= 1,
                ',' if depth == 0 => {
                    arguments.push(text[start..index].trim());
                    start = index + 1;
                }
                _ => {}
            }
        }
        arguments
    }

    /// The name of the field that an argument adds.
    fn field_name(argument: &str) -> Option<&str> {
        let argument = argument.trim_start_matches(['%', '?']);
        let is_part = |character: char| character.is_alphanumeric() || "_.".contains(character);
        let end = argument.find(|character| !is_part(character)).unwrap_or(argument.len());
        let rest = argument[end..].trim_start();
        let is_field = end > 0 && (rest.is_empty() || rest.starts_with('='));
        is_field.then_some(&argument[..end])
    }

    /// The fields of the log lines and spans in a source file.
    fn fields_of(source: &str) -> BTreeSet<&str> {
        let mut fields = BTreeSet::new();
        for (macros, is_span) in [("!(", false), ("_span!(", true)] {
            for level in ["trace", "debug", "info", "warn", "error"] {
                for (at, call) in source.match_indices(&format!("tracing::{level}{macros}")) {
                    let arguments = arguments(&source[at + call.len()..]);
                    // Format arguments follow a message; fields follow a span's name.
                    let is_text = |argument: &&&str| argument.starts_with('"');
                    let fits = |argument: &&&str| is_span || !is_text(argument);
                    let found = arguments.iter().take_while(fits).filter(|it| !is_text(it));
                    fields.extend(found.filter_map(|argument| field_name(argument)));
                }
            }
        }
        fields
    }

    fn sources(folder: &Path, sources: &mut Vec<String>) {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                super::tests::sources(&path, sources);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                sources.push(fs::read_to_string(path).expect("a source file"));
            }
        }
    }

    #[test]
    fn fields_are_found_in_calls() {
        let source = "tracing::warn!(target: \"a::b\", %error, code = f(a, \"x, y\"), last.name, \"{}, \", it.name)\n\
                      tracing::info_span!(\"name\", tenant)";
        let expected = ["code", "error", "last.name", "tenant"];
        assert_eq!(fields_of(source), BTreeSet::from(expected));
    }

    #[test]
    fn the_table_has_the_fields_of_all_log_lines_and_no_others() {
        let mut all = Vec::new();
        sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut all);
        let found: BTreeSet<&str> = all.iter().flat_map(|source| fields_of(source)).collect();
        let known: BTreeSet<&str> = LOG_FIELDS.iter().map(|field| field.name).collect();
        let examples = BTreeSet::from(["last.name"]);
        assert_eq!(found.difference(&examples).copied().collect::<BTreeSet<_>>(), known);
        assert!(LOG_FIELDS.is_sorted_by_key(|field| field.name));
    }
}
