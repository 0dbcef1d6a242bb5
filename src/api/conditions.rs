//! Condition types and reasons, documented in docs/conditions.md.

/// The types of conditions in a status. See docs/design/api.md#conditions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ConditionType {
    /// The object is valid, and the tenant admits it.
    Accepted,
    /// All references resolve.
    ResolvedRefs,
    /// The tenant has a signing key.
    KeysReady,
    /// The client's Secret exists and is up to date.
    SecretReady,
    /// The object is part of the configuration that is served.
    Programmed,
    /// All other conditions are true.
    Ready,
}

impl ConditionType {
    /// The value of `status.conditions[].type`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "Accepted",
            Self::ResolvedRefs => "ResolvedRefs",
            Self::KeysReady => "KeysReady",
            Self::SecretReady => "SecretReady",
            Self::Programmed => "Programmed",
            Self::Ready => "Ready",
        }
    }
}

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident,)+) => {
        /// The reason of a condition: a fixed CamelCase word.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum ConditionReason { $($(#[$doc])* $name,)+ }

        impl ConditionReason {
            /// All reasons, for the test that checks the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The value of `status.conditions[].reason`.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)+ }
            }
        }
    };
}

reasons! {
    /// Accepted is true.
    Accepted,
    /// ResolvedRefs is true.
    ResolvedRefs,
    /// Programmed is true.
    Programmed,
    /// Ready is true.
    Ready,
    /// KeysReady or SecretReady is true.
    Available,
    /// A field has an invalid value.
    Invalid,
    /// A field has a value, or is a field, that this release does not support.
    UnsupportedValue,
    /// The object does not deserialize.
    Malformed,
    /// An older tenant has the same issuer.
    IssuerConflict,
    /// The namespace may not use the issuer's host or path.
    HostNotAllowed,
    /// The referenced tenant does not exist.
    TenantNotFound,
    /// The referenced tenant is not accepted.
    TenantNotAccepted,
    /// The tenant does not admit objects from this namespace.
    NamespaceNotAllowed,
    /// The tenant selects namespaces by label, but namespaces may not be read.
    SelectorUnavailable,
    /// The client requests more than the tenant's bounds allow.
    BoundExceeded,
    /// Another client has the same client ID and takes precedence.
    ClientIdConflict,
    /// An older user has the same username.
    UsernameConflict,
    /// An older user has the same subject, or a client has it as its client ID.
    SubjectConflict,
    /// A referenced Secret does not exist.
    SecretNotFound,
    /// A referenced Secret lacks the entry, or its value is invalid.
    SecretInvalid,
    /// A referenced Secret may not be read.
    SecretUnreadable,
    /// A Secret with that name exists and belongs to another owner.
    NotOwned,
    /// The controller is creating or updating the Secret.
    Pending,
    /// Damaged entries of the key Secret are being replaced.
    KeysDamaged,
    /// The tenant has no signing key.
    NoSigningKey,
    /// The object is not served; the other conditions give the reason.
    NotServed,
    /// A write to the cluster failed and will be retried.
    WriteFailed,
}
