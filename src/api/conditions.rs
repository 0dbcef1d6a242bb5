//! Types and reasons of conditions: fixed words with their meaning and remedy, from which
//! `docs/reference/events-and-conditions.md` is made.

macro_rules! condition_types {
    ($($(#[doc = $meaning:literal])+ $name:ident on $objects:literal,)+) => {
        /// Types of conditions, in the order in which the first that is not True gives `Ready` its
        /// reason. The doc comment of a type states what True means.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum ConditionType { $($(#[doc = $meaning])+ $name,)+ }

        impl ConditionType {
            /// All types.
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

impl ConditionReason {
    /// Returns true if only an edit of the object itself can help, whatever happens to other
    /// objects, to Secrets and to the installation.
    pub const fn needs_edit(self) -> bool {
        matches!(
            self,
            Self::Invalid
                | Self::UnsupportedValue
                | Self::UnsupportedField
                | Self::Malformed
                | Self::ExpressionInvalid
                | Self::ExampleFailed
                | Self::ProfileViolated
        )
    }
}

macro_rules! condition_reasons {
    ($($(#[doc = $meaning:literal])+ $name:ident: $remedy:literal,)+) => {
        /// Reasons of conditions: CamelCase words that do not change. The doc comment of a reason
        /// states its meaning.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum ConditionReason { $($(#[doc = $meaning])+ $name,)+ }

        impl ConditionReason {
            /// All reasons.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The word in `status.conditions[].reason`.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)+ }
            }

            /// The meaning, as Markdown.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$name => concat!($($meaning),+).trim_ascii(),)+ }
            }

            /// The remedy, as Markdown; empty if nothing has to be done.
            pub const fn remedy(self) -> &'static str {
                match self { $(Self::$name => $remedy,)+ }
            }
        }
    };
}

condition_reasons! {
    /// The object is valid.
    Accepted: "",
    /// Every reference is resolved.
    ResolvedRefs: "",
    /// Lanyard serves the object.
    Programmed: "",
    /// Every condition is True.
    Ready: "",
    /// The keys or the Secret are in order.
    Available: "",
    /// The installation's store does not keep what people enrol.
    StoreNotDurable: "Use the store `postgres`, `valkey` without `allowLoss`, or `embedded` with a volume.",
    /// The mail server has taken the mail with the link.
    Mailed: "",
    /// The mail server has not taken the mail with the link. Lanyard tries again.
    MailFailing: "Look at the condition `MailReachable` of the tenant, and at the audit lines `mail_delivery`.",
    /// The mail server takes no mail for the address of the user.
    MailRefused: "Correct `spec.email`.",
    /// The link is to be mailed, but no mail can be sent.
    MailUnavailable: "Set `spec.mail` of the tenant and `spec.email` of the user, or `spec.invitation.delivery: Secret`.",
    /// The person has used the invitation.
    InvitationUsed: "To invite the person again, set another `spec.invitation.id`.",
    /// The time in `spec.invitation.notAfter` has passed.
    InvitationExpired: "Set a later `spec.invitation.notAfter`.",
    /// The person has the authenticators that the invitation would set up.
    NothingToSetUp: "If they are lost, set `spec.resetAuthenticatorsBefore`.",
    /// The tenant's people choose no passwords, and are invited to no passkeys.
    PasswordsDisabled: "Set `spec.authenticators.passwords` or `passkeys` of the tenant to `Optional`.",
    /// The user has a password in a Secret, so the person cannot choose one.
    PasswordInSecret: "Remove `spec.passwordSecretRef` or `spec.invitation`.",
    /// The user is disabled.
    UserDisabled: "Remove `spec.disabled`.",
    /// A field has a value that cannot be served.
    Invalid: "Change the fields that the message names.",
    /// This release does not know a value.
    UnsupportedValue: "Use one of the listed values, or upgrade Lanyard.",
    /// This release does not know a field, which may be a restriction. The object is not served.
    UnsupportedField: "Remove the field, or upgrade Lanyard.",
    /// The object cannot be read and is not served. `lanyard dev` keeps serving its last valid form.
    Malformed: "Correct the field that the message names.",
    /// Another tenant has the issuer, or had it until it was deleted less than ten minutes ago.
    IssuerConflict: "Choose another `spec.issuer`, or wait until the time in the message.",
    /// The namespace may not use the issuer's host or path, or may not use `http` on a host.
    HostNotAllowed: "Have the host listed in `issuerHosts`, or for `http` in `insecureHttpHosts`. Or move the \
                     issuer below `/<namespace>/`, or use https.",
    /// The client's Secret has a name, label or annotation that controllers of other projects act on.
    SecretMetadataNotAllowed: "Have it listed for the namespace in `clientSecrets`, or remove it.",
    /// The tenant does not exist.
    TenantNotFound: "Create it, or correct `spec.tenantRef`.",
    /// The tenant is not accepted.
    TenantNotAccepted: "Look at the tenant's conditions.",
    /// A client of people has no redirect URI.
    NoRedirectUri: "Add one to `spec.redirectUris`, or refer to the client by the `clientRef` of an IdentityProvider.",
    /// The tenant does not admit clients of this namespace.
    NamespaceNotAllowed: "Admit it in the tenant's `spec.clients.namespaces`.",
    /// The tenant selects namespaces by labels, which this installation may not read.
    SelectorUnavailable: "Select by `kubernetes.io/metadata.name`, or install without `watchNamespaces`.",
    /// The client asks for more than the tenant gives to other namespaces, or to clients that register
    /// themselves.
    BoundExceeded: "Ask for less, or extend the tenant's `spec.clients`.",
    /// A field contradicts a security profile of FAPI 2.0: the object's own, or that of its tenant.
    ProfileViolated: "Change the field as the message says, or remove `spec.profile`.",
    /// Another client has the client id and takes precedence: a client of the tenant's own namespace, or
    /// the older one. Or the id of a client of another namespace is the subject of a user.
    ClientIdConflict: "Choose another `spec.clientId`, or in another namespace another name for the object.",
    /// Another resource server of the tenant has the identifier, or a client has it as its ID.
    IdentifierConflict: "Choose another `spec.identifier`.",
    /// Another user had the username first.
    UsernameConflict: "Choose another `spec.username`.",
    /// Another user has the subject, or a client of the namespace has it as its id.
    SubjectConflict: "Choose another `spec.subject`.",
    /// An expression cannot be used: its syntax, a name or its size.
    ExpressionInvalid: "Correct the expression that the message names.",
    /// An example of the provider gives another result than it expects.
    ExampleFailed: "Correct the mapping or the example, as the message says.",
    /// The tenant has an older source of people, and this one could speak for its people. Or this is a user
    /// with a password, for whom an older provider could speak.
    AmbiguousSource: "Set the fields that the message names, of the older provider if it is a user.",
    /// The client that `clientRef` or `exchange.allow` names does not exist.
    ClientNotFound: "Create it, or correct the name.",
    /// The client that `clientRef` names is not accepted, or not served.
    ClientNotReady: "Look at the client's conditions.",
    /// People cannot sign in by the client that `clientRef` names: because of its grant types, its
    /// authentication, its tokens, or its tenant's bounds for redirect URIs.
    ClientUnsuitable: "Change the client as the message says.",
    /// The provider leads back to its own tenant, over tenants whose providers are older.
    ProviderLoop: "Delete one of the providers that the message names, or let it refer to another tenant or issuer.",
    /// `spec.access.providers` or `spec.identities` names an identity provider that the tenant does not have.
    /// Its people are refused as long as it is missing.
    ProviderNotFound: "Create it in the tenant's namespace, or correct the name.",
    /// `spec.registration.resources` names a resource server that the tenant does not have.
    ResourceServerNotFound: "Create it in the tenant's namespace, or correct the name.",
    /// A Secret that the object refers to does not exist.
    SecretNotFound: "Create it in the object's namespace.",
    /// A Secret lacks the entry, or its value cannot be used.
    SecretInvalid: "Correct the entry that the message names.",
    /// Lanyard may not read a Secret.
    SecretUnreadable: "Give Lanyard's ServiceAccount access to it. Lanyard tries again within half a minute.",
    /// Lanyard did not make the Secret of that name for this object.
    NotOwned: "Delete the Secret, or choose another name.",
    /// Something that the object needs does not exist yet, such as a key or a Secret.
    Pending: "Wait a moment.",
    /// Entries of the key Secret are damaged and being replaced, or the salt of pairwise subjects is
    /// lost, which is never replaced.
    KeysDamaged: "Damaged keys: none, they are copied to `<tenant>-signing-keys-backup`. Lost salt: restore \
                  the Secret `<tenant>-pairwise` from a backup.",
    /// The Secret with your own keys has none for an algorithm.
    NoSigningKey: "Add the key, or remove the algorithm from the list.",
    /// The object is not accepted, or something is missing.
    NotServed: "Look at the other conditions.",
    /// Lanyard no longer watches the object's namespace.
    NotWatched: "Add the namespace to `watchNamespaces`, or give it the labels of `watchNamespacesSelector`. Or delete \
                 the object.",
    /// The client secret is so short that it can be guessed.
    WeakSecret: "Replace it by a random one of at least 16 characters.",
    /// The object uses `http` on a host other than loopback, as the installation's `insecureHttpHosts`
    /// permit. Its codes, tokens and passwords are not encrypted on the way.
    InsecureHttp: "Use https, then remove the host from `insecureHttpHosts`.",
    /// Browsers have no passkeys at the issuer: it is an `http` URL, or its host is an IP address. So
    /// `spec.authenticators.passkeys` has no effect.
    PasskeysUnavailable: "Use an https issuer with a domain, or set `passkeys: Disabled`.",
    /// There are no texts for the language in `spec.branding.defaultLocale`, so pages and mails are in English.
    LanguageUnknown: "Set a language that has texts, or add a file with its texts.",
    /// The issuer has a port of its own, so it has no address at which applications present certificates. No client of
    /// the tenant can use one.
    CertificatesUnavailable: "Use an issuer at a host without a port, if applications have certificates.",
    /// The provider is asked again with a refresh token, which it does not give to a request without the
    /// scope `offline_access`, or without a parameter of its own.
    NoRefreshToken: "Add the scope or the parameter that the message names, or set `refresh.mode: Disabled`.",
    /// The name leads elsewhere on the sign-in page, because its domain belongs to another provider.
    DomainElsewhere: "Choose a username without the domain, or remove the domain from `signIn.domains` of one provider.",
    /// Another user of the tenant has the same name for applications: `username` or `preferredUsername`.
    PreferredUsernameShared: "Set another `preferredUsername` in one of them.",
    /// `spec.identities` names a person whom the provider cannot have, since its identifiers have another form.
    IdentityUnknown: "Set the identifier of the person at the provider.",
    /// The server of the provider answers, and its answer can be used.
    Reachable: "",
    /// The server of the provider does not answer, or answers with an error.
    Unreachable: "Look at the server, and at egress policy. Lanyard asks again all the time.",
    /// The provider's server has a public address, and `spec.oidc.issuer` has `http`. Public addresses are
    /// called with `https` only. Or the mail server is called without TLS, at an address that `fetch.allowCidrs` does not
    /// list, or does not offer STARTTLS.
    Unencrypted: "Use https or TLS. Inside the network, see `upstreamHosts` and `fetch.allowCidrs`.",
    /// The certificate of the provider's server is not trusted, is expired, or is of another host.
    CertificateInvalid: "Have it signed by an authority that Lanyard trusts: one of `fetch.caConfigMap` of the chart, or of \
                         `caRef` of the provider. Or correct the host.",
    /// The provider has no discovery document that can be used, or it is about another issuer.
    BadMetadata: "Correct `spec.oidc.issuer`: it is the exact text of `issuer` in the provider's discovery document.",
    /// The host answers, but not as the API of GitHub does.
    NotGitHub: "Correct `spec.github.host`: it is the host of the pages of GitHub Enterprise Server.",
    /// The directory refuses the search account, or the mail server that of the tenant. Lanyard tries it every ten
    /// minutes, so that it is not locked.
    AccountRefused: "Correct name and password in the Secret that `spec.ldap.bindSecretRef` or `spec.mail.credentialsSecretRef` names.",
    /// The API server does not permit Lanyard to read the keys of ServiceAccount tokens, so `serviceAccountRef`
    /// authenticates no workload.
    ClusterKeysForbidden: "Leave the chart's value `serviceAccountTokens.keys` true, or bind the ClusterRole `system:service-account-issuer-discovery` to Lanyard's ServiceAccount.",
    /// The API server does not give usable keys of ServiceAccount tokens. The last ones were used for as long as it
    /// had said; now `serviceAccountRef` authenticates no workload.
    ClusterKeysUnavailable: "Look at the API server, and at Lanyard's log. Lanyard asks again every 30 seconds.",
    /// An `issuer` in `federatedCredentials` is that of the cluster that Lanyard runs in, and authenticates no workload.
    ClusterIssuer: "Use `serviceAccountRef` instead, in the namespace of the ServiceAccount.",
    /// `serviceAccountRef` has no effect, since there is no cluster.
    NoCluster: "Deploy to a cluster, or use a client secret with `lanyard dev`.",
    /// A write to the cluster failed. Lanyard tries again.
    WriteFailed: "Look at the message, and at Lanyard's permissions.",
}
