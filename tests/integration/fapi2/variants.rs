//! The variants of the foundation's plans for FAPI 2.0. Parameters and values are those of the suite.

use std::fmt;

/// `client_auth_type`: how a client authenticates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientAuthType {
    PrivateKeyJwt,
    Mtls,
}

/// `sender_constrain`: the kind of key that tokens are bound to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SenderConstrain {
    Dpop,
    Mtls,
}

/// `fapi_request_method`: the form of pushed requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FapiRequestMethod {
    Unsigned,
    SignedNonRepudiation,
}

/// `fapi_response_mode`: the form of authorization responses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FapiResponseMode {
    PlainResponse,
    Jarm,
}

/// `openid`: whether requests have the scope `openid`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FapiOpenId {
    OpenidConnect,
    PlainOauth,
}

/// The object that sets the profile. The suite does not see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProfileOwner {
    Tenant,
    Client,
}

/// A variant of a plan: one value of each parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Variant {
    pub client_auth_type: ClientAuthType,
    pub sender_constrain: SenderConstrain,
    pub fapi_request_method: FapiRequestMethod,
    pub fapi_response_mode: FapiResponseMode,
    pub openid: FapiOpenId,
    pub profile_owner: ProfileOwner,
}

/// The number of variants of the suite: five parameters with two values each.
const VARIANTS: u8 = 32;

impl Variant {
    /// All variants of the suite under the profile of a tenant, and two of clients with a profile of their own.
    pub fn all() -> Vec<Self> {
        let of_clients = [0, 15].map(|number| {
            let profile_owner = ProfileOwner::Client;
            Self { profile_owner, ..Self::numbered(number) }
        });
        (0..VARIANTS).map(Self::numbered).chain(of_clients).collect()
    }

    /// The variant whose values are the bits of a number.
    fn numbered(number: u8) -> Self {
        let is_set = |bit: u8| number & (1 << bit) != 0;
        Self {
            client_auth_type: if is_set(0) {
                ClientAuthType::Mtls
            } else {
                ClientAuthType::PrivateKeyJwt
            },
            sender_constrain: if is_set(1) { SenderConstrain::Mtls } else { SenderConstrain::Dpop },
            fapi_request_method: if is_set(2) {
                FapiRequestMethod::SignedNonRepudiation
            } else {
                FapiRequestMethod::Unsigned
            },
            fapi_response_mode: if is_set(3) {
                FapiResponseMode::Jarm
            } else {
                FapiResponseMode::PlainResponse
            },
            openid: if is_set(4) { FapiOpenId::PlainOauth } else { FapiOpenId::OpenidConnect },
            profile_owner: ProfileOwner::Tenant,
        }
    }

    /// Returns true: for modules of every variant.
    pub fn any(_: Self) -> bool {
        true
    }

    pub fn has_assertions(self) -> bool {
        self.client_auth_type == ClientAuthType::PrivateKeyJwt
    }

    pub fn is_dpop(self) -> bool {
        self.sender_constrain == SenderConstrain::Dpop
    }

    /// Returns true if the client presents a certificate, to authenticate or to bind its tokens.
    pub fn has_certificate(self) -> bool {
        !(self.has_assertions() && self.is_dpop())
    }

    pub fn is_signed(self) -> bool {
        self.fapi_request_method == FapiRequestMethod::SignedNonRepudiation
    }

    pub fn is_jarm(self) -> bool {
        self.fapi_response_mode == FapiResponseMode::Jarm
    }

    pub fn is_openid(self) -> bool {
        self.openid == FapiOpenId::OpenidConnect
    }

    /// The name of the tenant: one for each profile.
    pub fn tenant(self) -> &'static str {
        match (self.profile_owner, self.is_signed(), self.is_jarm()) {
            (ProfileOwner::Client, ..) => "shared",
            (ProfileOwner::Tenant, false, false) => "security",
            (ProfileOwner::Tenant, true, false) => "requests",
            (ProfileOwner::Tenant, false, true) => "responses",
            (ProfileOwner::Tenant, true, true) => "messages",
        }
    }

    /// The fields of the profile, as lines of a spec.
    pub fn profile(self) -> String {
        let (requests, responses) = (self.is_signed(), self.is_jarm());
        if !requests && !responses {
            return "  profile: Fapi2Security\n".to_owned();
        }
        format!(
            "  profile: Fapi2MessageSigning
  messageSigning: {{requests: {requests}, responses: {responses}, introspection: false}}\n"
        )
    }

    /// The name of one of the two clients. Variants that differ in the scopes of requests have the same clients.
    pub fn client_name(self, number: u8) -> String {
        let authentication = if self.has_assertions() { "jwt" } else { "mtls" };
        let binding = if self.is_dpop() { "dpop" } else { "mtls" };
        format!("{}-{authentication}-{binding}-{number}", self.tenant())
    }
}

impl fmt::Display for Variant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let one = |first: bool, [yes, no]: [&'static str; 2]| if first { yes } else { no };
        write!(
            f,
            "client_auth_type={} sender_constrain={} fapi_request_method={} fapi_response_mode={} openid={}, profile of the {}",
            one(self.has_assertions(), ["private_key_jwt", "mtls"]),
            one(self.is_dpop(), ["dpop", "mtls"]),
            one(self.is_signed(), ["signed_non_repudiation", "unsigned"]),
            one(self.is_jarm(), ["jarm", "plain_response"]),
            one(self.is_openid(), ["openid_connect", "plain_oauth"]),
            one(self.profile_owner == ProfileOwner::Tenant, ["tenant", "client"]),
        )
    }
}

#[test]
fn the_table_has_each_variant_of_the_suite_once() {
    let names: std::collections::BTreeSet<String> =
        Variant::all().iter().map(Variant::to_string).collect();
    assert_eq!(names.len(), usize::from(VARIANTS) + 2);
    let of_tenants = names.iter().filter(|name| name.ends_with("of the tenant")).count();
    assert_eq!(of_tenants, usize::from(VARIANTS));
}
