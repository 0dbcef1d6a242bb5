//! Types of conditions: fixed words with their meaning, from which `docs/reference/events-and-conditions.md` is made.

macro_rules! condition_types {
    ($($(#[doc = $meaning:literal])+ $name:ident on $objects:literal,)+) => {
        /// Types of conditions, in the order in which the first that is not True gives `Ready` its
        /// reason. The doc comment of a type states what True means.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum ConditionType { $($(#[doc = $meaning])+ $name,)+ }

        impl ConditionType {
            /// All types, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The word in `status.conditions[].type`.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)+ }
            }

            /// The meaning of the status True, as Markdown.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$name => concat!($($meaning),+).trim_ascii(),)+ }
            }

            /// The objects that have the condition.
            pub const fn objects(self) -> &'static str {
                match self { $(Self::$name => $objects,)+ }
            }
        }
    };
}

condition_types! {
    /// The object is valid, and its namespace may have it.
    Accepted on "all kinds",
    /// The tenant, the identity providers and the Secrets that the object refers to exist and can be used.
    ResolvedRefs on "all kinds",
    /// There is a signing key for each algorithm. `Unknown` while the tenant is not accepted.
    KeysReady on "Tenant",
    /// The Secret belongs to this client and has the right entries.
    SecretReady on "OidcClient with a generated Secret",
    /// Lanyard serves the object.
    Programmed on "all kinds",
    /// All other conditions are True, except `Stalled`, `Warning`, `Reachable`, `MailReachable`,
    /// `EnrolmentAvailable` and `InvitationReady`.
    Ready on "all kinds",
    /// The object's own fields make it unusable, so that nothing changes before it is edited. The
    /// condition is absent otherwise. Flux and other tools that know kstatus fail at once.
    Stalled on "all kinds",
    /// The object may be served, but is less safe than it could be, or a part of it has no effect, as the
    /// message says. The condition is absent for an object without warnings.
    Warning on "all kinds",
    /// The server of the provider answers, so that people can sign in by it. `Ready` does not depend on it.
    /// The condition is absent before the first answer, and for a provider that is not served or is
    /// another tenant of the installation. For a client with `serviceAccountRef`: the API server gives the keys
    /// that sign tokens of ServiceAccounts.
    Reachable on "IdentityProvider, OidcClient with `federatedCredentials`",
    /// People can enrol the authenticators of `spec.authenticators`. `Ready` does not depend on it. The
    /// condition is absent for a tenant that offers none.
    EnrolmentAvailable on "Tenant",
    /// The mail server of `spec.mail` answers, and takes the account. `Ready` does not depend on it. The condition is
    /// absent before the first answer, and for a tenant without `spec.mail`.
    MailReachable on "Tenant",
    /// The link of the invitation was mailed, or is in its Secret, and can be used. `Ready` does not depend on it. The
    /// condition is absent for a user without `spec.invitation`.
    InvitationReady on "OidcUser",
}
