//! Sets `Ready=Unknown` in the statuses of objects in namespaces that are no longer watched. Lanyard needs the rights
//! to list and write them; other objects keep their last status.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

use super::ControllerContext;
use crate::{
    api::{ConditionReason, ConditionType, ready_condition},
    model::Timestamp,
    source::{StatusUpdate, UnwatchedObject},
};

const UNKNOWN: &str = "Unknown";

/// Sets `Ready` of such objects to `Unknown`.
pub async fn report_unwatched_objects(context: &ControllerContext) {
    for found in context.source.unwatched().await {
        if !was_served_here(context, &found) {
            continue;
        }
        let Some(update) = update(&found, context.clock.now()) else { continue };
        // The object may have changed or gone in the meantime, and another installation may serve it now.
        if let Err(error) = context.source.publish_status(&found.object, update).await {
            tracing::debug!(object = %found.object, %error, "failed to report that an object is not watched");
        }
    }
}

/// Returns true if the status names an issuer of this installation: another installation may watch
/// the namespace.
fn was_served_here(context: &ControllerContext, found: &UnwatchedObject) -> bool {
    let Some(issuer) = found.status.text("issuer") else { return false };
    let below_base = context.base_url.as_ref().is_some_and(|base| {
        issuer.strip_prefix(base.as_str()).is_some_and(|rest| rest.starts_with('/'))
    });
    let snapshot = context.registry.snapshot();
    below_base || snapshot.tenants().any(|tenant| tenant.tenant.issuer.as_str() == issuer)
}

fn update(found: &UnwatchedObject, now: Timestamp) -> Option<StatusUpdate> {
    let ready = ready_condition(found.status.conditions())?;
    if ready.status == UNKNOWN {
        return None;
    }
    let condition = Condition {
        type_: ConditionType::Ready.as_str().to_owned(),
        status: UNKNOWN.to_owned(),
        reason: ConditionReason::NotWatched.as_str().to_owned(),
        message: "Lanyard no longer watches this namespace; add it to watchNamespaces or give it the labels of watchNamespacesSelector, or delete the object".to_owned(),
        observed_generation: found.generation,
        last_transition_time: Time(jiff::Timestamp::from_second(now.secs()).unwrap_or_default()),
    };
    Some(StatusUpdate::Malformed {
        status: found.status.with_conditions(found.generation, vec![condition]),
        resource_version: found.resource_version.clone(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        api::RawStatus,
        model::{ManagedKind, ObjectKey, ObjectRef},
    };

    fn unwatched(ready: &str) -> UnwatchedObject {
        UnwatchedObject {
            object: ObjectRef::new(ManagedKind::OidcClient, ObjectKey::new("left", "shop")),
            generation: Some(4),
            resource_version: Some("7".to_owned()),
            status: RawStatus::read(json!({
                "clientId": "left.shop", "issuer": "https://id.test/team/main",
                "conditions": [{
                    "type": "Ready", "status": ready, "reason": "Ready", "message": "",
                    "lastTransitionTime": "2026-01-01T00:00:00Z",
                }],
            })),
        }
    }

    #[test]
    fn ready_becomes_unknown_and_the_rest_stays() {
        let now = Timestamp::from_secs(1_800_000_000);
        for before in ["True", "False"] {
            let update = update(&unwatched(before), now).expect("a change");
            let ready = ready_condition(update.conditions()).expect("it is there");
            assert_eq!((&*ready.status, &*ready.reason), ("Unknown", "NotWatched"));
            let StatusUpdate::Malformed { status, resource_version } = update else {
                panic!("raw")
            };
            assert_eq!(status.to_json()["clientId"], "left.shop");
            assert_eq!(resource_version.as_deref(), Some("7"));
        }
        assert!(update(&unwatched("Unknown"), now).is_none(), "it is reported once");
    }
}
