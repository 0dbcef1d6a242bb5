//! Condition types and reasons: fixed words, listed in docs/conditions.md.

/// Types of conditions (docs/design/api.md#conditions).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ConditionType {
    /// The object is valid and allowed.
    Accepted,
    /// What it refers to is there.
    ResolvedRefs,
    /// A tenant has keys to sign with.
    KeysReady,
    /// A client's Secret is as it should be.
    SecretReady,
    /// It is part of what this installation serves.
    Programmed,
    /// All of the above.
    Ready,
}

impl ConditionType {
    /// The word in `status.conditions[].type`.
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
        /// Why a condition has its status: a fixed CamelCase word.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum ConditionReason { $($(#[$doc])* $name,)+ }

        impl ConditionReason {
            /// All reasons, for the documentation's test.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The word.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)+ }
            }
        }
    };
}

reasons! {
    /// Accepted: nothing to object to.
    Accepted,
    /// ResolvedRefs: everything referred to is there.
    ResolvedRefs,
    /// Programmed: it is served.
    Programmed,
    /// Ready: everything is.
    Ready,
    /// KeysReady or SecretReady: as it should be.
    Available,
    /// A field has a value that cannot be served.
    Invalid,
    /// An enum value, or a field, that this release does not know.
    UnsupportedValue,
    /// The object could not be read at all.
    Malformed,
    /// An older tenant has the same issuer.
    IssuerConflict,
    /// The namespace may not use the issuer's host or path.
    HostNotAllowed,
    /// The tenant referred to does not exist.
    TenantNotFound,
    /// The tenant referred to is not accepted itself.
    TenantNotAccepted,
    /// The tenant does not admit objects of this namespace.
    NamespaceNotAllowed,
    /// The tenant's consent cannot be judged, as namespaces may not be read.
    SelectorUnavailable,
    /// The client asks for more than the tenant gives to other namespaces.
    BoundExceeded,
    /// An older client has the same client id.
    ClientIdConflict,
    /// An older user has the same username.
    UsernameConflict,
    /// An older user has the same subject, or a client has it as its id.
    SubjectConflict,
    /// A Secret referred to does not exist.
    SecretNotFound,
    /// A Secret referred to lacks the entry, or its value cannot be used.
    SecretInvalid,
    /// A Secret referred to may not be read.
    SecretUnreadable,
    /// A Secret of that name belongs to someone else.
    NotOwned,
    /// Being made; see again in a moment.
    Pending,
    /// Entries of the key Secret were damaged and have been replaced.
    KeysDamaged,
    /// No key signs.
    NoSigningKey,
    /// Not served, since it is not accepted or lacks something (see the other conditions).
    NotServed,
    /// Written to the cluster without success; it is tried again.
    WriteFailed,
}
