//! Log lines as flat JSON objects. A line has the fields of its spans too, so `request_id` finds all lines of a
//! request.
//!
//! Members are written straight into the line. The JSON formatter of `tracing-subscriber` makes a
//! map of values for the fields of each span, which costs more than a response from the snapshot.

use std::fmt::{self, Write};

use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    field::RecordFields,
    fmt::{
        FmtContext, FormatFields, FormattedFields,
        format::{FormatEvent, Writer},
        time::{FormatTime, SystemTime},
    },
    registry::{LookupSpan, Scope},
};

use crate::model::AUDIT_TARGET;

/// A formatter of flat JSON lines. Spans must not have fields that lines within them also have.
pub struct FlatJsonFormat;

/// A formatter of fields as members of a JSON object, with a comma before each.
pub struct JsonMembers;

impl<'w> FormatFields<'w> for JsonMembers {
    fn format_fields<R: RecordFields>(&self, mut writer: Writer<'w>, fields: R) -> fmt::Result {
        let mut members = MemberVisitor::new(&mut writer);
        fields.record(&mut members);
        members.result
    }
}

impl<S> FormatEvent<S, JsonMembers> for FlatJsonFormat
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, JsonMembers>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let metadata = event.metadata();
        write_head(&mut writer, *metadata.level())?;
        if metadata.target() == AUDIT_TARGET {
            return write_audit_members(&mut writer, event);
        }
        let mut members = MemberVisitor::new(&mut writer);
        event.record(&mut members);
        let (result, log_target) = (members.result, members.log_target);
        result?;
        let target = log_target.as_deref().unwrap_or_else(|| metadata.target());
        write_member(&mut writer, "target", target)?;
        for span in context.event_scope().into_iter().flat_map(Scope::from_root) {
            if let Some(members) = span.extensions().get::<FormattedFields<JsonMembers>>() {
                writer.write_str(members)?;
            }
        }
        writer.write_str("}\n")
    }
}

/// Writes the first members, which every line has.
fn write_head(writer: &mut Writer<'_>, level: Level) -> fmt::Result {
    writer.write_str("{\"timestamp\":\"")?;
    SystemTime.format_time(writer)?;
    write!(writer, "\",\"level\":\"{level}\"")
}

/// Writes `,"name":"value"` with the value escaped. The name must need no escapes.
fn write_member(writer: &mut Writer<'_>, name: &str, value: &str) -> fmt::Result {
    write!(writer, ",\"{name}\":\"")?;
    JsonEscaper(writer).write_str(value)?;
    writer.write_char('"')
}

/// Writes text as the inside of a JSON string (RFC 8259 §7).
struct JsonEscaper<'a, 'w>(&'a mut Writer<'w>);

impl Write for JsonEscaper<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let is_special = |character| matches!(character, '"' | '\\' | '\0'..='\x1f');
        for part in text.split_inclusive(is_special) {
            let last = part.chars().next_back().filter(|last| is_special(*last));
            let Some(special) = last else {
                self.0.write_str(part)?;
                continue;
            };
            // Special characters take one byte.
            self.0.write_str(&part[..part.len() - 1])?;
            match special {
                '"' | '\\' => write!(self.0, "\\{special}")?,
                '\n' => self.0.write_str("\\n")?,
                '\r' => self.0.write_str("\\r")?,
                '\t' => self.0.write_str("\\t")?,
                other => write!(self.0, "\\u{:04x}", u32::from(other))?,
            }
        }
        Ok(())
    }
}

/// Writes the fields of an event as members of the line's JSON object.
struct MemberVisitor<'a, 'w> {
    writer: &'a mut Writer<'w>,
    result: fmt::Result,
    /// The target of a line that a library wrote by the crate `log`.
    log_target: Option<String>,
}

impl<'a, 'w> MemberVisitor<'a, 'w> {
    fn new(writer: &'a mut Writer<'w>) -> Self {
        Self { writer, result: Ok(()), log_target: None }
    }

    fn number(&mut self, field: &Field, value: impl fmt::Display) {
        let name = field.name();
        self.result = self.result.and_then(|()| write!(self.writer, ",\"{name}\":{value}"));
    }

    /// Whether the field is one of those with the source of a line of the crate `log`.
    fn is_log_source(field: &Field) -> bool {
        field.name().starts_with("log.")
    }
}

impl Visit for MemberVisitor<'_, '_> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        if value.is_finite() {
            self.number(field, value);
        } else {
            self.number(field, "null");
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.number(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        if !Self::is_log_source(field) {
            self.number(field, value);
        }
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        self.number(field, value);
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        self.number(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.number(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "log.target" => self.log_target = Some(value.to_owned()),
            _ if Self::is_log_source(field) => {}
            name => {
                self.result = self.result.and_then(|()| write_member(self.writer, name, value));
            }
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if Self::is_log_source(field) {
            return;
        }
        self.result = self.result.and_then(|()| {
            write!(self.writer, ",\"{}\":\"", field.name())?;
            write!(JsonEscaper(self.writer), "{value:?}")?;
            self.writer.write_char('"')
        });
    }
}

/// The fields of an audit line.
#[derive(Default)]
struct AuditFields {
    message: String,
    /// The members of the line as the text of a JSON object.
    audit: String,
}

impl Visit for AuditFields {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "audit" {
            value.clone_into(&mut self.audit);
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            self.message = format!("{value:?}");
        }
    }
}

/// Writes the rest of an audit line: it is complete in itself, so it has no fields of spans.
fn write_audit_members(writer: &mut Writer<'_>, event: &Event<'_>) -> fmt::Result {
    let mut fields = AuditFields::default();
    event.record(&mut fields);
    let members = fields.audit.strip_prefix('{').ok_or(fmt::Error)?;
    write_member(writer, "target", AUDIT_TARGET)?;
    write_member(writer, "message", &fields.message)?;
    writeln!(writer, ",{members}")
}

#[cfg(test)]
mod tests {
    use std::{
        io,
        sync::{Arc, Mutex},
    };

    use serde_json::{Value, json};
    use tracing_subscriber::{fmt, layer::SubscriberExt};

    use super::*;

    #[derive(Clone, Default)]
    struct Buffer(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Buffer {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("not poisoned").write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// The lines that `log` writes, without their times.
    fn lines(log: impl FnOnce()) -> Vec<Value> {
        let buffer = Buffer::default();
        let writer = buffer.clone();
        let layer = fmt::layer()
            .fmt_fields(JsonMembers)
            .event_format(FlatJsonFormat)
            .with_writer(move || writer.clone());
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), log);
        let text = buffer.0.lock().expect("not poisoned").clone();
        let text = String::from_utf8(text).expect("UTF-8");
        let parse = |line: &str| {
            let mut line: Value = serde_json::from_str(line).expect("a JSON object");
            assert!(line.as_object_mut().expect("an object").remove("timestamp").is_some());
            line
        };
        text.lines().map(parse).collect()
    }

    #[test]
    fn a_line_has_the_fields_of_its_spans() {
        let lines = lines(|| {
            let outer = tracing::info_span!("request", request_id = "a \"b\"", tenant = "team/a");
            let _outer = outer.entered();
            let _inner = tracing::info_span!("nothing").entered();
            tracing::info!(status = 7, "within");
        });
        let expected = json!({
            "level": "INFO", "message": "within", "status": 7, "request_id": "a \"b\"",
            "tenant": "team/a", "target": "lanyard::telemetry::json_lines::tests",
        });
        assert_eq!(lines, [expected]);
    }

    #[test]
    fn an_audit_line_has_the_members_of_its_event() {
        let lines = lines(|| {
            let _span = tracing::info_span!("request", request_id = "x").entered();
            tracing::info!(target: AUDIT_TARGET, audit = r#"{"schema":1,"event":"logout"}"#, "a \"b\"");
        });
        let expected = json!({
            "level": "INFO", "target": "audit", "message": "a \"b\"", "schema": 1, "event": "logout",
        });
        assert_eq!(lines, [expected]);
    }

    #[test]
    fn a_line_outside_of_spans_has_its_own_fields_only() {
        let lines = lines(|| tracing::warn!(status = 7, "outside"));
        let target = "lanyard::telemetry::json_lines::tests";
        let expected =
            json!({"level": "WARN", "message": "outside", "status": 7, "target": target});
        assert_eq!(lines, [expected]);
    }

    #[test]
    fn every_kind_of_value_is_json() {
        let all: String =
            (0..=0x7f_u8).map(char::from).chain("\u{80}é\u{2028}😀".chars()).collect();
        let lines = lines(|| {
            tracing::info!(
                error = all,
                note = ?all,
                reason = %all,
                field = "",
                clock_ahead_ms = -1_i64,
                keys = u128::from(u64::MAX),
                duration_ms = 0.5,
                attempts = f64::NAN,
                is_leader = true,
                status = None::<u64>,
                "quoted \"\\\n"
            );
        });
        let expected = json!({
            "level": "INFO", "message": "quoted \"\\\n", "error": all, "note": format!("{all:?}"),
            "reason": all, "field": "", "clock_ahead_ms": -1, "keys": u64::MAX, "duration_ms": 0.5, "attempts": null,
            "is_leader": true, "target": "lanyard::telemetry::json_lines::tests",
        });
        assert_eq!(lines, [expected]);
    }

    #[test]
    fn fields_that_a_span_gets_later_are_members_too() {
        let lines = lines(|| {
            let span = tracing::info_span!("request", keys = 1, client = tracing::field::Empty);
            span.record("client", "two");
            let _span = span.entered();
            tracing::info!("within");
        });
        assert_eq!(lines[0]["keys"], 1);
        assert_eq!(lines[0]["client"], "two");
    }
}
