//! The security events of tokens and grants.

use std::collections::BTreeSet;

use serde_json::Value;

use super::issue_plan::{IssuePlan, IssuedTokens, RefreshTokenPlan};
use crate::{
    model::{
        Account, AuditCause, AuditEvent, AuditText, AuditedAccess, AuditedConsent, AuditedGrant,
        AuditedReplay, AuditedScopes, AuditedTokenOwner, Client, IssuedToken, StepUpFailure,
    },
    protocol::{
        access::{AccessDenial, DeniedAccess, PolicyOwner},
        authentication::Authentication,
        authorization_details::AuthorizationDetail,
        authorize::AuthorizationRequest,
        records::{CrossDeviceRequest, Grant, Session},
        scope::join_scopes,
        token::CredentialKind,
    },
};

/// The audit event of a response with tokens. `jti`: that of the access token, if one was issued.
pub(super) fn issued_event<'a>(
    plan: IssuePlan<'a>,
    issued: &IssuedTokens,
    jti: Option<&'a str>,
) -> AuditEvent<'a> {
    // A refresh token that the client keeps is not issued again.
    let is_kept = |token: &&str| {
        plan.user.map(|user| user.refresh_token) == Some(RefreshTokenPlan::Kept(token))
    };
    let refresh_token = issued.refresh_token.as_deref().filter(|token| !is_kept(token));
    let tokens = [
        (IssuedToken::Code, plan.code.is_some()),
        (IssuedToken::AccessToken, issued.access_token.is_some()),
        (IssuedToken::IdToken, issued.id_token.is_some()),
        (IssuedToken::RefreshToken, refresh_token.is_some()),
    ];
    let grant = plan.user.map(|user| user.grant);
    AuditEvent::TokenIssued {
        client: plan.client.into(),
        grant_type: AuditText::new(plan.grant_type.as_str()),
        tokens: tokens.iter().filter(|(_, issued)| *issued).map(|(token, _)| *token).collect(),
        access: AuditedAccess {
            scope: AuditText::new(join_scopes(plan.scopes)),
            resource: plan.server.map(|server| AuditText::new(&*server.identifier)),
            exchanged_from: plan
                .exchange
                .map(|exchange| AuditText::new(exchange.subject.audience.as_str())),
            actors: plan.exchange.map(|exchange| actors(exchange.actors)).unwrap_or_default(),
        },
        owner: AuditedTokenOwner {
            subject: grant.map(|grant| AuditText::new(grant.authentication.subject.as_str())),
            provider: plan.user.map(|user| AuditText::new(user.user.provider_or_local())),
            sid: grant.and_then(|grant| grant.sid.as_deref()).map(AuditText::new),
            grant_id: plan.user.map(|user| AuditText::new(user.grant_id)),
        },
        jti: jti.map(AuditText::new),
    }
}

/// The subjects of a claim `act`, the last actor first.
fn actors(claim: Option<&Value>) -> Vec<AuditText<'_>> {
    let chain = std::iter::successors(claim, |actor| actor.get("act"));
    chain.filter_map(|actor| actor["sub"].as_str()).map(AuditText::new).collect()
}

/// A person answered the consent page of an application, or of a request of another device.
pub(crate) fn consent_event<'a>(
    requested: &'a AuthorizationRequest,
    (session, request): (Option<&'a Session>, Option<CrossDeviceRequest<'a>>),
    given: bool,
) -> AuditEvent<'a> {
    let consent = AuditedConsent {
        subject: session.map(|it| AuditText::new(it.authentication.subject.as_str())),
        sid: session.map(|it| AuditText::new(it.sid.as_str())),
        device_address: request.map(|request| AuditText::new(request.address())),
        ..asked_consent(requested)
    };
    if given {
        AuditEvent::ConsentGiven { consent }
    } else {
        AuditEvent::ConsentRefused { consent }
    }
}

/// A client asked a person over the backchannel, from an address; `None` for a person who is unknown.
pub(crate) fn backchannel_event<'a>(
    requested: &'a AuthorizationRequest,
    (person, address): (Option<&'a Account>, &'a str),
) -> AuditEvent<'a> {
    let consent = AuditedConsent {
        subject: person.map(|person| AuditText::new(person.subject.as_str())),
        device_address: Some(AuditText::new(address)),
        ..asked_consent(requested)
    };
    AuditEvent::ConsentRequested { consent }
}

/// The question of a client, without the person.
fn asked_consent(requested: &AuthorizationRequest) -> AuditedConsent<'_> {
    let resources = &requested.resources;
    let scopes = requested.scopes.iter().chain(resources.scopes()).cloned().collect();
    let servers = resources.servers.iter();
    let details = resources.details.values().flatten();
    let types: BTreeSet<&str> = details.map(AuthorizationDetail::details_type).collect();
    AuditedConsent {
        client: (&*requested.client).into(),
        subject: None,
        sid: None,
        scope: AuditedScopes::new(join_scopes(&scopes)),
        device_address: None,
        resources: servers.map(|server| AuditText::new(&*server.identifier)).collect(),
        authorization_details_types: types.into_iter().map(AuditText::new).collect(),
    }
}

/// A credential was used again, and its grant is revoked.
pub(in crate::accounts) fn replayed_event<'a>(
    client: &'a Client,
    grant: &'a Grant,
    kind: CredentialKind,
) -> AuditEvent<'a> {
    let subject = grant.authentication.subject.as_str();
    let grant = AuditedGrant::new(subject, grant.sid.as_deref(), grant.created_at);
    let replay = AuditedReplay { client: client.into(), grant };
    match kind {
        CredentialKind::Code => AuditEvent::CodeReplayed { replay },
        CredentialKind::RefreshToken => AuditEvent::RefreshTokenReplayed { replay },
    }
}

/// A client revoked a token, and with it a person's grant.
pub(in crate::accounts) fn revoked_event<'a>(
    caller: &'a Client,
    token: IssuedToken,
    grant: Option<(&'a str, &'a Grant)>,
) -> AuditEvent<'a> {
    AuditEvent::TokenRevoked {
        client: caller.into(),
        token,
        owner: AuditedTokenOwner {
            subject: grant.map(|(_, grant)| AuditText::new(grant.authentication.subject.as_str())),
            provider: None,
            sid: grant.and_then(|(_, grant)| grant.sid.as_deref()).map(AuditText::new),
            grant_id: grant.map(|(id, _)| AuditText::new(id)),
        },
    }
}

/// A person may not use a client.
pub(crate) fn entry_event<'a>(
    client: &'a Client,
    (authentication, sid): (&'a Authentication, Option<&'a str>),
    refusal: &'a AccessDenial,
) -> AuditEvent<'a> {
    let subject = AuditText::new(authentication.subject.as_str());
    match refusal {
        AccessDenial::Refused(DeniedAccess { by, cause, .. }) => AuditEvent::EntryRefused {
            client: client.into(),
            subject,
            by: AuditText::new(by.as_str()),
            cause: AuditCause::new(cause.to_string()),
        },
        AccessDenial::MissingFactor(factor) => AuditEvent::EntryRefused {
            client: client.into(),
            subject,
            by: AuditText::new(PolicyOwner::Tenant.as_str()),
            cause: AuditCause::new(factor.field().to_owned()),
        },
        AccessDenial::HigherLevel { .. } => AuditEvent::StepUp {
            client: client.into(),
            subject,
            sid: sid.map(AuditText::new),
            amr: authentication.amr().into_iter().map(AuditText::new).collect(),
            reason: Some(StepUpFailure::HigherLevelRequired),
        },
    }
}
