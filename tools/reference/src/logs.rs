//! The page of the log: its formats, fields and targets.

use lanyard::telemetry::{COMMON_LOG_FIELDS, LOG_FIELDS, LogField, VERBOSE_TARGETS};

use crate::markdown::{code, codes, prose, table};

/// The page of the log.
pub fn page() -> String {
    format!(
        "# Log\n\n\
         The log is written to standard error, one line for each event. `--log-format json` writes JSON objects, \
         `--log-format text` lines to read; `--log-level` selects what is logged, also by target.\n\n\
         ## Fields of every line\n\n{}\n\
         Lines in the format `text` have no target.\n\n\
         ## Spans\n\n\
         Lines that are written while a request is handled also have the fields `request_id`, `tenant` and `endpoint` of \
         the request, and lines that are written while an object is reconciled have the fields `kind`, `namespace` and \
         `name` of the object. In the format `json` they are members of the line; in the format `text` they \
         stand before the message, as `request{{request_id=… tenant=… endpoint=…}}`.\n\n\
         ## Fields of some lines\n\n{}\n\
         ## Audit lines\n\n\
         A line with the target `audit` reports a security event: [Audit events](audit-events.md). In the format `json` it has the \
         members of its event and none of the request's span; in the format `text` the members are the JSON object in the field \
         `audit`. Audit lines are written at every `--log-level` that does not name the target `audit` itself.\n\n\
         ## Targets\n\n\
         Lines of Lanyard have the path of the module as target, such as `lanyard::controller::run`. Lines about \
         requests have the target `lanyard::access`. Libraries that log requests with their headers and bodies never log below \
         `info`, whatever `--log-level` selects: {}.\n",
        fields(COMMON_LOG_FIELDS),
        fields(LOG_FIELDS),
        codes(VERBOSE_TARGETS)
    )
}

fn fields(fields: &[LogField]) -> String {
    let rows: Vec<[String; 2]> =
        fields.iter().map(|field| [code(field.name), prose(field.meaning)]).collect();
    table(["Field", "Meaning"], &rows)
}
