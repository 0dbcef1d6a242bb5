//! Log lines as flat JSON objects: a line has the fields of its spans too, so that the
//! lines of a request are found by `request_id` whatever logged them.

use std::fmt;

use serde_json::json;
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    fmt::{
        FmtContext, FormattedFields,
        format::{self, FormatEvent, JsonFields, Writer},
        time::{FormatTime, SystemTime},
    },
    registry::LookupSpan,
};

use crate::model::AUDIT_TARGET;

/// A formatter of flat JSON lines. Spans must not have fields that lines within them also have.
pub struct FlatJsonFormat(format::Format<format::Json>);

impl Default for FlatJsonFormat {
    fn default() -> Self {
        let line = format::format().json().flatten_event(true);
        Self(line.with_current_span(false).with_span_list(false))
    }
}

impl<S> FormatEvent<S, JsonFields> for FlatJsonFormat
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, JsonFields>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        if event.metadata().target() == AUDIT_TARGET {
            return write_audit_line(writer, event);
        }
        let Some(spans) = context.event_scope() else {
            return self.0.format_event(context, writer, event);
        };
        let mut line = String::new();
        self.0.format_event(context, Writer::new(&mut line), event)?;
        let members = line.trim_end().strip_suffix('}').ok_or(fmt::Error)?;
        writer.write_str(members)?;
        for span in spans.from_root() {
            let extensions = span.extensions();
            let fields = extensions.get::<FormattedFields<JsonFields>>();
            // The fields are a JSON object too.
            let members = fields.and_then(|it| it.strip_prefix('{')?.strip_suffix('}'));
            if let Some(members) = members.filter(|members| !members.is_empty()) {
                write!(writer, ",{members}")?;
            }
        }
        writer.write_str("}\n")
    }
}

/// The fields of an audit line.
#[derive(Default)]
struct AuditFields {
    message: String,
    /// A JSON object.
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

/// Writes an audit line: it is complete in itself, so it has no fields of spans.
fn write_audit_line(mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
    let mut fields = AuditFields::default();
    event.record(&mut fields);
    let mut time = String::new();
    SystemTime.format_time(&mut Writer::new(&mut time))?;
    let members = fields.audit.strip_prefix('{').ok_or(fmt::Error)?;
    let level = event.metadata().level().as_str();
    let (time, message) = (json!(time), json!(fields.message));
    writeln!(
        writer,
        "{{\"timestamp\":{time},\"level\":\"{level}\",\"target\":\"{AUDIT_TARGET}\",\"message\":{message},{members}"
    )
}

#[cfg(test)]
mod tests {
    use std::{
        io,
        sync::{Arc, Mutex},
    };

    use serde_json::Value;
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
            .fmt_fields(JsonFields::new())
            .event_format(FlatJsonFormat::default())
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
}
