//! Identifiers. None of them derives from `metadata.uid` (design §1.8).

use std::{
    fmt,
    ops::Deref,
    sync::{Arc, LazyLock},
};

use serde::{Deserialize, Serialize};

use super::Interner;

/// Namespace and name of an object; displayed as `<namespace>/<name>`. Clones share both and are as
/// wide as one pointer, since each object is named in a dozen maps.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ObjectKey(Arc<KeyParts>);

/// What an [`ObjectKey`] consists of.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct KeyParts {
    /// The namespace; mostly shared with other keys of it.
    pub namespace: Arc<str>,
    /// The name.
    pub name: Box<str>,
}

impl ObjectKey {
    /// A key of namespace and name.
    pub fn new(namespace: impl AsRef<str>, name: impl AsRef<str>) -> Self {
        Self::within(&namespace.as_ref().into(), name)
    }

    /// A key of a namespace whose text it shares.
    pub fn within(namespace: &Arc<str>, name: impl AsRef<str>) -> Self {
        let (namespace, name) = (Arc::clone(namespace), name.as_ref().into());
        Self(Arc::new(KeyParts { namespace, name }))
    }

    /// The same, in the one copy of those that many objects name.
    #[must_use]
    pub fn shared(self) -> Self {
        static NAMED: LazyLock<Interner<KeyParts>> = LazyLock::new(Interner::default);
        Self(NAMED.intern(self.0))
    }

    /// A key of the same namespace.
    #[must_use]
    pub fn beside(&self, name: impl AsRef<str>) -> Self {
        Self::within(&self.namespace, name)
    }
}

impl Deref for ObjectKey {
    type Target = KeyParts;

    fn deref(&self) -> &KeyParts {
        &self.0
    }
}

impl fmt::Debug for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ObjectKey({self})")
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// A tenant's identity, `<namespace>/<name>`: what keys are derived from and subjects hang on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TenantId(pub ObjectKey);

impl TenantId {
    /// The tenant `name` in `namespace`.
    pub fn new(namespace: impl AsRef<str>, name: impl AsRef<str>) -> Self {
        Self(ObjectKey::new(namespace, name))
    }

    /// The same, in the one copy of those that many objects name.
    #[must_use]
    pub fn shared(self) -> Self {
        Self(self.0.shared())
    }
}

impl fmt::Display for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The kinds Lanyard reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ObjectKind {
    /// An issuer.
    Tenant,
    /// An application.
    OidcClient,
    /// A person.
    OidcUser,
    /// A core Secret.
    Secret,
    /// A core Namespace.
    Namespace,
}

impl ObjectKind {
    /// The kind's name in manifests.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tenant => "Tenant",
            Self::OidcClient => "OidcClient",
            Self::OidcUser => "OidcUser",
            Self::Secret => "Secret",
            Self::Namespace => "Namespace",
        }
    }
}

impl fmt::Display for ObjectKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Kind and key of an object; displayed as `Kind namespace/name`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectRef {
    /// The kind.
    pub kind: ObjectKind,
    /// Namespace and name.
    pub key: ObjectKey,
}

impl fmt::Display for ObjectRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.key)
    }
}

macro_rules! string_newtype {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Wraps a value that has been validated, or that came from a sealed record.
            pub fn new(value: impl AsRef<str>) -> Self {
                Self(value.as_ref().into())
            }

            /// The value as on the wire.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    };
}

string_newtype!(
    /// OAuth's `client_id` (RFC 6749 §2.2).
    ClientId
);
string_newtype!(
    /// `sub`: a person (or, for `client_credentials`, a client) at one issuer (OIDC Core §2).
    Subject
);
