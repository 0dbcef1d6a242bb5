//! Reasons of conditions: fixed words with the conditions that have them, their meaning and remedy, from which
//! `docs/reference/events-and-conditions.md` is made.

use super::ConditionType;

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
    ($($(#[doc = $meaning:literal])+ $name:ident in $($condition:ident $kinds:literal),+: $remedy:literal,)+) => {
        /// Reasons of conditions: CamelCase words that do not change. The doc comment of a reason
        /// states its meaning.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum ConditionReason { $($(#[doc = $meaning])+ $name,)+ }

        impl ConditionReason {
            /// All reasons, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The word in `status.conditions[].reason`.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)+ }
            }

            /// The types of conditions that can have the reason, each with the kinds of the objects. `Ready` and
            /// `Stalled` copy the reason of another condition, and are not listed.
            pub const fn conditions(self) -> &'static [(ConditionType, &'static str)] {
                match self { $(Self::$name => &[$((ConditionType::$condition, $kinds)),+],)+ }
            }

            /// The meaning, as Markdown for the reference.
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
    Accepted in Accepted "all kinds": "",
    /// Every reference is resolved.
    ResolvedRefs in ResolvedRefs "all kinds": "",
    /// Lanyard serves the object.
    Programmed in Programmed "all kinds": "",
    /// Every condition is True.
    Ready in Ready "all kinds": "",
    /// The keys, the Secret or the link is there, or people can enrol authenticators.
    Available in KeysReady "Tenant", SecretReady "OidcClient", EnrolmentAvailable "Tenant", InvitationReady "OidcUser":
        "",
    /// The installation's store does not keep what people enrol.
    StoreNotDurable in EnrolmentAvailable "Tenant", InvitationReady "OidcUser":
        "Use the store `postgres`, `valkey` without `allowLoss`, or `embedded` with a volume.",
    /// The mail server has taken the mail with the link.
    Mailed in InvitationReady "OidcUser": "",
    /// The mail server has not taken the mail with the link. Lanyard tries again.
    MailFailing in InvitationReady "OidcUser":
        "Look at the condition `MailReachable` of the tenant, and at the audit lines `mail_delivery`.",
    /// The mail server takes no mail for the address of the user.
    MailRefused in InvitationReady "OidcUser": "Correct `spec.email`.",
    /// The link is to be mailed, but no mail can be sent.
    MailUnavailable in InvitationReady "OidcUser":
        "Set `spec.mail` of the tenant and `spec.email` of the user, or `spec.invitation.delivery: Secret`.",
    /// The person has used the invitation.
    InvitationUsed in InvitationReady "OidcUser": "To invite the person again, set another `spec.invitation.id`.",
    /// The time in `spec.invitation.notAfter` has passed.
    InvitationExpired in InvitationReady "OidcUser": "Set a later `spec.invitation.notAfter`.",
    /// The person has the authenticators that the invitation would set up.
    NothingToSetUp in InvitationReady "OidcUser": "If they are lost, set `spec.resetAuthenticatorsBefore`.",
    /// The tenant's people choose no passwords, and are invited to no passkeys.
    PasswordsDisabled in InvitationReady "OidcUser", Warning "OidcUser":
        "Set `spec.authenticators.passwords` or `passkeys` of the tenant to `Optional`.",
    /// The user has a password in a Secret, so the person cannot choose one.
    PasswordInSecret in InvitationReady "OidcUser", Warning "OidcUser":
        "Remove `spec.passwordSecretRef` or `spec.invitation`.",
    /// The user is disabled.
    UserDisabled in InvitationReady "OidcUser": "Remove `spec.disabled`.",
    /// A field has a value that cannot be served.
    Invalid in Accepted "all kinds": "Change the fields that the message names.",
    /// This release does not know a value.
    UnsupportedValue in Accepted "all kinds": "Use one of the listed values, or upgrade Lanyard.",
    /// This release does not know a field, which may be a restriction. The object is not served.
    UnsupportedField in Accepted "all kinds": "Remove the field, or upgrade Lanyard.",
    /// The object cannot be read and is not served. `lanyard dev` keeps serving its last valid form.
    Malformed in Accepted "all kinds": "Correct the field that the message names.",
    /// Another tenant has the issuer, or had it until it was deleted less than ten minutes ago.
    IssuerConflict in Accepted "Tenant": "Choose another `spec.issuer`, or wait until the time in the message.",
    /// The namespace may not use the issuer's host or path, or may not use `http` on a host. For `Reachable` and
    /// `MailReachable`: the server has an address that Lanyard may not call.
    HostNotAllowed in Accepted "Tenant, OidcClient", Reachable "IdentityProvider", MailReachable "Tenant":
        "Have the host listed in `issuerHosts`, or for `http` in `insecureHttpHosts`. Or move the issuer below `/<namespace>/`, or use https. A server's host is listed in `upstreamHosts`.",
    /// The client's Secret has a name, label or annotation that controllers of other projects act on.
    SecretMetadataNotAllowed in Accepted "OidcClient":
        "Have it listed for the namespace in `clientSecrets`, or remove it.",
    /// The tenant does not exist.
    TenantNotFound in ResolvedRefs "OidcClient, OidcUser, IdentityProvider, ResourceServer":
        "Create the tenant. Or delete the object, and create it with another `spec.tenantRef`.",
    /// The tenant is not accepted.
    TenantNotAccepted in ResolvedRefs "OidcClient, OidcUser, IdentityProvider, ResourceServer":
        "Look at the tenant's conditions.",
    /// A client whose users sign in by browser needs a redirect URI.
    NoRedirectUri in Accepted "OidcClient":
        "Add one to `spec.redirectUris`, or refer to the client by the `clientRef` of an IdentityProvider.",
    /// The tenant does not admit clients of this namespace.
    NamespaceNotAllowed in Accepted "OidcClient": "Admit it in the tenant's `spec.clients.namespaces`.",
    /// The tenant or the resource server selects namespaces by labels, which this installation may not read.
    SelectorUnavailable in Accepted "OidcClient", Warning "ResourceServer":
        "Select by `kubernetes.io/metadata.name`, or install without `watchNamespaces`.",
    /// The client asks for more than the tenant gives to other namespaces, or to clients that register
    /// themselves.
    BoundExceeded in Accepted "OidcClient": "Ask for less, or extend the tenant's `spec.clients`.",
    /// A field contradicts a security profile of FAPI 2.0: the object's own, or that of its tenant.
    ProfileViolated in Accepted "Tenant, OidcClient":
        "Change the field as the message says, or remove `spec.profile`.",
    /// Another client has the client id and takes precedence: a client of the tenant's own namespace, or
    /// the older one. Or the id of a client of another namespace is the subject of a user.
    ClientIdConflict in Accepted "OidcClient":
        "Delete the object, and create it with another `spec.clientId`; outside the tenant's namespace, with another name.",
    /// Another resource server of the tenant has the identifier or the type of authorization details, or a client has
    /// the identifier as its ID.
    IdentifierConflict in Accepted "ResourceServer": "Choose another `spec.identifier`, or another type.",
    /// Another user had the username first.
    UsernameConflict in Accepted "OidcUser": "Delete the object, and create it with another `spec.username`.",
    /// Another user has the subject, or a client of the namespace has it as its id.
    SubjectConflict in Accepted "OidcUser, IdentityProvider":
        "Delete the object, and create it with another `spec.subject`. If the message names an identity, remove it from one user.",
    /// An expression cannot be used: its syntax, a name or its size.
    ExpressionInvalid in Accepted "Tenant, OidcClient, IdentityProvider, ResourceServer":
        "Correct the expression that the message names.",
    /// An example of the provider does not give the expected result.
    ExampleFailed in Accepted "IdentityProvider": "Correct the mapping or the example, as the message says.",
    /// The tenant has an older source of people, and this one could speak for its people. Or this is a user
    /// with a password, for whom an older provider could speak.
    AmbiguousSource in Accepted "OidcUser, IdentityProvider":
        "Set the fields that the message names, of the older provider if it is a user.",
    /// The client that `clientRef`, `exchange.allow` or `clients.names` names does not exist.
    ClientNotFound in ResolvedRefs "IdentityProvider, ResourceServer", Warning "ResourceServer":
        "Create it, or correct the name.",
    /// The client that `clientRef` names is not accepted, or not served.
    ClientNotReady in ResolvedRefs "IdentityProvider": "Look at the client's conditions.",
    /// People cannot sign in by the client that `clientRef` names: because of its grant types, its
    /// authentication, its tokens, or its tenant's bounds for redirect URIs.
    ClientUnsuitable in ResolvedRefs "IdentityProvider, ResourceServer": "Change the client as the message says.",
    /// The provider leads back to its own tenant, over tenants whose providers are older.
    ProviderLoop in Accepted "IdentityProvider":
        "Delete one of the providers that the message names, and create it with another tenant or issuer.",
    /// `spec.access.providers` or `spec.identities` names an identity provider that the tenant does not have.
    /// Its people are refused as long as it is missing.
    ProviderNotFound in ResolvedRefs "Tenant, OidcClient, OidcUser":
        "Create it in the tenant's namespace, or correct the name.",
    /// `spec.registration.resources` names a resource server that the tenant does not have.
    ResourceServerNotFound in ResolvedRefs "Tenant, ResourceServer":
        "Create it in the tenant's namespace, or correct the name.",
    /// A Secret that the object refers to does not exist.
    SecretNotFound in ResolvedRefs "Tenant, OidcClient, OidcUser, IdentityProvider", KeysReady "Tenant":
        "Create it in the object's namespace.",
    /// A Secret lacks the entry, or its value cannot be used.
    SecretInvalid in ResolvedRefs "Tenant, OidcClient, OidcUser, IdentityProvider", KeysReady "Tenant", SecretReady "OidcClient":
        "Correct the entry that the message names.",
    /// Lanyard may not read a Secret.
    SecretUnreadable in ResolvedRefs "Tenant, OidcClient, OidcUser, IdentityProvider", KeysReady "Tenant", SecretReady "OidcClient":
        "Give Lanyard's ServiceAccount access to it. Lanyard tries again within half a minute.",
    /// Lanyard did not make the Secret of that name for this object.
    NotOwned in KeysReady "Tenant", SecretReady "OidcClient", InvitationReady "OidcUser":
        "Delete the Secret, or choose another name.",
    /// Something that the object needs does not exist yet, such as a key or a Secret.
    Pending in KeysReady "Tenant", SecretReady "OidcClient", Programmed "OidcClient, OidcUser, IdentityProvider, ResourceServer", InvitationReady "OidcUser":
        "No action needed: the controller is creating it.",
    /// Entries of the key Secret are damaged and being replaced, or the salt of pairwise subjects is
    /// lost, which is never replaced.
    KeysDamaged in KeysReady "Tenant":
        "Damaged keys: none, they are copied to `<tenant>-signing-keys-backup`. Lost salt: restore the Secret `<tenant>-pairwise` from a backup.",
    /// The Secret with your own keys has none for an algorithm.
    NoSigningKey in KeysReady "Tenant": "Add the key, or remove the algorithm from the list.",
    /// The object is not accepted, or something is missing.
    NotServed in Programmed "all kinds", InvitationReady "OidcUser": "Look at the other conditions.",
    /// Lanyard no longer watches the object's namespace.
    NotWatched in Ready "all kinds":
        "Add the namespace to `watchNamespaces`, or give it the labels of `watchNamespacesSelector`. Or delete the object.",
    /// The client secret is so short that it can be guessed.
    WeakSecret in Warning "OidcClient": "Replace it by a random one of at least 16 characters.",
    /// The object uses `http` on a host other than loopback, as the installation's `insecureHttpHosts`
    /// permit. Its codes, tokens and passwords are not encrypted on the way.
    InsecureHttp in Warning "Tenant, OidcClient": "Use https, then remove the host from `insecureHttpHosts`.",
    /// Browsers have no passkeys at the issuer: it is an `http` URL, or its host is an IP address. So
    /// `spec.authenticators.passkeys` has no effect.
    PasskeysUnavailable in Warning "Tenant": "Use an https issuer with a domain, or set `passkeys: Disabled`.",
    /// There are no texts for the language in `spec.branding.defaultLocale`, so pages and mails are in English.
    LanguageUnknown in Warning "Tenant": "Set a language that has texts, or add a file with its texts.",
    /// The issuer has a port of its own, so it has no address at which applications present certificates. No client of
    /// the tenant can use one.
    CertificatesUnavailable in Warning "Tenant":
        "Use an issuer at a host without a port, if applications have certificates.",
    /// The provider is asked again with a refresh token, which it does not give to a request without the
    /// scope `offline_access`, or without a parameter of its own.
    NoRefreshToken in Warning "IdentityProvider":
        "Add the scope or the parameter that the message names, or set `refresh.mode: Disabled`.",
    /// The name leads elsewhere on the sign-in page, because its domain belongs to another provider.
    DomainElsewhere in Warning "OidcUser, IdentityProvider":
        "Remove the domain from `signIn.domains` of one provider, or `passwordSecretRef` of the user. Or delete the user, and create it with a username without the domain.",
    /// Another user of the tenant has the same name for applications: `username` or `preferredUsername`.
    PreferredUsernameShared in Warning "OidcUser": "Set another `preferredUsername` in one of them.",
    /// `spec.identities` names a person whom the provider cannot have, because its identifiers have another form.
    IdentityUnknown in Warning "OidcUser": "Set the identifier of the person at the provider.",
    /// The server of the provider, or the mail server, answers, and its answer can be used. For an OidcClient: the API
    /// server gives the keys that sign tokens of ServiceAccounts.
    Reachable in Reachable "IdentityProvider, OidcClient", MailReachable "Tenant": "",
    /// The server of the provider, or the mail server, does not answer, or answers with an error.
    Unreachable in Reachable "IdentityProvider", MailReachable "Tenant":
        "Look at the server, and at egress policy. Lanyard keeps checking.",
    /// The provider's server has a public address, and `spec.oidc.issuer` has `http`. Public addresses are
    /// called with `https` only. Or the mail server is called without TLS, at an address that `fetch.allowCidrs` does
    /// not list, or does not offer STARTTLS.
    Unencrypted in Reachable "IdentityProvider", MailReachable "Tenant":
        "Use https or TLS. Inside the network, see `upstreamHosts` and `fetch.allowCidrs`.",
    /// The certificate of the provider's server, or of the mail server, is not trusted, is expired, or is of another
    /// host.
    CertificateInvalid in Reachable "IdentityProvider", MailReachable "Tenant":
        "Have it signed by an authority that Lanyard trusts: one of `fetch.caConfigMap` of the chart, or of `caRef` of the provider or of `spec.mail`. Or correct the host.",
    /// The provider has no discovery document that can be used, or it is about another issuer.
    BadMetadata in Reachable "IdentityProvider":
        "Correct `spec.oidc.issuer`: it is the exact text of `issuer` in the provider's discovery document. Without `spec.identityKey` it cannot be changed: delete the object, and create it with the right one.",
    /// The host answers, but not as the API of GitHub does.
    NotGitHub in Reachable "IdentityProvider":
        "Correct `spec.github.host`: it is the host of the pages of GitHub Enterprise Server. Without `spec.identityKey` it cannot be changed: delete the object, and create it with the right one.",
    /// The directory refuses the search account, or the mail server that of the tenant. Lanyard tries it every ten
    /// minutes, so that it is not locked.
    AccountRefused in Reachable "IdentityProvider", MailReachable "Tenant":
        "Correct name and password in the Secret that `spec.ldap.bindSecretRef` or `spec.mail.credentialsSecretRef` names.",
    /// The API server does not permit Lanyard to read the keys of ServiceAccount tokens, so `serviceAccountRef`
    /// authenticates no workload.
    ClusterKeysForbidden in Reachable "OidcClient":
        "Leave the chart's value `serviceAccountTokens.keys` true, or bind the ClusterRole `system:service-account-issuer-discovery` to Lanyard's ServiceAccount.",
    /// The API server does not give usable keys of ServiceAccount tokens. Cached keys were used until they expired. Now
    /// `serviceAccountRef` authenticates no workload.
    ClusterKeysUnavailable in Reachable "OidcClient":
        "Look at the API server, and at Lanyard's log. Lanyard asks again every 30 seconds.",
    /// An `issuer` in `federatedCredentials` is that of the cluster that Lanyard runs in, and authenticates no
    /// workload.
    ClusterIssuer in Reachable "OidcClient":
        "Use `serviceAccountRef` instead, in the namespace of the ServiceAccount.",
    /// `serviceAccountRef` has no effect, because there is no cluster.
    NoCluster in Warning "OidcClient": "Deploy to a cluster, or use a client secret with `lanyard dev`.",
    /// A write to the cluster failed. Lanyard tries again.
    WriteFailed in KeysReady "Tenant", SecretReady "OidcClient", Programmed "OidcUser, IdentityProvider, ResourceServer":
        "Look at the message, and at Lanyard's permissions.",
}
