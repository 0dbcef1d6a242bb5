//! Identifiers. They do not derive from `metadata.uid`, so they survive a restore from backup.

use std::{fmt, ops::Deref, sync::Arc};

use serde::{Deserialize, Serialize};

use super::{intern, pooled, sha256};

/// Namespace and name of an object, displayed as `<namespace>/<name>`. A clone is one pointer wide
/// and shares the text, because each object is a key in a dozen maps.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ObjectKey(Arc<ObjectKeyParts>);

/// The parts of an [`ObjectKey`].
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ObjectKeyParts {
    /// The namespace. Usually shared with other keys.
    pub namespace: Arc<str>,
    /// The name of the object (`metadata.name`).
    pub name: Box<str>,
}

pooled!(ObjectKeyParts);

impl ObjectKey {
    /// Creates a key from namespace and name.
    pub fn new(namespace: impl AsRef<str>, name: impl AsRef<str>) -> Self {
        Self::within(&namespace.as_ref().into(), name)
    }

    /// Creates a key that shares the text of its namespace.
    pub fn within(namespace: &Arc<str>, name: impl AsRef<str>) -> Self {
        let (namespace, name) = (Arc::clone(namespace), name.as_ref().into());
        Self(Arc::new(ObjectKeyParts { namespace, name }))
    }

    /// Returns the interned key. Use it for keys that many objects refer to.
    #[must_use]
    pub fn shared(self) -> Self {
        Self(intern(self.0))
    }

    /// Returns a key in the same namespace.
    #[must_use]
    pub fn in_same_namespace(&self, name: impl AsRef<str>) -> Self {
        Self::within(&self.namespace, name)
    }
}

impl Deref for ObjectKey {
    type Target = ObjectKeyParts;

    fn deref(&self) -> &ObjectKeyParts {
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

/// A tenant's identity, `<namespace>/<name>`. Keys and subjects are derived from it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TenantId(pub ObjectKey);

impl TenantId {
    /// Creates the ID of the tenant `name` in `namespace`.
    pub fn new(namespace: impl AsRef<str>, name: impl AsRef<str>) -> Self {
        Self(ObjectKey::new(namespace, name))
    }

    /// Returns the interned ID. Use it for IDs that many objects refer to.
    #[must_use]
    pub fn shared(self) -> Self {
        Self(self.0.shared())
    }

    /// The first 64 bits of the SHA-256 hash, in hexadecimal.
    pub fn short_hash(&self) -> String {
        sha256(self.to_string())[..8].iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl fmt::Display for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

macro_rules! string_newtype {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Wraps a value that was validated or read from a sealed record.
            pub fn new(value: impl AsRef<str>) -> Self {
                Self(value.as_ref().into())
            }

            /// The value as it appears on the wire.
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
    /// An OAuth `client_id` (RFC 6749 §2.2).
    ClientId
);
string_newtype!(
    /// A `sub`: a user (or, for `client_credentials`, a client) at one issuer (OIDC Core §2).
    Subject
);
