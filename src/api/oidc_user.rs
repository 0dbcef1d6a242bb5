//! The `OidcUser` resource: a user who signs in at one tenant.

mod summary;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use summary::{UserSummary, invitation_secret};

use super::{
    EnumSpec,
    common::SecretKeyRef,
    rules::{self, user},
};
use crate::model::InvitationDelivery;

/// An OidcUser is a user who signs in at one Tenant, declared in the Tenant's namespace. Suits
/// installations with tens to thousands of users.
#[derive(CustomResource, KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "lanyard.dev",
    version = "v1alpha1",
    kind = "OidcUser",
    doc = "An OidcUser is a user who signs in at one Tenant.",
    validation = rules::name(),
    namespaced,
    category = "lanyard",
    shortname = "oidcu",
    status = "OidcUserStatus",
    printcolumn = r#"{"name":"Tenant","type":"string","jsonPath":".spec.tenantRef.name"}"#,
    printcolumn = r#"{"name":"Username","type":"string","jsonPath":".spec.username"}"#,
    printcolumn = r#"{"name":"Ready","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].status"}"#,
    printcolumn = r#"{"name":"Reason","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].reason"}"#,
    printcolumn = r#"{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}"#,
    printcolumn = r#"{"name":"Message","type":"string","priority":1,"jsonPath":".status.conditions[?(@.type==\"Ready\")].message"}"#
)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = rules::immutable("tenantRef", "delete the object and create another"))]
#[x_kube(validation = rules::immutable("username", "delete the object and create another"))]
#[x_kube(validation = rules::immutable_optional("subject", "delete the object and create another"))]
pub struct OidcUserSpec {
    /// The Tenant that the user signs in at. It must be in this object's namespace. Immutable.
    pub tenant_ref: LocalTenantRef,
    /// The name that the user signs in with. Case is ignored. Immutable.
    #[schemars(length(min = 1, max = 256))]
    #[x_kube(validation = user::username())]
    #[x_kube(validation = rules::visible())]
    pub username: String,
    /// The claim `sub`. Immutable. Default: a UUID derived from the tenant and the username.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255))]
    #[x_kube(validation = user::subject())]
    pub subject: Option<String>,
    /// The Secret with the password: an argon2id, bcrypt, PBKDF2 or scrypt hash (`lanyard
    /// hash-password` creates one), or plain text. Default key: `password`. Without it the user
    /// cannot sign in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_secret_ref: Option<SecretKeyRef>,
    /// The people of identity providers who are this user, and sign in as this user. At most one of each
    /// provider.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    pub identities: Vec<IdentitySpec>,
    /// Whether the user is blocked. Sessions and tokens of a blocked user are refused at once. They
    /// have ended for good: an unblocked user signs in again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled: Option<bool>,
    /// Ends the user's sessions and grants made before this time (RFC 3339), `offline_access` too. A
    /// time in the future has no effect until then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 20, max = 35))]
    #[x_kube(validation = user::time())]
    pub sign_out_before: Option<String>,
    /// Voids the authenticators that the user set up before this time (RFC 3339), and ends sessions and
    /// grants made before it. For a user who has lost the authenticator. A time in the future has no
    /// effect until then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 20, max = 35))]
    #[x_kube(validation = user::time())]
    pub reset_authenticators_before: Option<String>,
    /// Invites the user to choose a password. The link is mailed to the user, or it is in the Secret `<name of
    /// the OidcUser>-invitation`, entry `url`, until it was used or `notAfter` has passed. The tenant has to have
    /// `authenticators.passwords: Optional`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invitation: Option<InvitationSpec>,
    /// Groups of the user, for the claim `groups` (scope `groups`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 256), inner(length(min = 1, max = 256)))]
    pub groups: Vec<String>,
    /// The claim `name`: full name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub name: Option<String>,
    /// The claim `given_name`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub given_name: Option<String>,
    /// The claim `family_name`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub family_name: Option<String>,
    /// The claim `middle_name`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub middle_name: Option<String>,
    /// The claim `nickname`: casual name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub nickname: Option<String>,
    /// The claim `preferred_username`. Default: the username.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub preferred_username: Option<String>,
    /// The claim `profile`: URL of the profile page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    #[x_kube(validation = rules::web_url())]
    pub profile: Option<String>,
    /// The claim `picture`: URL of a picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    #[x_kube(validation = rules::web_url())]
    pub picture: Option<String>,
    /// The claim `website`: URL of the web page or blog.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    #[x_kube(validation = rules::web_url())]
    pub website: Option<String>,
    /// The claim `email`: e-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 3, max = 254))]
    #[x_kube(validation = user::email())]
    pub email: Option<String>,
    /// Whether the e-mail address was verified to be this user's. Without it, applications get no
    /// claim `email_verified`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email_verified: Option<bool>,
    /// The claim `gender`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64))]
    pub gender: Option<String>,
    /// The claim `birthdate`: `YYYY-MM-DD`, `0000-MM-DD` (no year) or `YYYY`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 4, max = 10))]
    #[x_kube(validation = user::birthdate())]
    pub birthdate: Option<String>,
    /// The claim `zoneinfo`: time zone, such as `Europe/Paris`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64))]
    #[x_kube(validation = user::zone())]
    pub zoneinfo: Option<String>,
    /// The claim `locale`: language and region, such as `fr-CA`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 35))]
    #[x_kube(validation = user::locale())]
    pub locale: Option<String>,
    /// The claim `phone_number`, in E.164 form, such as `+33123456789`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64))]
    #[x_kube(validation = user::phone_number())]
    pub phone_number: Option<String>,
    /// Whether the telephone number was verified to be this user's. Without it, applications get
    /// no claim `phone_number_verified`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone_number_verified: Option<bool>,
    /// The claim `address`: postal address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<PostalAddress>,
    /// The claim `updated_at`: when the user's data last changed (RFC 3339).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 20, max = 35))]
    #[x_kube(validation = user::time())]
    pub updated_at: Option<String>,
    /// Further claims. A scope of the tenant (`spec.scopes`) must list them for clients to receive
    /// them.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    #[schemars(extend("type" = "object", "x-kubernetes-preserve-unknown-fields" = true))]
    pub claims: Map<String, Value>,
}

/// A person of an identity provider.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct IdentitySpec {
    /// Name of the identity provider, in this object's namespace.
    #[schemars(length(min = 1, max = 63))]
    #[x_kube(validation = rules::object_name())]
    pub provider: String,
    /// The provider's identifier of the person: the value of the claim that its `subject.claim`
    /// names.
    #[schemars(length(min = 1, max = 512))]
    pub subject: String,
}

/// An invitation of a user.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct InvitationSpec {
    /// Name of the invitation, such as `welcome-1`. All its links together work once. Another id is another
    /// invitation; links of earlier ids no longer work.
    #[schemars(length(min = 1, max = 63))]
    #[x_kube(validation = user::invitation_id())]
    pub id: String,
    /// When the link expires (RFC 3339).
    #[schemars(length(min = 20, max = 35))]
    #[x_kube(validation = user::time())]
    pub not_after: String,
    /// How the link gets to the person. `Mail`: to `email` of the OidcUser, by the tenant's `spec.mail`. `Secret`:
    /// it is in the Secret `<name of the OidcUser>-invitation`, entry `url`. Default: `Mail` for a user
    /// with `email` at a tenant with `spec.mail`, else `Secret`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery: Option<EnumSpec<InvitationDelivery>>,
}

/// Reference to a Tenant in this object's namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct LocalTenantRef {
    /// Name of the Tenant.
    #[schemars(length(min = 1, max = 63))]
    #[x_kube(validation = rules::object_name())]
    pub name: String,
}

/// The claim `address` (OIDC Core §5.1.1).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PostalAddress {
    /// The whole address, formatted for a mailing label.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1024))]
    pub formatted: Option<String>,
    /// Street, house number and apartment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    pub street_address: Option<String>,
    /// City or locality.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub locality: Option<String>,
    /// State, province or prefecture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub region: Option<String>,
    /// Postal code or zip code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64))]
    pub postal_code: Option<String>,
    /// Name of the country.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128))]
    pub country: Option<String>,
}

/// The observed state of a user.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OidcUserStatus {
    /// The generation of the spec that the conditions describe.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// The `sub` in use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The invitation, while its link can be used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invitation: Option<InvitationStatus>,
    /// Conditions: Accepted, ResolvedRefs, Programmed, Ready; `InvitationReady` for a user with an
    /// invitation; Stalled while only an edit of the object can help.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "super::condition_schema::conditions_schema")]
    pub conditions: Vec<Condition>,
}

/// An invitation that can be used.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct InvitationStatus {
    /// ID of the invitation.
    pub id: String,
    /// Name of the Secret with the link, unless it was mailed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_name: Option<String>,
}
