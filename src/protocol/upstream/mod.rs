//! The rules of OpenID Connect for its other side: this provider as a relying party of an identity
//! provider. Pure.

mod authorization;
mod callback;
mod client_assertion;
mod end_session;
mod id_token;
mod logout_token;
mod metadata;
mod signed_userinfo;
mod state;
mod token_response;

pub use authorization::{MAX_PROVIDER_URL_LEN, UpstreamRequest, authorization_url};
pub use callback::{CallbackError, CallbackResponse, check_callback, read_callback};
pub use client_assertion::{CLIENT_ASSERTION_TYPE, client_assertion_claims};
pub use end_session::{
    MAX_ID_TOKEN_HINT, UpstreamEndSession, UpstreamLogoutState, end_session_url,
};
pub use id_token::{IdTokenError, UpstreamIdToken, UpstreamIdTokenRequirements, check_id_token};
pub use logout_token::{LogoutTokenError, UpstreamLogoutToken, check_logout_token};
pub use metadata::{MetadataError, UpstreamMetadata};
pub use signed_userinfo::{SignedUserinfo, SignedUserinfoError, check_signed_userinfo};
pub use state::{UpstreamClientHash, UpstreamRequirements, UpstreamState};
pub use token_response::{TokenResponseError, UpstreamTokens, parse_token_response};
