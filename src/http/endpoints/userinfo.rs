//! The userinfo endpoint (OIDC Core §5.3).

use std::sync::Arc;

use http::{Method, StatusCode};

use super::received_proof::received_proof;
use crate::{
    accounts::{
        AccountContext, RequestError,
        grants::{
            grant_validity::{self, GrantRefusal},
            token_lookup::{AccessTokenError, verify_access_token},
        },
        tokens::{
            dpop_proofs::{VerifiedProof, use_proof, verify_proof},
            signing_key_choice, token_issuer,
        },
    },
    http::{AppState, EndpointError, Reply, Request},
    identity::RecordMaker,
    keys::JwtType,
    model::{Client, ClientCertificate},
    protocol::{
        claims::{self, Claims},
        dpop::invalid_dpop_proof,
        error::{ErrorCode, OAuthError},
        params::RequestParams,
        sender_keys::BoundKey,
        subject,
        userinfo::{
            PresentedAccessToken, check_access_token_claims, check_certificate, check_grant,
            check_scheme, presented_access_token,
        },
    },
};

/// The proof of the sender of an access token.
enum VerifiedSender {
    /// None: the token is bound to no key.
    Unproven,
    /// The DPoP proof that was sent along.
    Dpop(VerifiedProof),
    /// The certificate of the connection.
    Certificate,
}

impl VerifiedSender {
    fn proof(&mut self) -> Option<&mut VerifiedProof> {
        if let Self::Dpop(proof) = self { Some(proof) } else { None }
    }
}

/// `GET I/oauth/userinfo`: the claims about the user of an access token in the header (OIDC Core §5.3).
pub async fn get(app: &AppState, request: Request) -> Result<Reply, EndpointError> {
    answer(app, &request).await
}

/// `POST I/oauth/userinfo`: the token in the header or in a form body.
pub async fn post(app: &AppState, request: Request) -> Result<Reply, EndpointError> {
    answer(app, &request).await
}

async fn answer(app: &AppState, request: &Request) -> Result<Reply, EndpointError> {
    let form = (request.method == Method::POST && request.is_form())
        .then(|| request.form().and_then(RequestParams::reject_duplicates))
        .transpose()?;
    let query = request.query_params()?;
    let presented = presented_access_token(request.authorization(), &query, form.as_ref())?;
    let presented = presented.ok_or(EndpointError::NoAccessToken)?;
    let verified = verified_claims(app.context(request), presented.token)?;
    let mut sender = verify_sender(app, request, (&verified, presented))?;
    let issuer = &request.tenant.tenant.issuer;
    let bearer = check_access_token_claims(&verified, issuer, request.now)?;
    let stored = grant_validity::load_grant(app.context(request), &bearer.grant_id).await?;
    let grant = stored.map(|stored| stored.grant);
    check_grant(grant.as_ref(), request.now)?;
    let invalid = |text: &str| OAuthError::new(ErrorCode::InvalidToken, text);
    let gone = || {
        invalid("The user of the access token is disabled or deleted, or the session has ended.")
    };
    let grant = grant.ok_or_else(gone)?;
    let person = RecordMaker::Person(grant.authentication.subject.as_str());
    use_proof(app.context(request), [person], sender.proof()).await.map_err(dpop_error)?;
    let client = request.tenant.client(grant.client.as_str()).ok_or_else(gone)?;
    request.facts.record_client(&client.object);
    check_proof_algorithm(&client, sender).map_err(EndpointError::Dpop)?;
    let user = grant_validity::account_of_grant(app.context(request), &grant).await?;
    let user = user.map_err(|refusal| match refusal {
        GrantRefusal::Inactive => gone(),
        GrantRefusal::NotAdmitted => invalid(
            "The user's identity provider no longer gives the required claims of the user, or its rules do not admit the user.",
        ),
        GrantRefusal::Entry(refusal) => invalid(&refusal.description()),
    })?;
    request.facts.record_user(user.subject.as_str());
    if subject::subject_for_client(&client, &grant.authentication.subject) != bearer.subject {
        return Err(gone().into());
    }
    let (tenant, named) = (&request.tenant.tenant, &grant.claims.userinfo);
    // The client may have lost scopes since.
    let scopes = bearer.scopes.intersection(&client.scopes).cloned().collect();
    let mut claims = claims::userinfo_claims(tenant, &client, &user, &scopes, named);
    let Some(algorithm) = client.userinfo_signed_response_alg else {
        return Ok(Reply::json(StatusCode::OK, &claims));
    };
    // A signed response contains `iss` and `aud` (OIDC Core §5.3.2).
    claims.insert("iss".into(), issuer.as_str().into());
    claims.insert("aud".into(), client.id.as_str().into());
    let key = signing_key_choice::signing_key_of_algorithm(app.context(request), algorithm)?;
    let jwt = token_issuer::sign_claims(&app.accounts, key, JwtType::Userinfo, &claims).await?;
    Ok(Reply::jwt(jwt))
}

/// The claims of an access token. If the tokens of its client have to be bound, earlier ones without a binding are
/// refused.
fn verified_claims(context: AccountContext<'_>, token: &str) -> Result<Arc<Claims>, EndpointError> {
    let invalid = |text: &str| OAuthError::new(ErrorCode::InvalidToken, text);
    verify_access_token(context, token).map_err(|error| match error {
        AccessTokenError::NotVerified(_) => {
            let text = "The token is not an access token of this issuer.";
            invalid(text).because(error.to_string()).into()
        }
        AccessTokenError::NotBound => {
            let text = "The access tokens of this client must be bound to a key; get another one.";
            EndpointError::Dpop(invalid(text))
        }
    })
}

/// Rule: the proof has an algorithm that the client may use.
fn check_proof_algorithm(client: &Client, sender: VerifiedSender) -> Result<(), OAuthError> {
    match sender {
        VerifiedSender::Dpop(proof) => proof.of_client(client).map(drop),
        VerifiedSender::Certificate | VerifiedSender::Unproven => Ok(()),
    }
}

/// Verifies that the sender has the key that the token is bound to (RFC 8705 §3, RFC 9449 §7.1).
fn verify_sender(
    app: &AppState,
    request: &Request,
    (claims, presented): (&Claims, PresentedAccessToken<'_>),
) -> Result<VerifiedSender, EndpointError> {
    let bound = check_scheme(claims, presented.with_dpop).map_err(EndpointError::Dpop)?;
    let key = match bound {
        None => return Ok(VerifiedSender::Unproven),
        Some(BoundKey::Certificate(hash)) => {
            let sent = request.certificate.as_ref().map(ClientCertificate::thumbprint);
            check_certificate(&hash, sent)?;
            return Ok(VerifiedSender::Certificate);
        }
        Some(BoundKey::Dpop(key)) => key,
    };
    let missing = || invalid_dpop_proof("Send a DPoP proof in the header 'DPoP'.");
    let received = received_proof(request).and_then(|proof| proof.ok_or_else(missing));
    let verify = |proof| verify_proof(app.context(request), proof, Some(presented.token));
    let proof = received.and_then(verify).map_err(EndpointError::Dpop)?;
    if proof.key() != key {
        let text =
            "The DPoP proof was made with a different key than the access token is bound to.";
        return Err(EndpointError::Dpop(OAuthError::new(ErrorCode::InvalidToken, text)));
    }
    Ok(VerifiedSender::Dpop(proof))
}

fn dpop_error(error: RequestError<OAuthError>) -> EndpointError {
    match error {
        RequestError::Refused(error) => EndpointError::Dpop(error),
        RequestError::Failed(error) => error.into(),
    }
}
