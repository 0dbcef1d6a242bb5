//! The kinds of objects that Lanyard reads, and references to objects.

use std::fmt;

use super::ObjectKey;

/// Declares the kinds with their plurals: a kind is one row.
macro_rules! managed_kinds {
    ($($(#[$doc:meta])* $kind:ident = $plural:literal,)*) => {
        /// The kinds of Lanyard's own resources, which it validates and reconciles.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum ManagedKind {
            $($(#[$doc])* $kind,)*
        }

        impl ManagedKind {
            /// All kinds, in the order of the table.
            pub const ALL: [Self; [$($plural),*].len()] = [$(Self::$kind),*];

            /// The kind's name in manifests, and its plural in URLs.
            const fn names(self) -> (&'static str, &'static str) {
                match self {
                    $(Self::$kind => (stringify!($kind), $plural),)*
                }
            }
        }
    };
}

managed_kinds! {
    /// An issuer: its URL, keys, lifetimes and policies.
    Tenant = "tenants",
    /// An application that signs users in at a tenant.
    OidcClient = "oidcclients",
    /// An end user of a tenant.
    OidcUser = "oidcusers",
    /// A source of people: an OpenID provider, GitHub or an LDAP directory.
    IdentityProvider = "identityproviders",
    /// An API that access tokens are for.
    ResourceServer = "resourceservers",
}

impl ManagedKind {
    /// The kind's name in manifests (`kind`), such as `OidcClient`.
    pub const fn as_str(self) -> &'static str {
        self.names().0
    }

    /// The kind's name in URLs of the API server.
    pub const fn plural(self) -> &'static str {
        self.names().1
    }

    /// The kind with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

impl fmt::Display for ManagedKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The kinds of objects that Lanyard reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ObjectKind {
    /// One of Lanyard's own kinds.
    Managed(ManagedKind),
    /// A Secret of the core API group.
    Secret,
    /// A Namespace of the core API group.
    Namespace,
    /// A `ConfigMap` of the core API group.
    ConfigMap,
}

impl ObjectKind {
    /// The kind's name in manifests (`kind`), such as `Secret`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Managed(kind) => kind.as_str(),
            Self::Secret => "Secret",
            Self::Namespace => "Namespace",
            Self::ConfigMap => "ConfigMap",
        }
    }

    /// The kind with this name, if its objects may be manifests.
    pub fn from_name(name: &str) -> Option<Self> {
        let core = [Self::Secret, Self::Namespace].into_iter().find(|kind| kind.as_str() == name);
        core.or_else(|| ManagedKind::from_name(name).map(Self::Managed))
    }
}

impl From<ManagedKind> for ObjectKind {
    fn from(kind: ManagedKind) -> Self {
        Self::Managed(kind)
    }
}

impl fmt::Display for ObjectKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Kind and key of an object, displayed as `Kind namespace/name`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectRef {
    /// The kind of the object.
    pub kind: ObjectKind,
    /// The namespace and name of the object.
    pub key: ObjectKey,
}

impl ObjectRef {
    /// The reference of an object.
    pub fn new(kind: impl Into<ObjectKind>, key: ObjectKey) -> Self {
        Self { kind: kind.into(), key }
    }

    /// Returns true if the object is of this kind.
    pub fn is(&self, kind: ManagedKind) -> bool {
        self.kind == ObjectKind::Managed(kind)
    }
}

impl fmt::Display for ObjectRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.key)
    }
}
