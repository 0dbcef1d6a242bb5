//! A tenant and a client for the fuzz targets.

use std::{collections::BTreeMap, sync::Arc};

use lanyard::model::{
    ApplicationType, Branding, Client, ClientId, GrantType, Issuer, Lifetimes, ObjectKey,
    Organization, RedirectUri, RefreshTokenRotation, RegistrationPolicy, RequestObjectPolicy, ResponseType,
    RotationPolicy, SigningAlgorithm, Tenant, TenantId,
};

/// `team/shop` at `https://id.test/team/shop`.
pub fn tenant() -> Tenant {
    Tenant {
        id: TenantId::new("team", "shop"),
        issuer: Issuer::parse("https://id.test/team/shop").expect("canonical"),
        display_name: "Shop".into(),
        organization: Organization { name: "Shop".into(), id: "team/shop".into() },
        algorithms: vec![SigningAlgorithm::RS256],
        key_rotation: RotationPolicy::default(),
        lifetimes: Lifetimes::default().into(),
        scopes: BTreeMap::new(),
        branding: Branding::default(),
        acr_levels: vec![],
        request_objects: RequestObjectPolicy::default(),
        refresh_token_rotation: RefreshTokenRotation::default(),
        registration: RegistrationPolicy::default(),
    }
}

/// `team.wiki`, which may use every flow, at `https://rp.test/cb`.
pub fn client() -> Client {
    let redirect = RedirectUri::parse("https://rp.test/cb", ApplicationType::Web);
    let scopes = ["openid", "profile", "email", "offline_access"];
    Client {
        redirect_uris: vec![redirect.expect("valid")],
        grant_types: Arc::new(GrantType::ALL.iter().copied().collect()),
        response_types: Arc::new(ResponseType::ALL.iter().copied().collect()),
        scopes: std::sync::Arc::new(scopes.map(str::to_owned).into()),
        ..Client::new(
            ClientId::new("team.wiki"),
            ObjectKey::new("team", "wiki"),
            TenantId::new("team", "shop"),
        )
    }
}
