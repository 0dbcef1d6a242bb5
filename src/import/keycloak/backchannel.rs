//! Clients that ask people over the backchannel (CIBA).

use crate::{
    api::{EnumSpec, OidcClientSpec},
    import::{manifests::ImportCollector, source_field::SourceField},
    model::BackchannelTokenDeliveryMode,
};

const GRANT: &str = "oidc.ciba.grant.enabled";
const DELIVERY_MODE: &str = "ciba.backchannel.token.delivery.mode";
/// The attribute of the realm, for clients without a mode of their own.
const REALM_DELIVERY_MODE: &str = "cibaBackchannelTokenDeliveryMode";
const NOTIFICATION_ENDPOINT: &str = "ciba.backchannel.client.notification.endpoint";

/// Whether a client keeps the grant, with a note on what changes.
pub(super) fn keeps_grant(import: &mut ImportCollector, client: &SourceField<'_>) -> bool {
    let attributes = client.get("attributes");
    if !attributes.is_set(GRANT) {
        return false;
    }
    let is_public = client.is_set("publicClient");
    let message = if is_public {
        "not imported: a client without a secret or key cannot ask people over the backchannel"
    } else {
        "people answer on their account page here: the authentication channel of the realm is not imported"
    };
    import.notes.add(&attributes.get(GRANT), message);
    !is_public
}

/// How a client with the grant learns of answers. A client polls unless it is notified, and may poll in each mode.
pub(super) fn token_delivery(
    import: &mut ImportCollector,
    (realm, client): (&SourceField<'_>, &SourceField<'_>),
) -> OidcClientSpec {
    let attributes = client.get("attributes");
    let of_realm = || realm.get("attributes").text(REALM_DELIVERY_MODE);
    let mode = attributes.text(DELIVERY_MODE).or_else(of_realm);
    let endpoint = attributes.text(NOTIFICATION_ENDPOINT).filter(|url| url.starts_with("https://"));
    let message = match mode.as_deref() {
        None | Some("poll") => return OidcClientSpec::default(),
        Some("ping") if endpoint.is_some() => {
            let mode = EnumSpec::Supported(BackchannelTokenDeliveryMode::Ping);
            return OidcClientSpec {
                backchannel_token_delivery_mode: Some(mode),
                backchannel_client_notification_endpoint: endpoint,
                ..OidcClientSpec::default()
            };
        }
        Some("ping") => {
            "not imported: the client has no notification endpoint with https, so it has to poll"
                .to_owned()
        }
        Some(other) => format!("{other} is not imported: the client has to poll"),
    };
    import.notes.add(&attributes.get(DELIVERY_MODE), message);
    OidcClientSpec::default()
}
