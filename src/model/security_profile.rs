//! The security profiles of FAPI 2.0 (FAPI 2.0 Security Profile, FAPI 2.0 Message Signing).

use super::{AuthMethod, JwsAlgorithm, SigningAlgorithm, wire_enum};

wire_enum!(
    /// A security profile that a tenant or client follows.
    SecurityProfile {
        /// FAPI 2.0 Security Profile.
        Fapi2Security = "Fapi2Security",
        /// FAPI 2.0 Message Signing, which includes the Security Profile.
        Fapi2MessageSigning = "Fapi2MessageSigning",
    }
);

/// The rules of FAPI 2.0 for a tenant or client. They are the Security Profile, and the parts of Message Signing
/// that are required in addition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fapi2Rules {
    /// Authorization requests are signed request objects (Message Signing §5.3).
    pub signed_requests: bool,
    /// Authorization responses are JWTs (Message Signing §5.4).
    pub signed_responses: bool,
    /// Responses of introspection are JWTs (Message Signing §5.5).
    pub signed_introspection: bool,
}

impl Fapi2Rules {
    /// The rules of a client: its own, and those of its tenant. Neither removes a rule of the other.
    pub fn combined(own: Option<Self>, of_tenant: Option<Self>) -> Option<Self> {
        match (own, of_tenant) {
            (None, rules) | (rules, None) => rules,
            (Some(own), Some(tenant)) => Some(Self {
                signed_requests: own.signed_requests || tenant.signed_requests,
                signed_responses: own.signed_responses || tenant.signed_responses,
                signed_introspection: own.signed_introspection || tenant.signed_introspection,
            }),
        }
    }

    /// The profile that has these rules.
    pub const fn profile(self) -> SecurityProfile {
        if self.signed_requests || self.signed_responses || self.signed_introspection {
            SecurityProfile::Fapi2MessageSigning
        } else {
            SecurityProfile::Fapi2Security
        }
    }
}

/// The algorithms of JWTs that clients sign (Security Profile §5.4.1). `EdDSA` and `Ed25519` are the same.
pub const FAPI2_JWS_ALGORITHMS: [JwsAlgorithm; 4] =
    [JwsAlgorithm::PS256, JwsAlgorithm::ES256, JwsAlgorithm::EdDSA, JwsAlgorithm::Ed25519];

/// The methods by which clients under a profile may authenticate (Security Profile §5.3.2.1).
pub const FAPI2_AUTH_METHODS: [AuthMethod; 3] =
    [AuthMethod::PrivateKeyJwt, AuthMethod::TlsClientAuth, AuthMethod::SelfSignedTlsClientAuth];

impl SigningAlgorithm {
    /// Returns true if FAPI 2.0 allows the algorithm (Security Profile §5.4.1).
    pub const fn is_fapi2(self) -> bool {
        matches!(self, Self::PS256 | Self::ES256 | Self::EdDSA)
    }
}

impl JwsAlgorithm {
    /// Returns true if FAPI 2.0 allows the algorithm (Security Profile §5.4.1).
    pub fn is_fapi2(self) -> bool {
        FAPI2_JWS_ALGORITHMS.contains(&self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_tenant_nor_client_removes_a_rule() {
        let rules = |bits: u8| Fapi2Rules {
            signed_requests: bits & 1 != 0,
            signed_responses: bits & 2 != 0,
            signed_introspection: bits & 4 != 0,
        };
        assert_eq!(Fapi2Rules::combined(None, None), None);
        for own in 0..8 {
            assert_eq!(Fapi2Rules::combined(Some(rules(own)), None), Some(rules(own)));
            assert_eq!(Fapi2Rules::combined(None, Some(rules(own))), Some(rules(own)));
            for tenant in 0..8 {
                let combined = Fapi2Rules::combined(Some(rules(own)), Some(rules(tenant)));
                assert_eq!(combined, Some(rules(own | tenant)));
            }
        }
        assert_eq!(rules(0).profile(), SecurityProfile::Fapi2Security);
        assert_eq!(rules(4).profile(), SecurityProfile::Fapi2MessageSigning);
    }

    #[test]
    fn algorithms_of_tokens_and_of_clients_agree() {
        for algorithm in SigningAlgorithm::ALL {
            let of_clients: JwsAlgorithm = algorithm.as_str().parse().expect("known");
            assert_eq!(algorithm.is_fapi2(), of_clients.is_fapi2(), "{algorithm}");
        }
        assert!(!JwsAlgorithm::None.is_fapi2() && !JwsAlgorithm::RS256.is_fapi2());
    }
}
