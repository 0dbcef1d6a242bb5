//! Requests that a client makes on one device and a person answers on another: the device flow (RFC 8628) and requests
//! over the backchannel (OpenID Connect CIBA Core 1.0).
//!
//! Must not: issue tokens. Polls of clients come through `token_grants`.

mod backchannel_people;
pub(crate) mod backchannel_requests;
pub(crate) mod cross_device;
pub(super) mod cross_device_limits;
pub(crate) mod device_authorizations;
pub(super) mod device_code_cache;
