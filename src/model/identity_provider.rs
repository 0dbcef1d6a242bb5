//! Values of identity providers, as manifests name them.

use super::wire_enum;

wire_enum!(
    /// The protocol of an identity provider.
    ProviderType {
        /// OpenID Connect.
        Oidc = "OIDC",
        /// GitHub's OAuth and API.
        GitHub = "GitHub",
        /// An LDAP directory.
        Ldap = "LDAP",
    }
);

wire_enum!(
    /// The people of a provider who may sign in.
    AdmissionPolicy {
        /// Everyone whom the provider authenticates.
        Everyone = "Everyone",
        /// Those who meet the rules.
        ByRules = "ByRules",
        /// Those whom an OidcUser names.
        Declared = "Declared",
    }
);

wire_enum!(
    /// How the subject of a person is made.
    #[derive(Default)]
    SubjectStrategy {
        /// A UUID of tenant, identity key, claim and value.
        #[default]
        Computed = "Computed",
        /// The provider's value itself.
        Upstream = "Upstream",
        /// As Dex encodes it.
        Dex = "Dex",
    }
);

wire_enum!(
    /// Whether the userinfo endpoint of a provider is asked.
    #[derive(Default)]
    UserinfoUse {
        /// Never.
        Never = "Never",
        /// If a claim that mappings or rules read is not in the ID token.
        #[default]
        IfNeeded = "IfNeeded",
        /// At each sign-in.
        Always = "Always",
    }
);

wire_enum!(
    /// The audience of the assertions by which a tenant authenticates at a provider.
    #[derive(Default)]
    ClientAssertionAudience {
        /// The URL of the token endpoint.
        #[default]
        TokenEndpoint = "TokenEndpoint",
        /// The issuer.
        Issuer = "Issuer",
    }
);

wire_enum!(
    /// Whether a provider is asked again about people who are signed in.
    #[derive(Default)]
    RefreshMode {
        /// No.
        #[default]
        Disabled = "Disabled",
        /// When the last answer is too old.
        Upstream = "Upstream",
    }
);

wire_enum!(
    /// The rule for signed-in people while their provider cannot be asked.
    #[derive(Default)]
    UnavailablePolicy {
        /// Their claims count for some time more.
        #[default]
        KeepFor = "KeepFor",
        /// They are refused.
        Refuse = "Refuse",
    }
);

wire_enum!(
    /// Where a person who signs out is signed out.
    #[derive(Default)]
    LogoutScope {
        /// Here only.
        #[default]
        Local = "Local",
        /// Here and at the provider.
        Upstream = "Upstream",
    }
);

wire_enum!(
    /// Whether membership of an organization at GitHub is required.
    #[derive(Default)]
    GitHubOrganizationPolicy {
        /// In one of the listed organizations.
        #[default]
        Listed = "Listed",
        /// It is not required.
        Any = "Any",
    }
);

wire_enum!(
    /// The names of teams at GitHub that become groups.
    #[derive(Default)]
    GitHubTeamNames {
        /// The name in URLs.
        #[default]
        Slug = "Slug",
        /// The displayed name.
        Name = "Name",
    }
);
