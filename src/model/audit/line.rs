//! The line of an event: the event with its tenant and request.

use std::{fmt, net::IpAddr, sync::Arc};

use schemars::JsonSchema;
use serde::Serialize;

use super::{AuditEvent, AuditOutcome, AuditText};
use crate::model::{Endpoint, TenantId};

/// The target of audit lines in the log (docs/audit.md).
pub const AUDIT_TARGET: &str = "audit";

/// The version of the members of audit lines. It changes if a member changes its meaning or goes, not
/// if events, members or words are added.
pub const AUDIT_SCHEMA: u32 = 1;

/// The request that caused an event.
#[derive(Clone, Copy, Debug)]
pub struct AuditOrigin<'a> {
    /// The id of the request, which the response header `x-request-id` contains.
    pub request_id: &'a str,
    /// The endpoint that received it.
    pub endpoint: Endpoint,
    /// The IP address of the request's client, as trusted proxies report it.
    pub address: IpAddr,
    /// The header `User-Agent` of the request; `None` if it has none.
    pub user_agent: Option<&'a str>,
}

/// An event with its tenant and request.
#[derive(Clone, Debug)]
pub struct AuditRecord<'a> {
    /// The tenant; `None` for events of the installation.
    pub tenant: Option<&'a TenantId>,
    /// The request; `None` for events that none caused.
    pub origin: Option<AuditOrigin<'a>>,
    /// The event, which decides the name, the message and the outcome of the line.
    pub event: AuditEvent<'a>,
}

/// A destination of security events, such as the log.
pub trait AuditSink: Send + Sync + fmt::Debug {
    /// Writes the line of an event, and counts it.
    fn record(&self, record: &AuditRecord<'_>);
}

/// A sink that is shared between tasks.
pub type SharedAuditSink = Arc<dyn AuditSink>;

/// A sink that ignores all events.
#[derive(Clone, Copy, Debug)]
pub struct IgnoredAudit;

impl AuditSink for IgnoredAudit {
    fn record(&self, _: &AuditRecord<'_>) {}
}

/// The members of an audit line that the event decides.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct AuditLine<'a> {
    /// Version of the members. It changes if a member changes its meaning or goes, not if events, members
    /// or words are added.
    schema: u32,
    #[serde(flatten)]
    event: &'a AuditEvent<'a>,
    /// Whether what the line reports succeeded.
    outcome: AuditOutcome,
    /// The tenant, as `namespace/name`. Absent for the sealing and vault keys, which all tenants share.
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant: Option<AuditText<'a, 512>>,
    /// Id of the request; the response header `x-request-id` and the other lines of the request have it
    /// too. Absent where no request caused the event.
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<AuditText<'a, 64>>,
    /// The endpoint, in the words of the metrics' label.
    #[serde(skip_serializing_if = "Option::is_none")]
    endpoint: Option<AuditText<'a, 64>>,
    /// Address of the request's client.
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<AuditText<'a, 64>>,
    /// `User-Agent` of the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    user_agent: Option<AuditText<'a>>,
}

impl<'a> AuditLine<'a> {
    /// The line of an event. Its texts are bounded and escaped.
    pub fn of(record: &'a AuditRecord<'a>) -> Self {
        let origin = record.origin.as_ref();
        Self {
            schema: AUDIT_SCHEMA,
            event: &record.event,
            outcome: record.event.outcome(),
            tenant: record.tenant.map(|tenant| AuditText::new(tenant.to_string())),
            request_id: origin.map(|origin| AuditText::new(origin.request_id)),
            endpoint: origin.map(|origin| AuditText::new(origin.endpoint.label())),
            address: origin.map(|origin| AuditText::new(origin.address.to_string())),
            user_agent: origin.and_then(|origin| origin.user_agent.map(AuditText::new)),
        }
    }

    /// The line's members as a JSON object.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("a line serializes to memory")
    }
}
