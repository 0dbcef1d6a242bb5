//! Values of identity providers, as manifests name them.

use super::wire_enum;

wire_enum!(
    /// The protocol of an identity provider.
    ProviderType {
        /// An OpenID provider (OpenID Connect Discovery).
        Oidc = "OIDC",
        /// GitHub's OAuth and API.
        GitHub = "GitHub",
        /// An LDAP directory (RFC 4511), where Lanyard checks the password that a person types.
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
        /// As Dex encodes it: a protobuf message with the user's and the connector's id, in base64url.
        Dex = "Dex",
    }
);

/// Claims and attributes that can pass from one person to another, in lower case: e-mail addresses and
/// names of accounts.
const REASSIGNED_CLAIMS: [&str; 13] = [
    "email",
    "mail",
    "rfc822mailbox",
    "mailnickname",
    "preferred_username",
    "username",
    "upn",
    "userprincipalname",
    "unique_name",
    "name",
    "displayname",
    "nickname",
    "login",
];
/// Attributes of a directory that can pass from one person to another too, but are what Dex makes
/// subjects of by default or in its documentation.
const DIRECTORY_NAMES: [&str; 7] =
    ["uid", "userid", "cn", "commonname", "dn", "distinguishedname", "samaccountname"];

impl SubjectStrategy {
    /// Returns true if subjects may be made of a claim, whose case is ignored as in a directory. The names
    /// of a directory are accepted for the subjects of Dex, which people have already.
    pub fn accepts_claim(self, claim: &str) -> bool {
        let is_one_of = |names: &[&str]| names.iter().any(|it| claim.eq_ignore_ascii_case(it));
        !is_one_of(&REASSIGNED_CLAIMS) && (self == Self::Dex || !is_one_of(&DIRECTORY_NAMES))
    }
}

/// Parameters of an authorization request that each request sets for itself, or that would replace others.
pub const RESERVED_AUTHORIZATION_PARAMETERS: [&str; 18] = [
    "acr_values",
    "client_assertion",
    "client_assertion_type",
    "client_id",
    "client_secret",
    "code_challenge",
    "code_challenge_method",
    "id_token_hint",
    "login_hint",
    "max_age",
    "nonce",
    "redirect_uri",
    "request",
    "request_uri",
    "response_type",
    "scope",
    "state",
    "ui_locales",
];

wire_enum!(
    /// Whether the userinfo endpoint of a provider is asked.
    #[derive(Default)]
    UserinfoUse {
        /// Never. Claims come from the ID token alone.
        Never = "Never",
        /// If a claim that mappings or rules read is not in the ID token.
        #[default]
        IfNeeded = "IfNeeded",
        /// At each sign-in, whether the ID token has the claims or not.
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
        /// The issuer of the provider.
        Issuer = "Issuer",
    }
);

wire_enum!(
    /// Whether a provider is asked again about people who are signed in.
    RefreshMode {
        /// Never. The claims of a session are those of its sign-in.
        Disabled = "Disabled",
        /// When the last answer is too old.
        Upstream = "Upstream",
    }
);

impl RefreshMode {
    /// The mode of a provider whose manifest names none. A directory and GitHub can be asked again after every sign-in;
    /// an OpenID provider only with a refresh token, which it may not issue.
    pub fn default_of(provider_type: ProviderType) -> Self {
        match provider_type {
            ProviderType::Ldap | ProviderType::GitHub => Self::Upstream,
            ProviderType::Oidc => Self::Disabled,
        }
    }
}

wire_enum!(
    /// The rule for signed-in people while their provider cannot be asked.
    #[derive(Default)]
    UnavailablePolicy {
        /// Their stored claims are accepted for some more time.
        #[default]
        KeepFor = "KeepFor",
        /// They are refused until the provider answers.
        Refuse = "Refuse",
    }
);

wire_enum!(
    /// The `prompt` by which a provider lets a person choose another account (OIDC Core §3.1.2.1).
    #[derive(Default)]
    AccountSelection {
        /// `select_account`, unless the provider's metadata lack it.
        #[default]
        SelectAccount = "SelectAccount",
        /// `login`: the person signs in at the provider again.
        Login = "Login",
    }
);

wire_enum!(
    /// Where a person who signs out is signed out.
    #[derive(Default)]
    LogoutScope {
        /// At this tenant only. The session at the provider goes on.
        #[default]
        Local = "Local",
        /// Here and at the provider (OpenID Connect RP-Initiated Logout).
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
        /// No organization is required.
        Any = "Any",
    }
);

wire_enum!(
    /// The names of teams at GitHub that become groups.
    #[derive(Default)]
    GitHubTeamNames {
        /// The name in URLs of GitHub.
        #[default]
        Slug = "Slug",
        /// The name that GitHub displays.
        Name = "Name",
    }
);
